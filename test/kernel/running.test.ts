/** The doctor's checks of platforms that run, but not as well as they could, each provoked on the real kernel. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { commandsIn, idsIn, pasted, problemIn, reportIn } from '../support/doctor.js';
import { clearEntries, registerForeign, writeEntry } from '../support/kernel.js';
import { alsoNative, foreign, guest } from '../support/machine.js';
import { binfmt, EMULATORS, OLDER_EMULATORS, olderVersion, PROGRAM, shippedVersion } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const { name, platform, emulator: entry } = guest;
const shipped = path.join(EMULATORS, entry);
const older = path.join(OLDER_EMULATORS, entry);
const doctor = (...args: string[]) => binfmt(['doctor', ...args]);
const examined = (...args: string[]) => reportIn(doctor('--json', ...args));
/** Checks that know bad builds of the emulator for arm64. */
const badEmulators = ['slow-pointer-authentication', 'tar-invalid-argument'] as const;
const install = `sudo QEMU_BINARY_PATH=${EMULATORS} ${PROGRAM} --install`;

describe('a check of doctor, of what runs', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  it('old-emulator: compares with the version that the emulator prints when the kernel starts it', () => {
    registerForeign(entry, name, older, 'POCF');
    const ended = doctor('--json');
    const problem = problemIn('old-emulator', reportIn(ended));
    expect(problem.severity).to.equal('warning');
    expect(problem.facts).to.deep.equal({ entry, version: olderVersion(), available: shippedVersion() });
    expect(problem.text.evidence).to.deep.equal([`${entry} reports QEMU ${olderVersion()}`]);
    expect(reportIn(ended).platforms[0]).to.include({ runs: true, shipped: false });
    for (const id of badEmulators) expect(idsIn(reportIn(ended))).not.to.include(id);
    expect(ended.exit).to.equal(0);
  });

  it('shadowed: names the entry that the kernel takes, as it was seen, and how to have the other one', () => {
    registerForeign(entry, name, shipped, 'POCF');
    registerForeign('box64', name, older, 'POCF');
    const report = examined();
    const problem = problemIn('shadowed', report);
    expect(problem.severity).to.equal('note');
    expect(problem.facts).to.include({ entry: 'box64', hidden: entry, interpreter: older, runs: true, seen: true });
    expect(problem.facts['others']).to.deep.equal([entry]);
    expect(problem.text.title).to.equal(`${platform}: several entries match the programs`);
    expect(report.platforms[0]).to.include({ entry: 'box64', emulator: older });
    expect(doctor().stdout).to.match(new RegExp(`^ +${entry} .*inactive: a newer entry takes precedence`, 'm'));
    expect(commandsIn(problem)[0]).to.equal(`${install} ${name} --force`);
    writeEntry(entry, '-1');
    registerForeign(entry, name, shipped, 'POCF');
    const now = problemIn('shadowed', examined());
    expect(now.facts).to.include({ entry, hidden: 'box64' });
    expect(commandsIn(now)).to.deep.equal([`${install} ${name} --after box64`]);
  });

  /** Without the notes from which one can tell that it is linked with glibc. */
  function withoutNotes(bytes: Buffer): void {
    const PT_NOTE = 4;
    const [table, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
    for (let at = table; at < table + count * size; at += size) {
      if (bytes.readUInt32LE(at) === PT_NOTE) bytes.writeUInt32LE(0, at);
    }
  }

  /** Its version is 9.2 now, wherever it is printed from. */
  function withVersion9(bytes: Buffer): void {
    const text = Buffer.from(olderVersion());
    const [begin = ''] = /^\d+\.\d+/.exec(olderVersion()) ?? [];
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
      bytes.write('9.2'.padStart(begin.length, '0'), at);
    }
  }

  // Both are about arm64.
  if (name === 'arm64') {
    it(`${badEmulators.join(' and ')}: warn of an emulator that is known to be bad`, () => {
      const bytes = fs.readFileSync(older);
      withVersion9(bytes);
      withoutNotes(bytes);
      const file = path.join(scratch(), entry);
      fs.writeFileSync(file, bytes, { mode: 0o755 });
      registerForeign(entry, name, file, 'POCF');
      const ended = doctor('--json');
      const report = reportIn(ended);
      for (const id of badEmulators) {
        const problem = problemIn(id, report);
        expect(problem).to.include({ severity: 'warning', subject: platform });
        expect(problem.facts['version']).to.match(/^0*9\.2/);
        expect(commandsIn(problem)[0]).to.equal(`${install} ${name}`);
      }
      expect(ended.exit).to.equal(0);
      for (const [id, message] of [
        ['slow-pointer-authentication', 'our builds are slow'],
        ['tar-invalid-argument', 'tar: a: Cannot open: Invalid argument'],
      ] as const) {
        expect(doctor('--explain', message).stdout).to.contain(`this applies to ${platform}`).and.contain(`[${id}]`);
      }
    });
  }

  it('credentials and argv0: report that the flags C and P are missing', () => {
    registerForeign(entry, name, shipped, 'F');
    const ended = doctor('--json');
    const credentials = problemIn('credentials', reportIn(ended));
    expect(credentials).to.deep.include({ severity: 'warning', facts: { entry, flags: 'F' } });
    expect(credentials.text.symptom).to.contain('effective uid is not 0');
    expect(problemIn('argv0', reportIn(ended))).to.deep.include({ severity: 'note', facts: { entry, flags: 'F' } });
    expect(ended.exit).to.equal(0);
  });

  it('credentials-kept and image-platform: are reported with --verbose, or if they are named', () => {
    registerForeign(entry, name, shipped, 'POCF');
    expect(idsIn(examined(name))).to.deep.equal([]);
    expect(idsIn(examined(name, '--verbose'))).to.deep.equal(['credentials-kept', 'image-platform']);
    expect(idsIn(examined(name, '--check', 'image-platform'))).to.deep.equal(['image-platform']);
    expect(doctor('--verbose').stdout).to.contain(`${platform} (active)`);
  });

  it('wide-magic: reports an entry that matches programs of other architectures', () => {
    // Any 32-bit big-endian program.
    const hex = (text: string) => text.replace(/../g, '\\x$&');
    const [magic, mask] = ['7f454c460102010000000000000000000002', 'ffffffffffffff00fffffffffffffffffffe'];
    writeEntry('register', `:qemu-mips:M::${hex(magic)}:${hex(mask)}:${path.join(EMULATORS, 'qemu-mips')}:POCF`);
    const problem = problemIn('wide-magic', examined('mips'));
    const [wide] = problem.facts['entries'] as readonly { name: string; magic: string; beyond: readonly string[] }[];
    expect(wide).to.include({ name: 'qemu-mips', magic });
    expect(wide?.beyond).to.include('linux/ppc').and.not.include('linux/mips');
    expect(problem.severity).to.equal('warning');
  });

  for (const { name: nativeName, target } of alsoNative) {
    it(`native: reports an entry that takes ${nativeName} programs, which the processor could run`, () => {
      registerForeign(`qemu-${target}`, nativeName, path.join(EMULATORS, `qemu-${target}`), 'POCF');
      const report = examined();
      const problem = problemIn('native', report);
      expect(problem).to.include({ severity: 'warning', subject: `linux/${nativeName}` });
      expect(report.platforms[0]).to.include({ entry: `qemu-${target}`, native: false, runs: true });
      const [remove = ''] = commandsIn(problem);
      pasted(remove);
      expect(examined(nativeName).problems).to.deep.equal([]);
    });
  }

  it('nothing-installed: lists as a note what could be installed', () => {
    const ended = doctor('--json');
    const note = problemIn('nothing-installed', reportIn(ended));
    expect(note).to.include({ severity: 'note', subject: 'machine' });
    expect(note.facts['available']).to.deep.equal(foreign.map((each) => each.name));
    expect(commandsIn(note)).to.deep.equal([`${install} all`]);
    expect(ended.exit).to.equal(0);
  });
});

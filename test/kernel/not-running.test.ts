/** The doctor's checks of platforms that do not run, each provoked on the real kernel. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { commandsIn, idsIn, type PrintedProblem, pasted, problemIn, reportIn } from '../support/doctor.js';
import { clearEntries, entryText, MOUNT, registerForeign, writeEntry } from '../support/kernel.js';
import { guest, guest2, guest3, guest4, variantGuest } from '../support/machine.js';
import { binfmt, EMULATORS, lastLine, PROGRAM, shell } from '../support/program.js';
import { compile, crashingEmulator, dynamicEmulator, emulatorExiting } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const { name, platform, emulator: entry } = guest;
const shipped = path.join(EMULATORS, entry);
const doctor = (...args: string[]) => binfmt(['doctor', ...args]);
const examined = (...args: string[]) => reportIn(doctor('--json', ...args));
const program = `QEMU_BINARY_PATH=${EMULATORS} ${PROGRAM}`;
const install = `sudo ${program} --install`;
/** The problems of one platform. */
const of = (subject: string, problems: readonly PrintedProblem[]) => ({
  problems: problems.filter((problem) => problem.subject === subject),
});

describe('a check of doctor', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  it('no-entry: says how to register an emulator', () => {
    const ended = doctor('--json', name);
    const problem = problemIn('no-entry', reportIn(ended));
    expect(problem).to.include({ severity: 'problem', subject: platform });
    expect(problem.facts).to.deep.include({ entryCount: 0, probe: { result: 'refused', errno: 'ENOEXEC' } });
    expect(problem.text.symptom).to.equal('exec /bin/sh: exec format error');
    expect(commandsIn(problem)).to.deep.equal([`${install} ${name}`, `${install} ${name} --watch`]);
    expect(ended.exit).to.equal(1);
  });

  it('no-entry: names the file of binfmt.d that should have registered it', () => {
    const line = fs.readFileSync(path.join(EMULATORS, `../share/qemu/binfmt.d/${entry}.conf`), 'utf8');
    const file = path.join(scratch(), `${entry}.conf`);
    fs.writeFileSync(file, `# a comment\n${line}`);
    const ended = shell(
      `unshare --mount bash -euc 'mount -t tmpfs none /run; mkdir /run/binfmt.d; cp ${file} /run/binfmt.d
      exec ${PROGRAM} doctor --json ${name}'`,
      { TMPDIR: scratch() },
    );
    const problem = problemIn('no-entry', reportIn(ended));
    const configured = [{ file: `/run/binfmt.d/${entry}.conf`, entry }];
    expect(problem.facts).to.deep.include({ configured, boot: true });
    expect(problem.text.evidence).to.include(`/run/binfmt.d/${entry}.conf has ${entry}`);
    expect(commandsIn(problem)[0]).to.equal('sudo systemctl restart systemd-binfmt');
  });

  it('disabled-entry: says how to enable it', () => {
    registerForeign(entry, name, shipped, 'POCF');
    writeEntry(entry, '0');
    const report = examined(name);
    expect(idsIn(report)).to.deep.equal(['disabled-entry']);
    expect(report.entries).to.deep.equal([
      { name: entry, enabled: false, interpreter: shipped, flags: 'POCF', matches: [platform], active: [] },
    ]);
    const [enable = ''] = commandsIn(problemIn('disabled-entry', report));
    expect(pasted(enable).exit).to.equal(0);
    expect(entryText(entry)).to.match(/^enabled/);
  });

  it('switched-off: is also the last line of an installation', () => {
    registerForeign(entry, name, shipped, 'POCF');
    writeEntry('status', '0');
    try {
      const ended = doctor('--json');
      expect(idsIn(reportIn(ended))).to.deep.equal(['switched-off']);
      expect(ended.exit).to.equal(1);
      const { text, ...problem } = problemIn('switched-off', reportIn(ended));
      const enable = `echo 1 | sudo tee ${MOUNT}/status`;
      expect(commandsIn({ text, ...problem })).to.deep.equal([enable]);
      expect(lastLine(binfmt(['--install', name]).stderr)).to.equal(`binfmt: ${text.cause}; on the host: ${enable}`);
    } finally {
      writeEntry('status', '1');
    }
  });

  it('not-in-containers: reports that flag F is missing', () => {
    registerForeign(entry, name, shipped, 'POC');
    const problem = problemIn('not-in-containers', examined());
    expect(problem).to.include({ severity: 'problem', subject: platform });
    expect(problem.facts).to.include({ entry, flags: 'POC', interpreter: shipped });
    expect(problem.text.symptom).to.equal('exec /bin/sh: no such file or directory');
  });

  it('dynamic-emulator: looks into the file that the kernel keeps open, even if it was deleted', () => {
    const dynamic = dynamicEmulator();
    registerForeign(entry, name, dynamic, 'POCF');
    fs.rmSync(dynamic);
    const report = examined();
    expect(idsIn(report)).to.deep.equal(['dynamic-emulator']);
    const problem = problemIn('dynamic-emulator', report);
    expect(problem.severity).to.equal('problem');
    expect(problem.text.title).to.equal(`${platform} does not run in containers`);
    expect(problem.facts).to.deep.include({ entry, interpreter: dynamic, seen: 'started' });
    expect(problem.facts['loader']).to.match(/^\/lib.*ld/);
    expect(problem.facts['probe']).to.include({ result: 'refused', errno: 'ENOENT' });
    expect(report.platforms[0]).to.include({ runs: false, static: false, shipped: false, entry });
    expect(commandsIn(problem)).to.deep.equal([`${install} ${name}`, `${install} ${name} --persist`]);
    expect(doctor().stdout).to.contain(`${platform}  NO `).and.contain(', dynamic');
  });

  it('dynamic-emulator: recognizes exit status 127, if the loader is there and a library is not', () => {
    const dir = scratch();
    shell(`cd ${dir}; echo 'int f(void) { return 42; }' >f.c; cc -shared -fPIC -o libf.so f.c
      echo 'int f(void); int main(void) { return f(); }' >main.c; cc -o emulator main.c -L. -lf; rm libf.so`);
    registerForeign(entry, name, path.join(dir, 'emulator'), 'F');
    const script = `echo 0 >/proc/sys/user/max_user_namespaces
      exec setpriv --bounding-set=-sys_chroot --inh-caps=-sys_chroot ${PROGRAM} doctor --json ${name}`;
    const report = reportIn(shell(`unshare --user --map-root-user --mount bash -euc '${script}'`));
    const problem = problemIn('dynamic-emulator', report);
    expect(problem.severity).to.equal('problem');
    expect(problem.facts['probe']).to.include({ result: 'exit', status: 127 });
    expect(problem.text.evidence[0]).to.contain('libf.so: cannot open shared object');
  });

  it('emulator-crash: tells signal, position independence and address-space randomization', () => {
    registerForeign(entry, name, crashingEmulator(), 'F');
    const independent = compile('int main(void) { __builtin_trap(); }', ['-static-pie']);
    registerForeign(guest2.emulator, guest2.name, independent, 'F');
    const { problems } = examined();
    const problem = problemIn('emulator-crash', of(platform, problems));
    expect(problem.text.symptom).to.match(/uncaught target signal|killed by/);
    expect(problem.facts['signal']).to.match(/^SIG(ILL|TRAP)$/);
    expect(problem.facts['positionIndependent']).to.equal(false);
    expect(problem.facts['randomization']).to.have.keys('mode', 'bits');
    expect(problem.text.evidence.join('\n')).to.match(/kernel\.randomize_va_space=\d, vm\.mmap_rnd_bits=/);
    const other = problemIn('emulator-crash', of(guest2.platform, problems));
    expect(other.facts['positionIndependent']).to.equal(true);
  });

  it('cpu-level: reports that the emulated processor is older than the variant that was asked for', () => {
    const { lower, higher, lowerStatus } = variantGuest;
    const lesser = emulatorExiting(lowerStatus);
    registerForeign(variantGuest.emulator, variantGuest.name, lesser, 'POCF');
    const wanted = `${variantGuest.platform}/v${higher}`;
    const report = examined(wanted);
    expect(problemIn('cpu-level', report).facts).to.include({ has: lower, wanted: higher, by: 'emulator' });
    expect(report.platforms[0]).to.include({ platform: wanted, runs: false });
  });

  it('intermittent: counts how often a test program failed', () => {
    registerForeign(entry, name, emulatorExiting('getpid() % 3 ? 42 : (__builtin_trap(), 0)'), 'POCF');
    const { facts, text } = problemIn('intermittent', examined(name, '--repeat', '30'));
    const { ran, failed } = facts as { ran: number; failed: number };
    expect(ran + failed).to.equal(30);
    expect(Math.min(ran, failed)).to.be.greaterThan(0);
    expect(text.evidence[0]).to.equal(`probes: ${ran} ran, ${failed} failed`);
  }).timeout(60_000);

  it('wrong-magic: reports an entry that never matches the programs that it is named for', () => {
    registerForeign(entry, guest2.name, path.join(EMULATORS, guest2.emulator), 'POCF');
    const problem = problemIn('wrong-magic', examined(name));
    expect(problem.severity).to.equal('problem');
    const [{ magic, mask }, found] = [guest.architecture, guest2.architecture];
    expect(problem.facts).to.deep.include({
      found: { offset: 0, magic: found.magic, mask: found.mask },
      expected: { offset: 0, magic, mask },
    });
    expect(commandsIn(problem)).to.deep.equal([`sudo ${program} --uninstall ${entry}`, `${install} ${name}`]);
  });

  it('emulator-fails: reports what no other check explains, and does not call a script dynamically linked', () => {
    const script = path.join(scratch(), 'script');
    fs.writeFileSync(script, '#!/bin/sh\nexit 42\n', { mode: 0o755 });
    registerForeign(entry, name, compile('int main(void) { return 3; }', ['-static']), 'F');
    registerForeign(guest3.emulator, guest3.name, programOfAnotherMachine(), 'F');
    registerForeign(guest4.emulator, guest4.name, script, 'F');
    const { problems } = examined();
    expect(idsIn({ problems })).to.deep.equal(['emulator-fails', 'emulator-fails', 'emulator-fails']);
    const problemOf = (subject: string) => problemIn('emulator-fails', of(subject, problems));
    expect(problemOf(platform).facts['probe']).to.include({ result: 'exit', status: 3 });
    expect(problemOf(guest3.platform).facts['probe']).to.include({ result: 'refused', errno: 'ENOEXEC' });
    expect(problemOf(guest3.platform).text.cause).to.contain('the kernel cannot start its emulator');
    expect(problemOf(guest4.platform).text.cause).not.to.contain('dynamic');
  });
});

describe('a check of doctor, if binfmt_misc cannot be used', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  const fresh = (script: string) =>
    shell(`exec unshare --user --map-root-user --mount --pid --fork --mount-proc bash -euc '${script}'`, {
      ...{ TMPDIR: scratch(), QEMU_BINARY_PATH: EMULATORS },
    });
  const mount = `mount -t binfmt_misc none ${MOUNT}`;

  it('user-namespace: is a problem if a platform does not run', () => {
    const ended = fresh(`${PROGRAM} doctor --json ${name}`);
    const problem = problemIn('user-namespace', reportIn(ended));
    expect(problem).to.include({ severity: 'problem', subject: 'machine' });
    expect(problem.facts).to.deep.equal({ path: MOUNT });
    expect(ended.exit).to.equal(1);
  });

  it('user-namespace: is only a note if the platform runs', () => {
    registerForeign(entry, name, shipped, 'POCF');
    const ended = fresh(`${PROGRAM} doctor --json`);
    expect(problemIn('user-namespace', reportIn(ended)).severity).to.equal('note');
    expect(reportIn(ended).platforms).to.deep.include.members([
      {
        ...{ platform, runs: true, why: null, entry: null, native: false, emulator: shipped },
        ...{ version: null, static: null, shipped: null, flags: null },
        probe: { result: 'runs', interpreter: shipped },
      },
    ]);
    expect(ended.exit).to.equal(0);
  });

  it('read-only: is reported only if a platform does not run', () => {
    const { stdout, stderr } = fresh(
      `${mount}; ${PROGRAM} --install ${guest2.name} >/dev/null 2>&1; mount -o remount,bind,ro ${MOUNT}
      ${PROGRAM} doctor --json ${name} || echo FAILED; ${PROGRAM} doctor --json ${guest2.name}`,
    );
    const [report = '', other = ''] = stdout.split('FAILED\n');
    const printed = (json: string) => reportIn({ exit: 0, stdout: json, stderr });
    expect(problemIn('read-only', printed(report)).facts).to.include({ errno: 'EROFS', operation: 'write' });
    expect(printed(other).problems).to.deep.equal([]);
  });

  it('user-namespace: names the file that may not be written to', () => {
    const script = `${mount}; chmod 444 ${MOUNT}/register
      setpriv --bounding-set=-all --inh-caps=-all ${PROGRAM} doctor --json ${name}`;
    const { facts } = problemIn('user-namespace', reportIn(fresh(script)));
    expect(facts).to.deep.equal({ path: `${MOUNT}/register`, errno: 'EACCES' });
  });
});

/** A file that begins like a program of another machine. */
function programOfAnotherMachine(): string {
  const file = path.join(scratch(), 'foreign');
  const bytes = Buffer.alloc(128);
  Buffer.from(guest2.architecture.magic, 'hex').copy(bytes);
  fs.writeFileSync(file, bytes, { mode: 0o755 });
  return file;
}

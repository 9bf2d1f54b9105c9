import { expect } from 'chai';
import { parseEntry } from '../../src/core/binfmt/entry.js';
import { ownArchitecture } from '../../src/core/install/emulator-problems.js';
import { register, unregister } from '../../src/system/binfmt/entries.js';
import { lookAtHost } from '../../src/system/host/host.js';
import { type PrintedReport, reportIn } from '../support/doctor.js';
import { clearEntries, entryNames, entryText, MOUNT } from '../support/kernel.js';
import { alsoNative, foreign, native, nativePlatforms, own } from '../support/machine.js';
import { binfmt, EMULATORS, type Ended, statusIn } from '../support/program.js';

/** The lines of standard error. */
const linesOf = ({ stderr }: Ended) => stderr.trimEnd().split('\n');

describe('the table of architectures', function () {
  this.timeout(120_000);
  let installed: Ended;
  let registered: ReadonlyMap<string, string>;
  let examined: Ended;
  let report: PrintedReport;
  let removed: Ended;
  let left: readonly string[];

  before(() => {
    clearEntries();
    installed = binfmt(['--install', 'all']);
    registered = new Map(entryNames().map((name) => [name, entryText(name)]));
    examined = binfmt(['doctor', '--json']);
    report = reportIn(examined);
    removed = binfmt(['--uninstall', 'all']);
    left = entryNames();
  });
  after(clearEntries);

  for (const { name, target, magic, mask } of foreign) {
    it(`registers ${name}, runs its test program, and removes it again`, () => {
      expect(installed.stderr).to.contain(`installing: ${name} OK\n`);
      expect(parseEntry('it', registered.get(`qemu-${target}`) ?? '')).to.deep.equal({
        name: 'it',
        enabled: true,
        interpreter: `${EMULATORS}/qemu-${target}`,
        flags: 'POCF',
        offset: 0,
        magic,
        mask,
        extension: undefined,
        handler: undefined,
      });
      expect(statusIn(installed).supported.map((platform) => platform.split('/')[1])).to.include(name);
      // No other entry takes its programs.
      const lines = report.platforms.filter(({ platform }) => platform.split('/')[1] === name);
      expect(lines.map(({ runs, shipped, entry }) => ({ runs, shipped, entry }))).to.deep.equal([
        { runs: true, shipped: true, entry: `qemu-${target}` },
      ]);
      expect(linesOf(removed)).to.include(`uninstalling: qemu-${target} OK`);
      expect(left).not.to.include(`qemu-${target}`);
    });
  }

  it('has every emulator that this machine needs, and no other', () => {
    const all = foreign.map(({ target }) => `qemu-${target}`);
    expect([...registered.keys()]).to.have.members(all);
    const { supported, emulators } = statusIn(installed);
    expect(emulators).to.deep.equal([...registered.keys()]);
    expect(supported).to.include.members(nativePlatforms);
    expect(supported[0]).to.equal(nativePlatforms[0]);
    for (const ended of [installed, removed]) {
      expect(linesOf(ended)).to.have.length(foreign.length);
      expect(ended.exit).to.equal(0);
    }
    expect(statusIn(removed).emulators).to.deep.equal([]);
    expect(left).to.deep.equal([]);
  });

  it('leaves nothing for doctor to report', () => {
    expect(report.problems).to.deep.equal([]);
    expect(examined).to.include({ exit: 0, stderr: '' });
  });

  for (const { name, target, magic, mask } of alsoNative) {
    it(`runs ${name} through an entry that was written by hand, although the processor could run it`, () => {
      const entry = { name: `qemu-${target}`, interpreter: `${EMULATORS}/qemu-${target}`, flags: 'POCF', magic, mask };
      expect(register(MOUNT, entry, lookAtHost().ownPrograms)).to.equal(undefined);
      const [line] = reportIn(binfmt(['doctor', '--json', name])).platforms;
      expect(line).to.include({ runs: true, native: false, entry: `qemu-${target}` });
      expect(unregister(MOUNT, `qemu-${target}`)).to.equal(undefined);
    });
  }

  it(`never registers an entry that matches this machine's own ${own.name} programs`, () => {
    const { ownPrograms } = lookAtHost();
    const { target, magic, mask } = own;
    const entry = { name: `qemu-${target}`, interpreter: `${EMULATORS}/qemu-${target}`, flags: 'POCF', magic, mask };
    const wide = { ...entry, magic: '7f454c46', mask: 'ffffffff' };
    for (const each of [entry, wide]) expect(register(MOUNT, each, ownPrograms)?.definition).to.equal(ownArchitecture);
    expect(register(MOUNT, { ...entry, magic: 'aaaa', mask: 'ffff' }, [])?.definition).to.equal(ownArchitecture);
    expect(entryNames()).to.deep.equal([]);
  });

  it('registers nothing for what the processor runs, up to its highest variant, whatever it is called', () => {
    const variants = [...native].map(([{ name }, level]) => (level === undefined ? name : `${name}/v${level}`));
    const words = [...variants, ...own.aliases, `linux/${own.name}`];
    const asked = binfmt(['--install', words.join(), '--force']);
    expect(linesOf(asked)).to.have.members(
      [...native.keys()].map(({ name }) => `installing: ${name} OK (this machine runs it natively)`),
    );
    expect(asked.exit).to.equal(0);
    expect(entryNames()).to.deep.equal([]);
  });
});

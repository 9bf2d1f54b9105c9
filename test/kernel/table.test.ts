import { expect } from 'chai';
import { architectures } from '../../src/core/architectures.js';
import { parseEntry } from '../../src/core/entry.js';
import { register, unregister } from '../../src/system/binfmt-fs.js';
import { lookAtMachine } from '../../src/system/machine.js';
import { clearEntries, entryNames, entryText, MOUNT, row } from '../support/kernel.js';
import { binfmt, EMULATORS, lastLine, statusIn } from '../support/program.js';

const foreign = architectures.filter(({ name }) => !['amd64', '386'].includes(name));

describe('every row of the table', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  for (const { name, target, magic, mask } of foreign) {
    it(`${name}: registered, read back, probed, removed`, () => {
      const installed = binfmt(['--install', name]);
      expect(installed.stderr).to.equal(`installing: ${name} OK\n`);
      expect(installed.exit).to.equal(0);
      expect(parseEntry('it', entryText(`qemu-${target}`))).to.deep.equal({
        name: 'it',
        enabled: true,
        interpreter: `${EMULATORS}/qemu-${target}`,
        flags: 'POCF',
        offset: 0,
        magic,
        mask,
        extension: undefined,
      });
      const { supported, emulators } = statusIn(installed);
      expect(supported.some((platform) => platform.split('/')[1] === name)).to.equal(true);
      expect(emulators).to.deep.equal([`qemu-${target}`]);

      const removed = binfmt(['--uninstall', name]);
      expect(removed.stderr).to.equal(`uninstalling: qemu-${target} OK\n`);
      expect(statusIn(removed).emulators).to.deep.equal([]);
      expect(entryNames()).to.deep.equal([]);
    });
  }

  it('386 also where the processor runs it: an entry by hand runs it through QEMU, and is removed', () => {
    const { ownPrograms } = lookAtMachine();
    const { magic, mask } = row('386');
    const entry = { name: 'qemu-i386', interpreter: `${EMULATORS}/qemu-i386`, flags: 'POCF', magic, mask };
    expect(register(MOUNT, entry, ownPrograms)).to.equal(undefined);
    expect(statusIn(binfmt([])).supported).to.include('linux/386');
    expect(unregister(MOUNT, 'qemu-i386')).to.equal(undefined);
  });

  it("amd64 never: what matches the machine's own programs is not written, with any option", () => {
    const { ownPrograms } = lookAtMachine();
    const { magic, mask } = row('amd64');
    const entry = { name: 'qemu-x86_64', interpreter: `${EMULATORS}/qemu-x86_64`, flags: 'POCF', magic, mask };
    const wide = { ...entry, magic: '7f454c46', mask: 'ffffffff' };
    for (const each of [entry, wide]) expect(register(MOUNT, each, ownPrograms)?.code).to.equal('own-architecture');
    expect(register(MOUNT, { ...entry, magic: 'aaaa', mask: 'ffff' }, [])?.code).to.equal('own-architecture');
    expect(entryNames()).to.deep.equal([]);

    const asked = binfmt(['--install', 'amd64,x86_64,linux/amd64', '--force']);
    expect(asked.stderr).to.equal('installing: amd64 OK (this machine runs it natively)\n');
    expect(asked.exit).to.equal(0);
    expect(entryNames()).to.deep.equal([]);
  });

  it('all at once: every emulator that the machine needs, then nothing left to do, then none', () => {
    const installed = binfmt(['--install', 'all']);
    expect(installed.exit).to.equal(0);
    expect(entryNames()).to.deep.equal(foreign.map(({ target }) => `qemu-${target}`).sort());
    const { supported } = statusIn(installed);
    expect(supported.slice(0, 2)).to.deep.equal(['linux/amd64', 'linux/amd64/v2']);
    for (const { name } of foreign) expect(supported.join(), name).to.match(new RegExp(`linux/${name}(,|/|$)`));

    const again = binfmt(['--install', 'all']);
    expect(again.exit).to.equal(0);
    expect(again.stderr.trim().split('\n')).to.have.length(foreign.length);
    for (const line of again.stderr.trim().split('\n')) expect(line).to.match(/OK \(already registered, QEMU 11\./);
    expect(statusIn(again)).to.deep.equal(statusIn(installed));

    const removed = binfmt(['--uninstall', 'all']);
    expect(removed.exit).to.equal(0);
    expect(lastLine(removed.stderr)).to.equal('uninstalling: qemu-xtensaeb OK');
    expect(entryNames()).to.deep.equal([]);
  });
});

import { expect } from 'chai';
import { parseEntry } from '../../src/core/entry.js';
import { register, unregister } from '../../src/system/binfmt/entries.js';
import { lookAtHost } from '../../src/system/host/host.js';
import { reportIn } from '../support/doctor.js';
import { clearEntries, entryNames, entryText, MOUNT } from '../support/kernel.js';
import { alsoNative, foreign, nativePlatforms, own } from '../support/machine.js';
import { binfmt, EMULATORS, lastLine, shippedVersion, statusIn } from '../support/program.js';

describe('the table of architectures', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  for (const { name, target, magic, mask } of foreign) {
    it(`registers ${name}, runs its test program, and removes it again`, () => {
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
        handler: undefined,
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

  for (const { name, target, magic, mask } of alsoNative) {
    it(`runs ${name} through an entry that was written by hand, although the processor could run it`, () => {
      const entry = { name: `qemu-${target}`, interpreter: `${EMULATORS}/qemu-${target}`, flags: 'POCF', magic, mask };
      expect(register(MOUNT, entry, lookAtHost().ownPrograms)).to.equal(undefined);
      const [line] = reportIn(binfmt(['doctor', '--json', name])).platforms;
      expect(line).to.include({ runs: true, native: false, entry: `qemu-${target}` });
      expect(unregister(MOUNT, `qemu-${target}`)).to.equal(undefined);
    });
  }

  it(`never registers an entry that matches this machine's own ${own.name} programs, whatever the options`, () => {
    const { ownPrograms } = lookAtHost();
    const { name, aliases, target, magic, mask } = own;
    const entry = { name: `qemu-${target}`, interpreter: `${EMULATORS}/qemu-${target}`, flags: 'POCF', magic, mask };
    const wide = { ...entry, magic: '7f454c46', mask: 'ffffffff' };
    for (const each of [entry, wide]) expect(register(MOUNT, each, ownPrograms)?.id).to.equal('own-architecture');
    expect(register(MOUNT, { ...entry, magic: 'aaaa', mask: 'ffff' }, [])?.id).to.equal('own-architecture');
    expect(entryNames()).to.deep.equal([]);

    const asked = binfmt(['--install', [name, ...aliases, `linux/${name}`].join(), '--force']);
    expect(asked.stderr).to.equal(`installing: ${name} OK (this machine runs it natively)\n`);
    expect(asked.exit).to.equal(0);
    expect(entryNames()).to.deep.equal([]);
  });

  it('installs every emulator that this machine needs, finds nothing left to do, and removes them all', () => {
    const installed = binfmt(['--install', 'all']);
    expect(installed.exit).to.equal(0);
    expect(entryNames()).to.deep.equal(foreign.map(({ target }) => `qemu-${target}`).sort());
    const { supported } = statusIn(installed);
    expect(supported).to.include.members(nativePlatforms);
    expect(supported[0]).to.equal(nativePlatforms[0]);
    for (const { name } of foreign) expect(supported.join(), name).to.match(new RegExp(`linux/${name}(,|/|$)`));

    const again = binfmt(['--install', 'all']);
    expect(again.exit).to.equal(0);
    expect(again.stderr.trim().split('\n')).to.have.length(foreign.length);
    for (const line of again.stderr.trim().split('\n'))
      expect(line).to.contain(`OK (already registered, QEMU ${shippedVersion()})`);
    expect(statusIn(again)).to.deep.equal(statusIn(installed));

    const removed = binfmt(['--uninstall', 'all']);
    expect(removed.exit).to.equal(0);
    expect(lastLine(removed.stderr)).to.equal(`uninstalling: qemu-${foreign.at(-1)?.target} OK`);
    expect(entryNames()).to.deep.equal([]);
  });
});

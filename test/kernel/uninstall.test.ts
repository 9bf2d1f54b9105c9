import path from 'node:path';
import { expect } from 'chai';
import { row } from '../support/architectures.js';
import { clearEntries, entryNames, registerForeign, writeEntry } from '../support/kernel.js';
import { foreign, guest, guest2, guest3, guest4, variantGuest } from '../support/machine.js';
import { binfmt, EMULATORS, statusIn } from '../support/program.js';

const [one, two, variant] = [guest, guest2, variantGuest].map(({ emulator }) => emulator) as [string, string, string];
const variantPlatform = `${variantGuest.platform}/v${variantGuest.higher}`;

describe('uninstall', () => {
  beforeEach(() => {
    clearEntries();
    for (const { name, emulator } of [guest, variantGuest, guest2])
      registerForeign(emulator, name, path.join(EMULATORS, emulator), 'POCF');
    registerForeign('mine', guest.name, path.join(EMULATORS, one), 'F');
    writeEntry('register', ':jar:E::jar::/bin/true:');
  });
  after(clearEntries);

  for (const [list, left] of [
    [`${guest.name},${variantPlatform},jar`, ['mine', two]],
    ['*', ['jar', 'mine']],
    ['all', ['jar', 'mine']],
  ] as const) {
    it(`of ${list} leaves ${left.join(', ')}`, () => {
      const removed = binfmt(['--uninstall', list]);
      expect(removed.exit).to.equal(0);
      expect(entryNames()).to.have.members(left);
      expect(statusIn(removed).emulators).to.deep.equal(entryNames());
    });
  }

  it('of what is not registered succeeds and says so', () => {
    const words = ['qemu-m*', guest3.name, guest3.emulator, guest4.platform];
    const { exit, stderr } = binfmt(['--uninstall', words.join()]);
    expect(stderr).to.equal(words.map((word) => `uninstalling: ${word} OK (not registered)\n`).join(''));
    expect(exit).to.equal(0);
    expect(entryNames()).to.have.length(5);
  });

  it('of what is unknown fails, and removes the others', () => {
    const words = ['nonsense', 'qemu-nonsense', '../register', 'register', 'status', '.'];
    const removed = binfmt(['--uninstall', `${words.join()},${guest2.name}`]);
    expect(removed.exit).to.equal(1);
    expect(removed.stderr.trimEnd().split('\n')).to.deep.equal([
      `uninstalling: ${two} OK`,
      ...words.map((word) => `uninstalling: ${word} "${word}" is neither an entry nor an architecture`),
    ]);
    expect(entryNames()).to.have.members(['jar', 'mine', one, variant]);
    statusIn(removed);
  });

  it('is done before the installation in the same call', () => {
    const both = binfmt(['--install', `${guest3.name},${guest.name}`, '--uninstall', `${one},${two},mine`]);
    expect(both.exit).to.equal(0);
    expect(both.stderr.trim().split('\n')).to.deep.equal([
      `uninstalling: ${one} OK`,
      `uninstalling: ${two} OK`,
      'uninstalling: mine OK',
      `installing: ${guest3.name} OK`,
      `installing: ${guest.name} OK`,
    ]);
    expect(statusIn(both).emulators).to.deep.equal(['jar', one, guest3.emulator, variant].sort());
  });

  it('is reported last if it fails, although the installation comes after it', () => {
    const ended = binfmt(['--uninstall', 'nonsense', '--install', guest3.name]);
    expect(ended.exit).to.equal(1);
    expect(ended.stderr.trim().split('\n')).to.deep.equal([
      `installing: ${guest3.name} OK`,
      'uninstalling: nonsense "nonsense" is neither an entry nor an architecture',
    ]);
  });

  it('removes an entry by its exact name, even if that is the name of an architecture', () => {
    const last = foreign.at(-1)?.name ?? '';
    registerForeign(last, last, path.join(EMULATORS, `qemu-${row(last).target}`), 'F');
    expect(binfmt(['--uninstall', last]).stderr).to.equal(`uninstalling: ${last} OK\n`);
    expect(entryNames()).to.have.length(5);
  });

  it('removes entries with strange names, among others', () => {
    const strange = ['a,b', 'a b', 'one, two', `${guest.name},x`, `w';x;'`];
    for (const each of strange) registerForeign(each, guest3.name, path.join(EMULATORS, guest3.emulator), 'F');
    const removed = binfmt(['--uninstall', `${two},${strange.join()} jar`]);
    expect(removed.stderr).to.equal([two, ...strange, 'jar'].map((each) => `uninstalling: ${each} OK\n`).join(''));
    expect(removed.exit).to.equal(0);
    expect(entryNames()).to.have.members(['mine', one, variant]);
  });
});

import path from 'node:path';
import { expect } from 'chai';
import { row } from '../support/architectures.js';
import { clearEntries, entryNames, registerForeign, writeEntry } from '../support/kernel.js';
import { foreign, guest, guest2, guest3, guest4, variantGuest } from '../support/machine.js';
import { binfmt, EMULATORS, lastLine, statusIn } from '../support/program.js';

const [one, two, variant] = [guest, guest2, variantGuest].map(({ emulator }) => emulator) as [string, string, string];
const variantPlatform = `${variantGuest.platform}/v${variantGuest.higher}`;

describe('uninstall', () => {
  beforeEach(() => {
    clearEntries();
    binfmt(['--install', [guest, variantGuest, guest2].map(({ name }) => name).join()]);
    registerForeign('mine', guest.name, path.join(EMULATORS, one), 'F');
    writeEntry('register', ':jar:E::jar::/bin/true:');
  });
  after(clearEntries);

  for (const [list, left] of [
    [one, ['jar', 'mine', variant, two]],
    [`${guest.name},${guest2.name}`, ['jar', 'mine', variant]],
    [variantPlatform, ['jar', 'mine', one, two]],
    ['qemu-*', ['jar', 'mine']],
    ['*', ['jar', 'mine']],
    ['all', ['jar', 'mine']],
    ['jar,mine', [one, variant, two]],
  ] as const) {
    it(`of ${list} leaves ${left.join(', ')}`, () => {
      const removed = binfmt(['--uninstall', list]);
      expect(removed.exit).to.equal(0);
      expect(entryNames()).to.have.members(left);
      expect(statusIn(removed).emulators).to.deep.equal(entryNames());
    });
  }

  for (const word of ['qemu-m*', guest3.name, guest3.emulator, guest4.platform]) {
    it(`of ${word}, which is not registered, succeeds and says so`, () => {
      expect(binfmt(['--uninstall', word])).to.include({
        exit: 0,
        stderr: `uninstalling: ${word} OK (not registered)\n`,
      });
      expect(entryNames()).to.have.length(5);
    });
  }

  for (const word of ['nonsense', 'qemu-nonsense', '../register', 'register', 'status', '.']) {
    it(`of ${word}, which is unknown, fails, and removes the others`, () => {
      const removed = binfmt(['--uninstall', `${word},${guest2.name}`]);
      expect(removed.exit).to.equal(1);
      expect(lastLine(removed.stderr)).to.equal(
        `uninstalling: ${word} "${word}" is neither an entry nor an architecture`,
      );
      expect(entryNames()).to.have.length(4);
      expect(entryNames()).not.to.include(two);
      statusIn(removed);
    });
  }

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

  for (const strange of ['a,b', 'a b', 'one, two', `${guest.name},x`, `w';x;'`]) {
    it(`removes an entry that is called ${strange}`, () => {
      registerForeign(strange, guest3.name, path.join(EMULATORS, guest3.emulator), 'F');
      expect(binfmt(['--uninstall', strange])).to.include({ exit: 0, stderr: `uninstalling: ${strange} OK\n` });
      expect(entryNames()).to.have.members(['jar', 'mine', one, two, variant]);
    });

    it(`removes an entry that is called ${strange} among others`, () => {
      registerForeign(strange, guest3.name, path.join(EMULATORS, guest3.emulator), 'F');
      const removed = binfmt(['--uninstall', `${two},${strange} jar`]);
      expect(removed.stderr).to.equal(`uninstalling: ${two} OK\nuninstalling: ${strange} OK\nuninstalling: jar OK\n`);
      expect(entryNames()).to.have.members(['mine', one, variant]);
    });
  }
});

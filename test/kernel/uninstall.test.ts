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
    it(`${list} leaves ${left.join(', ')}`, () => {
      const removed = binfmt(['--uninstall', list]);
      expect(removed.exit).to.equal(0);
      expect(entryNames()).to.have.members(left);
      expect(statusIn(removed).emulators).to.deep.equal(entryNames());
    });
  }

  for (const word of ['qemu-m*', guest3.name, guest3.emulator, guest4.platform]) {
    it(`${word}, which is not registered, is as wanted, said so`, () => {
      expect(binfmt(['--uninstall', word])).to.include({
        exit: 0,
        stderr: `uninstalling: ${word} OK (not registered)\n`,
      });
      expect(entryNames()).to.have.length(5);
    });
  }

  for (const word of ['nonsense', 'qemu-nonsense', '../register', 'register', 'status', '.']) {
    it(`${word}, which is nothing known, is a failure, told; the rest is done`, () => {
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

  it('and install in one call: first the one, then the other', () => {
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

  it('takes an entry by its exact name though its name is an architecture', () => {
    const last = foreign.at(-1)?.name ?? '';
    registerForeign(last, last, path.join(EMULATORS, `qemu-${row(last).target}`), 'F');
    expect(binfmt(['--uninstall', last]).stderr).to.equal(`uninstalling: ${last} OK\n`);
    expect(entryNames()).to.have.length(5);
  });
});

import path from 'node:path';
import { expect } from 'chai';
import { clearEntries, entryNames, registerForeign, row, writeEntry } from '../support/kernel.js';
import { binfmt, EMULATORS, lastLine, statusIn } from '../support/program.js';

describe('uninstall', () => {
  beforeEach(() => {
    clearEntries();
    binfmt(['--install', 'arm64,arm,s390x']);
    registerForeign('my-arm64', 'arm64', path.join(EMULATORS, 'qemu-aarch64'), 'F');
    writeEntry('register', ':jar:E::jar::/bin/true:');
  });
  after(clearEntries);

  for (const [list, left] of [
    ['qemu-aarch64', ['jar', 'my-arm64', 'qemu-arm', 'qemu-s390x']],
    ['arm64,s390x', ['jar', 'my-arm64', 'qemu-arm']],
    ['linux/arm/v7', ['jar', 'my-arm64', 'qemu-aarch64', 'qemu-s390x']],
    ['qemu-*', ['jar', 'my-arm64']],
    ['*', ['jar', 'my-arm64']],
    ['all', ['jar', 'my-arm64']],
    ['jar,my-arm64', ['qemu-aarch64', 'qemu-arm', 'qemu-s390x']],
  ] as const) {
    it(`${list} leaves ${left.join(', ')}`, () => {
      const removed = binfmt(['--uninstall', list]);
      expect(removed.exit).to.equal(0);
      expect(entryNames()).to.deep.equal(left);
      expect(statusIn(removed).emulators).to.deep.equal(left);
    });
  }

  for (const word of ['qemu-m*', 'riscv64', 'qemu-riscv64', 'linux/ppc64le']) {
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
      const removed = binfmt(['--uninstall', `${word},s390x`]);
      expect(removed.exit).to.equal(1);
      expect(lastLine(removed.stderr)).to.equal(
        `uninstalling: ${word} "${word}" is neither an entry nor an architecture`,
      );
      expect(entryNames()).to.have.length(4);
      expect(entryNames()).not.to.include('qemu-s390x');
      statusIn(removed);
    });
  }

  it('and install in one call: first the one, then the other', () => {
    const both = binfmt(['--install', 'riscv64,arm64', '--uninstall', 'qemu-*,my-arm64']);
    expect(both.exit).to.equal(0);
    expect(both.stderr.trim().split('\n')).to.deep.equal([
      'uninstalling: qemu-aarch64 OK',
      'uninstalling: qemu-arm OK',
      'uninstalling: qemu-s390x OK',
      'uninstalling: my-arm64 OK',
      'installing: riscv64 OK',
      'installing: arm64 OK',
    ]);
    expect(statusIn(both).emulators).to.deep.equal(['jar', 'qemu-aarch64', 'qemu-riscv64']);
  });

  it('takes an entry by its exact name though its name is an architecture', () => {
    registerForeign('sh4', 'sh4', path.join(EMULATORS, `qemu-${row('sh4').target}`), 'F');
    expect(binfmt(['--uninstall', 'sh4']).stderr).to.equal('uninstalling: sh4 OK\n');
    expect(entryNames()).to.have.length(5);
  });
});

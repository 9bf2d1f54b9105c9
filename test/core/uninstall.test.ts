import { expect } from 'chai';
import { parseEntry } from '../../src/core/entry.js';
import { planUninstall } from '../../src/core/uninstall.js';

const entries = ['qemu-aarch64', 'qemu-arm', 'qemu-s390x', 'python3.11', 'qemu-mine', 'jar', 'box64'].map((name) =>
  parseEntry(name, 'enabled\n'),
);

describe('the words of --uninstall', () => {
  for (const [word, names] of [
    ['qemu-aarch64', ['qemu-aarch64']],
    ['arm64', ['qemu-aarch64']],
    ['linux/arm/v7', ['qemu-arm']],
    ['qemu-*', ['qemu-aarch64', 'qemu-arm', 'qemu-s390x']],
    ['qemu-a*', ['qemu-aarch64', 'qemu-arm']],
    ['qemu-??m', ['qemu-arm']],
    ['qemu-[s]*', ['qemu-s390x']],
    ['qemu-[!s]*', ['qemu-aarch64', 'qemu-arm']],
    ['*', ['qemu-aarch64', 'qemu-arm', 'qemu-s390x']],
    ['[', []],
    ['qemu-[z', []],
    ['all', ['qemu-aarch64', 'qemu-arm', 'qemu-s390x']],
    ['python3.11', ['python3.11']],
    ['qemu-mine', ['qemu-mine']],
    ['python*', []],
    ['riscv64', []],
    ['qemu-riscv64', []],
  ] as const) {
    it(`${word}: ${names.join(', ') || 'nothing to do'}`, () => {
      expect(planUninstall(word, entries, '')).to.deep.equal({ kind: 'entries', names });
    });
  }

  for (const word of ['foo', 'qemu-foo', '../status', 'register', 'qemu-[z-a]*']) {
    it(`${word}: unknown, told`, () => {
      const removal = planUninstall(word, entries, '');
      expect(removal.kind === 'unknown' && removal.failure.cause).to.contain(`"${word}"`);
    });
  }

  it('mean the entries with the prefix, where there is one', () => {
    const prefixed = [parseEntry('my-qemu-arm', ''), ...entries];
    expect(planUninstall('all', prefixed, 'my-')).to.deep.equal({ kind: 'entries', names: ['my-qemu-arm'] });
    expect(planUninstall('arm', prefixed, 'my-')).to.deep.equal({ kind: 'entries', names: ['my-qemu-arm'] });
  });
});

import { expect } from 'chai';
import { planRemoval, splitRemovals } from '../../src/core/install/removal.js';
import { textOf } from '../../src/core/report/render.js';

const entries = ['qemu-aarch64', 'qemu-arm', 'qemu-s390x', 'python3.11', 'qemu-mine', 'jar', 'box64'].map((name) => ({
  name,
}));

describe('a word of --uninstall', () => {
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
    it(`"${word}" means ${names.join(', ') || 'nothing that is registered'}`, () => {
      expect(planRemoval(word, entries, '')).to.deep.equal({ kind: 'entries', names });
    });
  }

  for (const [word, id] of [
    ['foo', 'unknown-entry'],
    ['qemu-foo', 'unknown-entry'],
    ['../status', 'unknown-entry'],
    ['register', 'unknown-entry'],
    ['qemu-[z-a]*', 'bad-pattern'],
  ] as const) {
    it(`"${word}" is a problem that quotes it`, () => {
      const removal = planRemoval(word, entries, '');
      if (removal.kind !== 'unknown') throw new Error(JSON.stringify(removal));
      expect(removal.problem.definition.id).to.equal(id);
      expect(textOf(removal.problem).cause).to.contain(`"${word}"`);
    });
  }

  it('suggests the entry or architecture that was probably meant', () => {
    for (const [word, meant] of [
      ['qemu-aarch46', 'qemu-aarch64'],
      ['armm64', 'arm64'],
    ] as const) {
      const removal = planRemoval(word, entries, '');
      expect(removal.kind === 'unknown' && removal.problem.facts['suggestion']).to.equal(meant);
    }
  });

  it('means the entries with the prefix, if there is one', () => {
    const prefixed = [{ name: 'my-qemu-arm' }, ...entries];
    expect(planRemoval('all', prefixed, 'my-')).to.deep.equal({ kind: 'entries', names: ['my-qemu-arm'] });
    expect(planRemoval('arm', prefixed, 'my-')).to.deep.equal({ kind: 'entries', names: ['my-qemu-arm'] });
  });
});

describe('the list of --uninstall', () => {
  const odd = ['a,b', 'a,b,c', 'with space', 'x', '(.*)'].map((name) => ({ name }));
  for (const [text, words] of [
    ['arm64,riscv64', ['arm64', 'riscv64']],
    [' arm64 , riscv64,', ['arm64', 'riscv64']],
    ['a,b', ['a,b']],
    ['x,a,b', ['x', 'a,b']],
    ['a,b,c', ['a,b,c']],
    ['a,b,d', ['a,b', 'd']],
    ['a,bc', ['a', 'bc']],
    ['xa,b', ['xa', 'b']],
    ['with space,arm64', ['with space', 'arm64']],
    ['(.*)', ['(.*)']],
    ['', []],
  ] as const) {
    it(`"${text}" has the words ${JSON.stringify(words)}`, () => {
      expect(splitRemovals(text, odd)).to.deep.equal(words);
    });
  }
});

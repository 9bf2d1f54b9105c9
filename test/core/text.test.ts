import { expect } from 'chai';
import { closest, listed, printable, quote } from '../../src/core/text.js';

describe('quoted text', () => {
  it('has visible escapes for control characters', () => {
    expect(quote('arm\x1b[31m64')).to.equal('"arm\\x1b[31m64"');
    expect(printable('a\tb\nc\u202ed')).to.equal('a\\x09b\\x0ac\\u202ed');
  });

  it('is cut at about 80 characters, between characters', () => {
    expect(quote('x'.repeat(80))).to.equal(`"${'x'.repeat(80)}"`);
    expect(quote('x'.repeat(5000))).to.equal(`"${'x'.repeat(77)}..."`);
    expect(quote('😀'.repeat(100))).to.equal(`"${'😀'.repeat(77)}..."`);
  });
});

describe('lists', () => {
  for (const [items, text] of [
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c'], 'a, b and c'],
  ] as const) {
    it(`of ${items.length} items read "${text}"`, () => expect(listed(items)).to.equal(text));
  }
});

describe('a suggestion', () => {
  for (const [typed, meant] of [
    ['armm64', 'arm64'],
    ['arm46', 'arm64'],
    ['riscv65', 'riscv64'],
    ['instal', 'install'],
    ['ARM46', 'arm64'],
    ['mainframe', undefined],
    ['o', undefined],
    ['arm64', undefined],
    ['', undefined],
    ['x'.repeat(10_000), undefined],
  ] as const) {
    it(`for "${typed.slice(0, 20)}" is ${meant ?? 'not made'}`, () => {
      expect(closest(typed, ['arm64', 'riscv64', 'install', 'or'])).to.equal(meant);
    });
  }
});

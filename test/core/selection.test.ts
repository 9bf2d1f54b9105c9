import { expect } from 'chai';
import { formatPlatform } from '../../src/core/platform.js';
import { parseSelection, selectPlatforms } from '../../src/core/selection.js';
import { row } from '../support/architectures.js';
import { captured } from '../support/doctor.js';

const platformsOf = (...words: string[]) =>
  parseSelection(words).platforms.map(({ architecture, level }) => formatPlatform(architecture, level));

describe('the words of --install', () => {
  for (const [words, platforms] of [
    [['arm/v6', 'arm/v7'], ['linux/arm/v7']],
    [['arm/v7', 'arm/v6'], ['linux/arm/v7']],
    [['arm/v7', 'arm'], ['linux/arm/v7']],
    [['arm', 'arm/v5'], ['linux/arm/v5']],
    [['amd64', 'x86_64', 'linux/amd64/v3', 'amd64/v2'], ['linux/amd64/v3']],
    [
      ['s390x', 'arm64', 'aarch64'],
      ['linux/s390x', 'linux/arm64'],
    ],
  ] as const) {
    it(`${words.join()} are ${platforms.join()}: each architecture once, with its highest variant`, () => {
      expect(platformsOf(...words)).to.deep.equal(platforms);
    });
  }

  it('are refused one by one, and the others count', () => {
    const { platforms, unknown, all } = parseSelection(['nonsense', 'all', 'arm64', 'arm/v12']);
    expect(platforms).to.deep.equal([{ architecture: row('arm64') }]);
    expect(unknown.map(({ code, subject }) => [code, subject])).to.deep.equal([
      ['unknown-platform', 'nonsense'],
      ['unknown-platform', 'arm/v12'],
    ]);
    expect(all).to.equal(true);
  });

  it('keep a variant that was named beside "all"', () => {
    const wanted = selectPlatforms(parseSelection(['all', 'arm/v7']), captured());
    expect(wanted.filter(({ architecture }) => architecture === row('arm'))).to.deep.equal([
      { architecture: row('arm'), level: 7 },
    ]);
  });
});

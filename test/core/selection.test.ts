import { expect } from 'chai';
import { parseSelection, selectPlatforms } from '../../src/core/install/selection.js';
import { formatPlatform } from '../../src/core/platform/platform.js';
import { row } from '../support/architectures.js';
import { captured } from '../support/doctor.js';

const platformsOf = (words: string[], options?: { variants: boolean }) =>
  parseSelection(words, options).platforms.map(formatPlatform);

describe('the platforms that a list asks for', () => {
  it('are one for each architecture, with the highest variant', () => {
    for (const words of [
      ['arm/v6', 'arm/v7'],
      ['arm/v7', 'arm/v6'],
      ['arm', 'arm/v7', 'armel'],
    ]) {
      expect(platformsOf(words)).to.deep.equal(['linux/arm/v7']);
    }
  });

  it('are one for each variant, if several may be asked for', () => {
    expect(platformsOf(['arm/v6', 'arm/v7', 'arm/v6'], { variants: true })).to.deep.equal([
      'linux/arm/v6',
      'linux/arm/v7',
    ]);
  });

  it('are listed in the order in which they were named', () => {
    expect(platformsOf(['s390x', 'arm64', 's390x'])).to.deep.equal(['linux/s390x', 'linux/arm64']);
  });

  it('leave a problem for each word that is not a platform', () => {
    const { unknown, all } = parseSelection(['nonsense', 'arm64', 'windows/arm64']);
    expect(unknown.map(({ definition, subject }) => `${definition.id} ${subject}`)).to.deep.equal([
      'unknown-platform nonsense',
      'unknown-platform windows/arm64',
    ]);
    expect(all).to.equal(false);
    expect(parseSelection(['arm64', 'all']).all).to.equal(true);
  });

  it('keep a variant that was named together with "all"', () => {
    const wanted = selectPlatforms(parseSelection(['all', 'arm/v7']), captured());
    expect(wanted.filter(({ architecture }) => architecture === row('arm'))).to.deep.equal([
      { architecture: row('arm'), level: 7 },
    ]);
  });
});

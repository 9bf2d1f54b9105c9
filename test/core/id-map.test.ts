import { expect } from 'chai';
import { formatIdMap, parseIdMap, sameIds, subordinateIds } from '../../src/core/namespaces/id-map.js';

describe('an id map', () => {
  it('maps every id of this namespace to itself, range by range', () => {
    const map = parseIdMap('         0       1000          1\n         1     100000      65536\n');
    expect(map).to.deep.equal([
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100000, count: 65536 },
    ]);
    expect(formatIdMap(sameIds(map))).to.equal('0 0 1\n1 1 65536\n');
  });

  for (const [text, start] of [
    ['user:100000:65536\n', 100000],
    ['other:1:2\n1000:5:6', 5],
    ['other:1:2', undefined],
    ['user:x:y', undefined],
    ['', undefined],
  ] as const) {
    it(`begins at ${start ?? 'no id'} in ${JSON.stringify(text)}`, () => {
      expect(subordinateIds(text, { name: 'user', uid: 1000 })?.start).to.equal(start);
    });
  }
});

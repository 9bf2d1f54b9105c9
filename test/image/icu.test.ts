import { expect } from 'chai';
import { itemsIn, zeroLanguages } from '../../image/icu.js';

/** An ICU common data file with these items, each of four bytes, behind other data. */
function dataFile(names: readonly string[], big: boolean): Buffer {
  const header = Buffer.alloc(32);
  const table = Buffer.alloc(4 + 8 * names.length);
  const texts = Buffer.from(names.map((name) => `${name}\0`).join(''), 'latin1');
  const word = (buffer: Buffer, value: number, at: number) =>
    big ? buffer.writeUInt32BE(value, at) : buffer.writeUInt32LE(value, at);
  if (big) header.writeUInt16BE(header.length);
  else header.writeUInt16LE(header.length);
  header.set([0xda, 0x27], 2);
  header[8] = big ? 1 : 0;
  header.write('CmnD', 12);
  word(table, names.length, 0);
  let nameAt = table.length;
  for (const [i, name] of names.entries()) {
    word(table, nameAt, 4 + 8 * i);
    word(table, table.length + texts.length + 4 * i, 8 + 8 * i);
    nameAt += name.length + 1;
  }
  return Buffer.concat([Buffer.from('CmnD, not it'), header, table, texts, Buffer.alloc(4 * names.length, 'x')]);
}

describe("ICU's data", () => {
  const names = [
    'd/cnvalias.icu',
    'd/de.res',
    'd/root.res',
    'd/zone/zh_Hant.res',
    'd/ibm-37.cnv',
    'd/zone/tz.res',
    'd/z',
  ];
  for (const big of [false, true]) {
    it(`loses the data of single languages and nothing else (${big ? 'big' : 'little'}-endian)`, () => {
      const file = dataFile(names, big);
      expect(itemsIn(file).map(({ name }) => name)).to.deep.equal(names.slice(0, -1));
      expect(zeroLanguages(file)).to.equal(16);
      const left = itemsIn(file).filter(({ start, end }) => file.toString('latin1', start, end) === 'xxxx');
      expect(left.map(({ name }) => name)).to.deep.equal(['d/cnvalias.icu', 'd/root.res']);
    });
  }

  it('is not found in a file that has none, which stays unchanged', () => {
    const file = Buffer.from('CmnD CmnD');
    expect(zeroLanguages(file)).to.equal(0);
    expect(file.toString()).to.equal('CmnD CmnD');
  });
});

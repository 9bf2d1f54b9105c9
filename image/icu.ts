/**
 * Removes the data of single languages from Node.js. It contains ICU's data for hundreds of languages, a quarter of
 * its compressed size, and the program prints English only. The data is overwritten with zeros: the layout of the
 * file stays the same, and zeros compress to nearly nothing. Source: ICU User Guide, "ICU Data" (the common data
 * file); udata.h and ucmndata.h of ICU4C (its header and table of contents).
 */

/** Resources of one language (`de.res`, `zone/zh_Hant.res`), character sets, and dictionaries for line breaking. */
const languageItem = /(^|\/)[a-z]{2,3}(_\w+)?\.res$|\.(cnv|dict)$/;

/** Marks a common data file. In its header the mark follows the size, the magic number and a part of UDataInfo. */
const FORMAT = Buffer.from('CmnD');
const FORMAT_AT = 12;

export interface Item {
  /** `icudt78l/zone/de.res` */
  readonly name: string;
  /** Offsets in the file, in bytes; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
}

/**
 * Overwrites language data in the contents of a file, in place. Returns the number of bytes overwritten; 0 if the
 * file contains no ICU data.
 */
export function zeroLanguages(file: Buffer): number {
  let zeroed = 0;
  for (const { start, end } of itemsIn(file).filter(({ name }) => languageItem.test(name))) {
    file.fill(0, start, end);
    zeroed += end - start;
  }
  return zeroed;
}

/** ICU's table of contents; empty if the file has none. The last item is left out, because its end is unknown. */
export function itemsIn(file: Buffer): Item[] {
  for (let at = file.indexOf(FORMAT); at >= 0; at = file.indexOf(FORMAT, at + 1)) {
    const header = at - FORMAT_AT;
    if (header < 0 || file[header + 2] !== 0xda || file[header + 3] !== 0x27) continue;
    const big = file[header + 8] === 1;
    const word = (offset: number) => (big ? file.readUInt32BE(offset) : file.readUInt32LE(offset));
    const table = header + (big ? file.readUInt16BE(header) : file.readUInt16LE(header));
    const starts = Array.from({ length: word(table) }, (_, i) => table + word(table + 8 + 8 * i));
    return starts.slice(0, -1).map((start, i) => {
      const name = table + word(table + 4 + 8 * i);
      return { name: file.toString('latin1', name, file.indexOf(0, name)), start, end: starts[i + 1] ?? start };
    });
  }
  return [];
}

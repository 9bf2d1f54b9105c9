/**
 * Node.js carries ICU's data for hundreds of languages, a quarter of what it takes in a compressed image, and the
 * program speaks one. What is of single languages becomes zeros here: the file stays as it is laid out, and
 * compresses to three quarters. Source: ICU User Guide, "ICU Data" (the common data file), and udata.h and
 * ucmndata.h of ICU4C (its header and table of contents).
 */

/** Bundles of one language (`de.res`, `zone/zh_Hant.res`), character sets, and dictionaries to break lines by. */
const ofSomeLanguages = /(^|\/)[a-z]{2,3}(_\w+)?\.res$|\.(cnv|dict)$/;

/** In a common data file after its header's size, two bytes of magic, and UDataInfo as far as the format. */
const FORMAT = Buffer.from('CmnD');
const FORMAT_AT = 12;

export interface Item {
  /** `icudt78l/zone/de.res` */
  readonly name: string;
  /** Offsets in the file, in bytes. */
  readonly start: number;
  readonly end: number;
}

/**
 * Zeroes them in a file that has ICU's data within, in place; the number of bytes that it zeroed.
 * 0: there is no such data, or there is nothing of them left.
 */
export function withoutLanguages(file: Buffer): number {
  let zeroed = 0;
  for (const { start, end } of itemsIn(file).filter(({ name }) => ofSomeLanguages.test(name))) {
    file.fill(0, start, end);
    zeroed += end - start;
  }
  return zeroed;
}

/** The data's table of contents; empty where the file has none. The last item is left out: its end is not known. */
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

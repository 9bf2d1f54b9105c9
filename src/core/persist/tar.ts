/** A tar archive of regular files, the same bytes whenever it is made. Source: POSIX pax(1), "ustar Interchange Format". */

const BLOCK = 512;
/** 1 January 2020, for all files: recent enough that tar(1) does not warn. */
const TIME = 1_577_836_800;

/** The header of a file owned by root; paths of up to 100 bytes, sizes in bytes. */
export function tarHeader(path: string, mode: number, size: number): Uint8Array {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  if (Buffer.byteLength(path) > 100) throw new Error(`${path} is too long for a tar header`);
  header.write(path, 0);
  header.write(octal(mode, 8), 100);
  header.write(octal(0, 8), 108); // uid
  header.write(octal(0, 8), 116); // gid
  header.write(octal(size, 12), 124);
  header.write(octal(TIME, 12), 136);
  header.write('        ', 148); // the checksum counts as spaces
  header.write('0', 156); // a regular file
  header.write('ustar\x0000', 257);
  header.write('root', 265);
  header.write('root', 297);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** The zeros that follow a file of this size. */
export function tarPadding(size: number): Uint8Array {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The end of an archive. */
export function tarEnd(): Uint8Array {
  return Buffer.alloc(2 * BLOCK);
}

/** The beginning of an amd64 program: the header, and a note of glibc if it is linked with it. */
export function elfHeader({ fixed = false, glibc = false }: { readonly fixed?: boolean; readonly glibc?: boolean }) {
  const bytes = Buffer.alloc(64 + 56 + 32);
  Buffer.from('7f454c46020101', 'hex').copy(bytes);
  bytes.writeUInt16LE(fixed ? 2 : 3, 16);
  bytes.writeUInt16LE(62, 18); // amd64
  if (!glibc) return bytes;
  bytes.writeBigUInt64LE(64n, 32); // where the program headers are
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(4, 64); // PT_NOTE
  bytes.writeBigUInt64LE(120n, 64 + 8);
  bytes.writeBigUInt64LE(32n, 64 + 32);
  // Four bytes of name, sixteen of contents, and the type of an ABI tag.
  for (const [i, word] of [4, 16, 1].entries()) bytes.writeUInt32LE(word, 120 + 4 * i);
  bytes.write('GNU\0', 132, 'latin1');
  return bytes;
}

/**
 * Files that are text except for some fields, which may hold any bytes: paths, magics. They are split as
 * bytes, and decoded field by field.
 */

/** Bytes; or a string, for its UTF-8. */
export type FileText = string | Uint8Array;

/** One character a byte (ISO 8859-1), so that string functions work on bytes. */
export function byteString(text: FileText): string {
  const bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.buffer, text.byteOffset, text.length);
  return bytes.toString('latin1');
}

/** Decodes a part of a `byteString`; a byte that is not UTF-8 becomes U+FFFD. */
export function decodeUtf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/**
 * The kernel's text for a binfmt_misc entry ↔ an `Entry`, the line that registers one, and the
 * question whether an entry matches a program. Source: Documentation/admin-guide/binfmt-misc.rst
 * and fs/binfmt_misc.c.
 */
import type { Architecture } from './architectures.js';

export interface Entry {
  readonly name: string;
  readonly enabled: boolean;
  readonly interpreter: string;
  /** In the kernel's order and letters: `POCF`; letters of later kernels are kept. */
  readonly flags: string;
  /** Bytes from the start of the file to the magic. */
  readonly offset: number;
  /** Hexadecimal; empty for an entry that matches by extension. */
  readonly magic: string;
  /** Hexadecimal; all ones where the kernel shows none. */
  readonly mask: string;
  /** Without the dot; undefined for an entry that matches by magic. */
  readonly extension?: string | undefined;
  /** What the interpreter's path leads to, where it is another path, as it was seen from here. */
  readonly resolved?: string | undefined;
  /** Of the file: another one after each registration, also of the same text. */
  readonly inode?: number;
}

/** Parses what the kernel shows in /proc/sys/fs/binfmt_misc/NAME; lines it does not know are skipped. */
export function parseEntry(name: string, text: string): Entry {
  const lines = text.split('\n');
  const value = (key: string) => lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
  const magic = value('magic') ?? '';
  const extension = value('extension')?.replace(/^\./, '');
  return {
    name,
    enabled: lines[0] === 'enabled',
    interpreter: value('interpreter') ?? '',
    flags:
      lines
        .find((line) => line.startsWith('flags:'))
        ?.slice('flags:'.length)
        .trim() ?? '',
    offset: Number(value('offset') ?? 0),
    magic,
    mask: value('mask') ?? 'f'.repeat(magic.length),
    extension,
  };
}

/** What makes an entry: the part of `Entry` that is written to `register`. */
export type Registration = Pick<Entry, 'name' | 'interpreter' | 'flags' | 'magic' | 'mask'>;

/** The registration of an architecture's emulator. */
export function registrationOf(
  { magic, mask }: Architecture,
  entry: Pick<Entry, 'name' | 'interpreter' | 'flags'>,
): Registration {
  return { ...entry, magic, mask };
}

/**
 * The line for `register`: `:name:M::magic:mask:interpreter:flags`, with the first delimiter that
 * the interpreter's path does not contain.
 */
export function registerLine({ name, magic, mask, interpreter, flags }: Registration): string {
  const delimiter = [...':|;,!#'].find((each) => !interpreter.includes(each) && !name.includes(each)) ?? ':';
  // O is what C implies; the kernel sets it by itself.
  const written = flags.includes('C') ? flags.replace('O', '') : flags;
  return ['', name, 'M', '', escaped(magic), escaped(mask), interpreter, written].join(delimiter);
}

/** The inverse, for lines of files in binfmt.d: magic entries only. Undefined: a comment, or anything else. */
export function parseRegisterLine(line: string): (Registration & { readonly offset: number }) | undefined {
  const delimiter = line[0];
  if (delimiter === undefined || /[#;\s\w]/.test(delimiter)) return undefined;
  const [, name = '', type, offset = '', magic = '', mask = '', interpreter = '', flags = ''] = line.split(delimiter);
  if (name === '' || type !== 'M') return undefined;
  const bytes = unescaped(magic);
  return {
    name,
    offset: Number(offset) || 0,
    magic: bytes,
    mask: mask === '' ? 'f'.repeat(bytes.length) : unescaped(mask),
    interpreter,
    flags: flags.trim(),
  };
}

/** Bytes that the kernel compares with magic and mask: BINPRM_BUF_SIZE in linux/binfmts.h. */
export const HEADER_SIZE = 256;

/** Does the kernel take a program with this beginning to the entry? Whether it is enabled is not asked. */
export function matches(entry: Pick<Entry, 'magic' | 'mask'> & { offset?: number }, header: Uint8Array): boolean {
  const magic = Buffer.from(entry.magic, 'hex');
  const mask = Buffer.from(entry.mask, 'hex');
  const start = entry.offset ?? 0;
  if (magic.length === 0 || start + magic.length > HEADER_SIZE) return false;
  // A shorter program is compared as if zeros followed.
  return magic.every((byte, i) => (((header[start + i] ?? 0) ^ byte) & (mask[i] ?? 0xff)) === 0);
}

/** Same letters, in whatever order. */
export function sameFlags(one: string, other: string): boolean {
  return [...one].sort().join('') === [...other].sort().join('');
}

function escaped(hex: string): string {
  return hex.replace(/../g, '\\x$&');
}

function unescaped(text: string): string {
  return text.replace(/\\x([0-9a-fA-F]{2})|(.)/gs, (_, hex?: string, char = '') =>
    hex === undefined ? Buffer.from(char, 'latin1').toString('hex') : hex.toLowerCase(),
  );
}

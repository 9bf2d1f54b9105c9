/**
 * Entries of binfmt_misc: the text that the kernel shows for one, the line that registers one, and whether one
 * matches a program. Sources: Documentation/admin-guide/binfmt-misc.rst; fs/binfmt_misc.c.
 */
import type { Architecture } from '../platform/architectures.js';

export interface Entry {
  readonly name: string;
  readonly enabled: boolean;
  readonly interpreter: string;
  /** In the kernel's order, such as `POCF`; letters that only later kernels know are kept. */
  readonly flags: string;
  /** Bytes from the start of the file to the magic. */
  readonly offset: number;
  /** Hexadecimal; empty for an entry that matches by extension. */
  readonly magic: string;
  /** Hexadecimal; all ones if the kernel shows none. */
  readonly mask: string;
  /** Without the dot; undefined for an entry that matches by magic. */
  readonly extension?: string;
  /** The BPF program that decides which programs it takes, by its own rules (since Linux 7.3); no magic says which. */
  readonly handler?: string;
  /** The real path of the interpreter, if its path leads through symbolic links, as seen from here. */
  readonly resolved?: string;
  /** The inode of the entry's file. Every registration has a new one, even if the text is the same. */
  readonly inode?: number;
}

/** Parses what the kernel shows in /proc/sys/fs/binfmt_misc/NAME; lines that it does not know are skipped. */
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
    handler: value('bpf'),
  };
}

/** The part of an entry that is written to `register`. */
export type Registration = Pick<Entry, 'name' | 'interpreter' | 'flags' | 'magic' | 'mask'>;

/** The registration of an emulator for an architecture. */
export function registrationOf(
  { magic, mask }: Architecture,
  entry: Pick<Entry, 'name' | 'interpreter' | 'flags'>,
): Registration {
  return { ...entry, magic, mask };
}

/**
 * The line for `register`: `:name:M::magic:mask:interpreter:flags`, with the first delimiter that neither the name nor
 * the interpreter's path contains. A line that begins with # or ; would be a comment in a file of binfmt.d.
 */
export function registerLine({ name, magic, mask, interpreter, flags }: Registration): string {
  const delimiter = [...':|,!%^=&"*'].find((each) => !interpreter.includes(each) && !name.includes(each)) ?? ':';
  // C implies O, and the kernel sets it by itself.
  const written = flags.includes('C') ? flags.replace('O', '') : flags;
  return ['', name, 'M', '', escapedBytes(magic), escapedBytes(mask), interpreter, written].join(delimiter);
}

/** The inverse, for a line of a file in binfmt.d: entries with a magic only. Undefined for comments and everything else. */
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

/** How many bytes of a program the kernel compares with magic and mask: BINPRM_BUF_SIZE in linux/binfmts.h. */
export const HEADER_SIZE = 256;

type Pattern = Pick<Entry, 'magic' | 'mask'> & { readonly offset?: number };

/** Every entry is compared with the programs of every architecture, so its bytes are kept. */
const bytesOf = new WeakMap<Pattern, { readonly magic: Uint8Array; readonly mask: Uint8Array }>();

/** Does the entry match a program that begins like this? Whether the entry is enabled plays no role. */
export function matches(entry: Pattern, header: Uint8Array): boolean {
  const bytes = bytesOf.get(entry) ?? {
    magic: Buffer.from(entry.magic, 'hex'),
    mask: Buffer.from(entry.mask, 'hex'),
  };
  bytesOf.set(entry, bytes);
  const { magic, mask } = bytes;
  const start = entry.offset ?? 0;
  if (magic.length === 0 || start + magic.length > HEADER_SIZE) return false;
  // The kernel compares a shorter program as if zeros followed.
  return magic.every((byte, i) => (((header[start + i] ?? 0) ^ byte) & (mask[i] ?? 0xff)) === 0);
}

/** Would registering it again change nothing that can be seen? */
export function sameRegistration(entry: Entry, registration: Registration): boolean {
  const { name, interpreter, magic, mask } = registration;
  const same = entry.name === name && entry.interpreter === interpreter && entry.offset === 0;
  return same && entry.magic === magic && entry.mask === mask && sameFlags(entry.flags, registration.flags);
}

/** The same letters, in any order. */
export function sameFlags(one: string, other: string): boolean {
  return [...one].sort().join('') === [...other].sort().join('');
}

/** `7f45` → `\x7f\x45` */
export function escapedBytes(hex: string): string {
  return hex.replace(/../g, '\\x$&');
}

function unescaped(text: string): string {
  return text.replace(/\\x([0-9a-fA-F]{2})|(.)/gs, (_, hex?: string, char = '') =>
    hex === undefined ? Buffer.from(char, 'latin1').toString('hex') : hex.toLowerCase(),
  );
}

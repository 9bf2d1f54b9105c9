/** ELF: reads the header of a program. Source: elf(5) and the System V ABI, "ELF header" and "Program header". */

export interface Elf {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  readonly machine: number;
  /** ET_EXEC or ET_DYN: something that execve takes. */
  readonly executable: boolean;
  /** ET_EXEC: it runs at one fixed address only, wherever address-space randomisation puts other things. */
  readonly fixed: boolean;
  /** The loader that PT_INTERP names; undefined for a statically linked program. */
  readonly loader?: string;
  /** In hexadecimal, as the linker made it from the contents; undefined if there is none in the bytes that were read. */
  readonly buildId?: string;
  /** Linked with glibc, which marks every program with its ABI tag. */
  readonly glibc: boolean;
}

const PT_INTERP = 3;
const PT_NOTE = 4;
const NT_GNU_ABI_TAG = 1;
const NT_GNU_BUILD_ID = 3;
const GNU = 0x474e5500; // the name of the note, with its null byte
const ET_EXEC = 2;
export const ET_DYN = 3;
const ELFCLASS32 = 1;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ELFDATA2MSB = 2;
const ELFOSABI_SYSV = 0;
const ELFOSABI_GNU = 3;
const MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/** Offsets of the fields that are the same in both classes, bytes. */
const EI_CLASS = 4;
const EI_DATA = 5;
const EI_OSABI = 7;
const E_TYPE = 16;
const E_MACHINE = 18;

/** Where the fields lie that differ between the two classes; offsets in bytes. */
export const layouts = {
  32: { header: 52, phoff: 28, phentsize: 42, phnum: 44, fileOffset: 4, fileSize: 16, programHeader: 32 },
  64: { header: 64, phoff: 32, phentsize: 54, phnum: 56, fileOffset: 8, fileSize: 32, programHeader: 56 },
} as const;

/**
 * Reads the beginning of a file (a few KiB hold header and loader). Undefined: not an ELF file, or one whose
 * header is cut off. Never throws, whatever the bytes are.
 */
export function parseElf(bytes: Uint8Array): Elf | undefined {
  const identity = parseIdentity(bytes);
  if (identity === undefined) return undefined;
  const { bits, littleEndian } = identity;
  if (bytes.length < layouts[bits].header) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint16(E_TYPE, littleEndian);
  const segments = segmentsOf(view, bits, littleEndian);
  const notes = notesOf(view, segments, littleEndian);
  const buildId = notes.find(({ type: kind }) => kind === NT_GNU_BUILD_ID)?.bytes;
  return {
    bits,
    littleEndian,
    machine: view.getUint16(E_MACHINE, littleEndian),
    executable: type === ET_EXEC || type === ET_DYN,
    fixed: type === ET_EXEC,
    loader: parseLoader(view, segments),
    buildId: buildId && Array.from(buildId, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    glibc:
      notes.some(({ type: kind }) => kind === NT_GNU_ABI_TAG) ||
      // Debian's emulators have that note at their end.
      segments.some(({ type: kind, start }) => kind === PT_NOTE && start >= view.byteLength),
  };
}

function parseIdentity(bytes: Uint8Array): Pick<Elf, 'bits' | 'littleEndian'> | undefined {
  const [bits, order] = [bytes[EI_CLASS], bytes[EI_DATA]];
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) return undefined;
  if (bits !== ELFCLASS32 && bits !== ELFCLASS64) return undefined;
  if (order !== ELFDATA2LSB && order !== ELFDATA2MSB) return undefined;
  return { bits: bits === ELFCLASS64 ? 64 : 32, littleEndian: order === ELFDATA2LSB };
}

/** What stands for the name of a loader that is beyond the part that was read. */
export const UNKNOWN_LOADER = '?';

interface Segment {
  readonly type: number;
  /** Offsets in the file, in bytes. */
  readonly start: number;
  readonly end: number;
}

/** The segments whose program headers are in the bytes that were read. */
function segmentsOf(view: DataView, bits: 32 | 64, littleEndian: boolean): Segment[] {
  const segments: Segment[] = [];
  const at = layouts[bits];
  const word = (offset: number) =>
    bits === 64 ? Number(view.getBigUint64(offset, littleEndian)) : view.getUint32(offset, littleEndian);
  const table = word(at.phoff);
  const size = view.getUint16(at.phentsize, littleEndian);
  for (let i = 0; i < view.getUint16(at.phnum, littleEndian); i++) {
    const header = table + i * size;
    if (size < at.programHeader || header + at.programHeader > view.byteLength) break;
    const start = word(header + at.fileOffset);
    const end = start + word(header + at.fileSize);
    segments.push({ type: view.getUint32(header, littleEndian), start, end });
  }
  return segments;
}

function parseLoader(view: DataView, segments: readonly Segment[]): string | undefined {
  const segment = segments.find(({ type }) => type === PT_INTERP);
  if (segment === undefined) return undefined;
  const { start } = segment;
  const end = Math.min(segment.end, view.byteLength);
  if (start >= end) return UNKNOWN_LOADER;
  const name = new Uint8Array(view.buffer, view.byteOffset + start, end - start);
  return new TextDecoder().decode(name).replace(/\0.*$/s, '');
}

interface GnuNote {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/**
 * GNU's notes that are whole in the bytes that were read. A note is three words (length of the name, length of the
 * contents, type), then both, each filled up to whole words.
 */
function notesOf(view: DataView, segments: readonly Segment[], littleEndian: boolean): GnuNote[] {
  const filled = (size: number) => Math.ceil(size / 4) * 4;
  const notes: GnuNote[] = [];
  for (const { type, start, end } of segments) {
    if (type !== PT_NOTE) continue;
    for (let at = start; at + 12 <= Math.min(end, view.byteLength); ) {
      const [name = 0, size = 0, kind = 0] = [0, 4, 8].map((offset) => view.getUint32(at + offset, littleEndian));
      const contents = at + 12 + filled(name);
      if (contents + size > view.byteLength) break;
      if (name === 4 && view.getUint32(at + 12) === GNU) {
        notes.push({ type: kind, bytes: new Uint8Array(view.buffer, view.byteOffset + contents, size) });
      }
      at = contents + filled(size);
    }
  }
  return notes;
}

/** Same class, byte order and machine: what this one runs, the other's processor runs too. */
export function sameMachine(one: Elf, other: Elf): boolean {
  return one.bits === other.bits && one.littleEndian === other.littleEndian && one.machine === other.machine;
}

/**
 * The program itself, and the same program at a fixed address or at any (ET_EXEC, ET_DYN), for any OS ABI or for
 * GNU: a machine that runs one of them runs them all, so an entry must match none of them. Takes the beginning of
 * the file. What is no ELF file, or too short to tell, comes back alone.
 */
export function programVariants(program: Uint8Array): Uint8Array[] {
  const identity = parseIdentity(program);
  if (identity === undefined || program.length < E_TYPE + 2) return [program];
  const variants = [ELFOSABI_SYSV, ELFOSABI_GNU].flatMap((abi) =>
    [ET_EXEC, ET_DYN].map((type) => {
      const copy = withType(program, type);
      copy[EI_OSABI] = abi;
      return copy;
    }),
  );
  return [program, ...variants];
}

/** A copy with another e_type. */
export function withType(program: Uint8Array, type: number): Uint8Array {
  const copy = Uint8Array.from(program);
  new DataView(copy.buffer).setUint16(E_TYPE, type, program[EI_DATA] !== ELFDATA2MSB);
  return copy;
}

/** Writes the probe executables, in the form that src/core/binfmt/elf.ts reads. */
import type { Architecture } from '../platform/architectures.js';
import { ET_DYN, layouts, withType } from './elf.js';
import { type Entry, matches } from './entry.js';

const ADDRESS = 0x400000;
const ALIGNMENT = 0x10000; // right for pages of 64 KiB too
const READ_EXECUTE = 5;
const PT_LOAD = 1;

/** Like probeExecutable, but ET_DYN: it stands in for the loader of a dynamically linked program. */
export function loaderExecutable(architecture: Architecture): Uint8Array {
  return withType(probeExecutable(architecture), ET_DYN);
}

/**
 * A copy of a probe that no enabled entry matches: the padding of e_ident is filled, which the kernel's ELF loader
 * ignores. Undefined: an entry ignores it too.
 */
export function unmatchedExecutable(probe: Uint8Array, entries: readonly Entry[]): Uint8Array | undefined {
  const file = Uint8Array.from(probe);
  file.fill(0x5a, 8, 16);
  return entries.some((entry) => entry.enabled && matches(entry, file)) ? undefined : file;
}

/** Like probeExecutable, but there is no code in it: whoever runs it crashes. */
export function emptyExecutable(architecture: Architecture): Uint8Array {
  return probeExecutable({ ...architecture, probeCode: architecture.probeCode.replace(/[0-9a-f]/g, '0') });
}

const programs = new Map<Architecture, Uint8Array>();

/** Does the kernel take programs of the architecture to the entry? Whether it is enabled is not asked. */
export function takesProgramsOf(architecture: Architecture, entry: Parameters<typeof matches>[0]): boolean {
  const program = programs.get(architecture) ?? probeExecutable(architecture);
  programs.set(architecture, program);
  return matches(entry, program);
}

/** The smallest executable that runs an architecture's probe code: header, one PT_LOAD, the code. */
export function probeExecutable({ magic, probeCode, elfFlags = 0 }: Architecture): Uint8Array {
  const identity = Buffer.from(magic, 'hex');
  const bits = identity[4] === 2 ? 64 : 32;
  const littleEndian = identity[5] !== 2;
  const at = layouts[bits];
  const code = Buffer.from(probeCode.replaceAll(' ', ''), 'hex');
  const start = at.header + at.programHeader;
  const size = start + code.length;
  const file = Buffer.alloc(size);
  const view = new DataView(file.buffer, file.byteOffset, size);
  let offset = 20;
  const put = (width: 2 | 4 | 8, value: number) => {
    if (width === 2) view.setUint16(offset, value, littleEndian);
    else if (width === 4) view.setUint32(offset, value, littleEndian);
    else view.setBigUint64(offset, BigInt(value), littleEndian);
    offset += width;
  };
  const word = bits === 64 ? 8 : 4;

  identity.copy(file, 0, 0, 20); // e_ident, e_type, e_machine
  put(4, 1); // e_version
  put(word, ADDRESS + start); // e_entry
  put(word, at.header); // e_phoff
  put(word, 0); // e_shoff
  put(4, elfFlags); // e_flags
  for (const half of [at.header, at.programHeader, 1, 0, 0, 0]) put(2, half); // e_ehsize … e_shstrndx
  put(4, PT_LOAD);
  if (bits === 64) put(4, READ_EXECUTE);
  put(word, 0); // p_offset
  put(word, ADDRESS); // p_vaddr
  put(word, ADDRESS); // p_paddr
  put(word, size); // p_filesz
  put(word, size); // p_memsz
  if (bits === 32) put(4, READ_EXECUTE);
  put(word, ALIGNMENT);
  code.copy(file, start);
  return file;
}

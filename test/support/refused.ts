/**
 * Makes this machine look like one whose kernel does not run programs of some architectures by itself, such as 386 on amd64:
 * `BINFMT_TEST_REFUSED=386 npm test`. The kernel refuses each probe, but an emulator still runs it.
 *
 *   tsx test/support/refused.ts DIRECTORY     replaces these probes in a directory
 */
import fs from 'node:fs';
import path from 'node:path';
import { row } from './architectures.js';

export const refusedByKernel = (process.env['BINFMT_TEST_REFUSED'] ?? '').split(',').filter(Boolean).map(row);

/**
 * The kernel's ELF loader answers ENOEXEC for more than 64 KiB of program headers (fs/binfmt_elf.c, load_elf_phdrs), as it
 * does for a program that the processor cannot run. QEMU has no such limit (linux-user/elfload.c).
 */
const HEADERS_LIMIT = 65536; // bytes

/** A copy of a program that the kernel does not run by itself: its one program header, and many empty ones. */
export function refused(program: Uint8Array): Buffer {
  const is64 = program[4] === 2;
  const littleEndian = program[5] !== 2;
  const [header, size, offsetAt, countAt] = is64 ? [64, 56, 32, 56] : [52, 32, 28, 44];
  const count = Math.floor(HEADERS_LIMIT / size) + 1;
  const headers = Buffer.alloc(count * size);
  headers.set(program.subarray(header, header + size));
  const file = Buffer.concat([program, headers]);
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (is64) view.setBigUint64(offsetAt, BigInt(program.length), littleEndian);
  else view.setUint32(offsetAt, program.length, littleEndian);
  view.setUint16(countAt, count, littleEndian);
  return file;
}

/** Replaces a probe in a directory. */
export function refuseIn(directory: string, name: string): void {
  const file = path.join(directory, name);
  fs.writeFileSync(file, refused(fs.readFileSync(file)));
}

if (process.argv[1] === import.meta.filename) {
  for (const { name } of refusedByKernel) refuseIn(process.argv[2] ?? '', name);
}

/** Little programs compiled for the tests. */
import fs from 'node:fs';
import path from 'node:path';
import { must } from './program.js';
import { scratch } from './scratch.js';

/** Compiles C for this machine; `flags` such as `-static`. */
export function compile(source: string, flags: readonly string[] = []): string {
  const file = path.join(scratch(), 'program');
  fs.writeFileSync(`${file}.c`, source);
  must('cc', [...flags, '-o', file, `${file}.c`]);
  return file;
}

/** Emulators that are none, for the ways in which one can be broken. */
export const dynamicEmulator = () => compile('int main(void) { return 42; }');
export const crashingEmulator = () => compile('int main(void) { __builtin_trap(); }', ['-static']);
export const hangingEmulator = () => compile('int main(void) { for (;;); }', ['-static']);

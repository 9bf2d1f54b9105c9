/** Compiles the program, or takes what V8 has compiled of it before. */
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';

/** The ending of the parts of the program (src/build.ts), and of what V8 has compiled of each. All lie beside binfmt.cjs. */
export const PART = '.cjs';
export const CODE_CACHE = '.code-cache';

/** The function in which Node.js runs a CommonJS module. Each part is such a function. */
export type ModuleFunction = (exports: object, require: (id: string) => object, module: object) => void;

/** `cachedData`: V8 uses it if it was made by the same version with the same options, of a program of the same length. */
export function compilePart(directory: string, name: string, cachedData?: Buffer): vm.Script {
  // The build writes ASCII only, and reading that is faster than UTF-8.
  const text = fs.readFileSync(path.join(directory, `${name}${PART}`), 'latin1');
  // The file name becomes a part of the code cache, which is to be the same wherever it was made.
  return new vm.Script(text, { filename: `${name}${PART}`, cachedData });
}

/** Compiles the program, or takes what V8 has compiled of it before. */
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';

/** The program (src/main.ts), and what V8 has compiled of it. Both lie beside binfmt.cjs. */
export const PROGRAM = 'program.cjs';
export const CODE_CACHE = 'code-cache';

/** The function in which Node.js runs a CommonJS module. */
export type ModuleFunction = (exports: object, require: NodeJS.Require, module: object) => void;

/** `cachedData`: V8 uses it if it was made by the same version with the same options, of a program of the same length. */
export function compileProgram(directory: string, cachedData?: Buffer): vm.Script {
  // The build writes ASCII only, and reading that is faster than UTF-8.
  const text = fs.readFileSync(path.join(directory, PROGRAM), 'latin1');
  // The name becomes a part of the code cache, which is to be the same wherever it was made.
  return new vm.Script(`(function (exports, require, module) {${text}\n})`, { filename: PROGRAM, cachedData });
}

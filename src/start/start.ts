/** Starts the program; becomes dist/binfmt.cjs. With V8's code cache nothing need be compiled. */
import fs from 'node:fs';
import path from 'node:path';
import { CODE_CACHE, compileProgram, type ModuleFunction } from './compile.js';

/** Undefined if there is none: in an image for another host than the one that built it. */
function readCodeCache(): Buffer | undefined {
  try {
    return fs.readFileSync(path.join(__dirname, CODE_CACHE));
  } catch {
    return undefined;
  }
}

const run: ModuleFunction = compileProgram(__dirname, readCodeCache()).runInThisContext();
run(exports, require, module);

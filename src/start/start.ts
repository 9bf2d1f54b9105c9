/** Starts the program; becomes dist/binfmt.cjs. With V8's code cache nothing need be compiled. */
import fs from 'node:fs';
import path from 'node:path';
import { CODE_CACHE, compileProgram, type ModuleFunction } from './compile.js';

const directory = path.dirname(process.argv[1] ?? '');

/** Undefined if there is none: in an image for another host than the one that built it. */
function readCodeCache(): Buffer | undefined {
  try {
    return fs.readFileSync(path.join(directory, CODE_CACHE));
  } catch {
    return undefined;
  }
}

const run: ModuleFunction = compileProgram(directory, readCodeCache()).runInThisContext();
run(exports, require, module);

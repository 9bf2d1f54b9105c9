/**
 * Compiles the program in a directory, and writes V8's code cache beside it. To be run by the Node.js that will run the
 * program, with the options that it will have (src/native/main.c): any other one does not use the cache.
 *
 *   node --hash-seed=1 --random-seed=1 build/write-code-cache.cjs DIRECTORY
 *
 * These two options are random otherwise. With them, the cache is the same each time.
 */
import fs from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import { CODE_CACHE, compileProgram } from './compile.js';

const [, , directory = 'dist'] = process.argv;
// All functions, also those that are not called at once.
v8.setFlagsFromString('--no-lazy');
// The garbage collector would drop functions that have not been called, if it comes before they are written.
v8.setFlagsFromString('--no-flush-bytecode');
const script = compileProgram(directory);
// V8 compares the options with those that the program runs with.
for (const option of ['--lazy', '--flush-bytecode', '--hash-seed=0', '--random-seed=0']) v8.setFlagsFromString(option);
fs.writeFileSync(path.join(directory, CODE_CACHE), script.createCachedData());

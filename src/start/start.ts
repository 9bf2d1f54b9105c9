/** Starts the program; becomes dist/binfmt.cjs. With V8's code cache nothing need be compiled. */
import fs from 'node:fs';
import path from 'node:path';
import { CODE_CACHE, compilePart, type ModuleFunction } from './compile.js';

/** Undefined if there is none: in an image for another host than the one that built it. */
function readCodeCache(name: string): Buffer | undefined {
  try {
    return fs.readFileSync(path.join(__dirname, `${name}${CODE_CACHE}`));
  } catch {
    return undefined;
  }
}

const modules = new Map<string, { exports: object }>();

/** What a part of the program exports. It is read when it is needed for the first time. */
function load(name: string): object {
  const known = modules.get(name);
  if (known) return known.exports;
  const module = { exports: {} };
  modules.set(name, module);
  const run: ModuleFunction = compilePart(__dirname, name, readCodeCache(name)).runInThisContext();
  run(module.exports, (id) => (id.startsWith('./') ? load(id.slice(2)) : require(id)), module);
  return module.exports;
}

load('program');

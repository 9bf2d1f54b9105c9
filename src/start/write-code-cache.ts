/**
 * Compiles all parts of the program in a directory, and writes V8's code caches beside them. To be run by the Node.js that will run
 * the program, with the options that it will have (src/native/main.c): any other one does not use them.
 *
 *   node --hash-seed=1 --random-seed=1 build/write-code-cache.cjs DIRECTORY
 *
 * These two options are random otherwise. With them, the caches are the same each time.
 *
 * A part that is read only when it is needed is compiled as a whole. Of the main part, which is read at each start, the cache has
 * those functions that a status needs, because V8 reads all of a cache. It compiles the others when they are called.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import v8 from 'node:v8';
import { HEADER_SIZE } from '../core/binfmt/entry.js';
import { BINFMT_MISC, BINFMTFS_MAGIC } from '../core/binfmt/procfs.js';
import { architectures, PROBE_SUCCESS } from '../core/platform/architectures.js';
import { INITIAL_USER_NAMESPACE } from '../system/host/namespaces.js';
import { CODE_CACHE, compilePart, PART } from './compile.js';

const [, , directory = 'dist'] = process.argv;
const MAIN = 'program';
// The garbage collector would drop functions that have not been called for a while.
v8.setFlagsFromString('--no-flush-bytecode');
const main = compilePart(directory, MAIN);
v8.setFlagsFromString('--no-lazy');
const others = fs
  .readdirSync(directory)
  .filter((file) => file.endsWith(PART) && ![`binfmt${PART}`, `${MAIN}${PART}`].includes(file))
  .map((file) => path.basename(file, PART))
  .map((name) => ({ name, script: compilePart(directory, name) }));
// V8 compares the options with those that the program runs with.
for (const option of ['--lazy', '--flush-bytecode', '--hash-seed=0', '--random-seed=0']) v8.setFlagsFromString(option);
v8.setFlagsFromString('--no-flush-bytecode');

runStatus(() => {
  v8.setFlagsFromString('--flush-bytecode');
  for (const { name, script } of [...others, { name: MAIN, script: main }]) {
    fs.writeFileSync(path.join(directory, `${name}${CODE_CACHE}`), script.createCachedData());
  }
});

/**
 * Runs the status on a machine that is a few files, so that it is the same each time: a directory that looks like a mounted
 * binfmt_misc with one entry, and what a launcher would answer. `done`: at the end.
 */
function runStatus(done: () => void): void {
  const machine = fs.mkdtempSync(path.join(os.tmpdir(), 'binfmt-build-'));
  const write = (name: string, text: string) => fs.writeFileSync(path.join(machine, name), text);
  const outcomes = architectures.map(({ levels }) => {
    const status = levels ? Object.keys(levels)[0] : PROBE_SUCCESS;
    return `exit\t${status}\t1\tprocessor\t2f\t\t\t\n`;
  });
  write('answers', `${outcomes.join('')}end\n`);
  write('register', '');
  write('entry', `enabled\ninterpreter /\nflags: F\noffset 0\nmagic 00${'ff'.repeat(HEADER_SIZE - 1)}\n`);
  process.env['BINFMT_LAUNCHER'] = [
    fs.openSync(path.join(machine, 'answers'), 'r'),
    fs.openSync(os.devNull, 'w'),
  ].join();
  process.env['BINFMT_PROBES'] = 'started';
  process.argv.splice(1, process.argv.length, path.join(directory, `binfmt${PART}`), '--mount', machine);
  process.exit = ((exit: number) => {
    fs.rmSync(machine, { recursive: true });
    if (exit !== 0) throw new Error(`the status ended with ${exit}`);
    done();
  }) as typeof process.exit;
  const standIn = {
    ...fs,
    statfsSync: () => ({ type: BINFMTFS_MAGIC }),
    readlinkSync: () => INITIAL_USER_NAMESPACE,
    readFileSync: (file: string, encoding: 'utf8') =>
      file === '/proc/filesystems' ? `nodev\t${BINFMT_MISC}\n` : fs.readFileSync(file, encoding),
    writeSync: (fd: number, bytes: Uint8Array | string) =>
      fd === 1 ? bytes.length : fs.writeSync(fd, Buffer.from(bytes)),
  };
  main.runInThisContext()({}, (id: string) => (id === 'node:fs' ? standIn : require(id)), {});
}

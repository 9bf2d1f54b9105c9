/**
 * Emulators that count how often they are started. They run in an empty root directory, where no file can be written, so they
 * count in a semaphore (semop(2)), which has none.
 */
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { parseElf } from '../../src/core/binfmt/elf.js';
import { PROBE_SUCCESS } from '../../src/core/platform/architectures.js';
import type { Guest } from './machine.js';
import { must } from './program.js';
import { compile } from './programs.js';
import { scratch } from './scratch.js';

/** For a program, it counts and runs any test program; without one, it prints the number, and begins again. */
const source = `
  #include <stdio.h>
  #include <sys/sem.h>
  int main(int argc, char **argv) {
    int counter = semget(KEY, 1, IPC_CREAT | 0666);
    if (counter < 0) return 1;
    if (argc > 1) return semop(counter, &(struct sembuf){0, 1, 0}, 1) == 0 ? ${PROBE_SUCCESS} : 1;
    printf("%d", semctl(counter, 0, GETVAL));
    return semctl(counter, 0, IPC_RMID);
  }`;

/** In `bin`, as in the image with a manifest that knows them: nothing else is started to learn about an emulator. */
export function countingEmulators(guests: readonly Guest[]): { directory: string; starts(): number[] } {
  const directory = path.join(scratch(), 'bin');
  fs.mkdirSync(directory);
  const key = randomInt(2 ** 30);
  const files = guests.map(({ emulator }) => path.join(directory, emulator));
  const emulators = files.map((file, i) => {
    fs.copyFileSync(compile(source, ['-static', '-Wl,--build-id', `-DKEY=${key + i}`]), file);
    const bytes = fs.readFileSync(file);
    return { version: '999.0', size: bytes.length, buildId: parseElf(bytes)?.buildId };
  });
  const manifest = path.join(directory, '../share/binfmt/manifest.json');
  fs.mkdirSync(path.dirname(manifest), { recursive: true });
  fs.writeFileSync(manifest, JSON.stringify({ emulators }));
  const starts = () => files.map((file) => Number(must(file, [])));
  after(starts);
  return { directory, starts };
}

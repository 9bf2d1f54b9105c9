/** Little programs compiled for the tests. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { must, ROOT } from './program.js';
import { scratch } from './scratch.js';
import { until } from './watcher.js';

const compiled = new Map<string, string>();

/** Compiles C for this machine, once; `flags` such as `-static`. A test may delete the program, and not change it. */
export function compile(source: string, flags: readonly string[] = []): string {
  const key = [...flags, source].join(' ');
  const known = compiled.get(key);
  if (known !== undefined && fs.existsSync(known)) return known;
  const file = path.join(scratch(), 'program');
  fs.writeFileSync(`${file}.c`, source);
  must('cc', [...flags, '-o', file, `${file}.c`]);
  compiled.set(key, file);
  return file;
}

/** The same for a file of the checkout: `test/campaign/refuse.c`. */
export const compileFile = (file: string, flags: readonly string[] = []) =>
  compile(fs.readFileSync(path.join(ROOT, file), 'utf8'), flags);

/** Emulators that are none, for the ways in which one can be broken. */
export const dynamicEmulator = () => emulatorExiting(42, []);
export const crashingEmulator = () => compile('int main(void) { __builtin_trap(); }', ['-static']);
export const hangingEmulator = () => compile('int main(void) { for (;;); }', ['-static']);

/** A processor that this process may use. */
export const allowedProcessor = () =>
  Number(/^Cpus_allowed_list:\t(\d+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0');

/** Two shells that leave a processor no time for others. */
export async function busyShells(processor: number) {
  const busy = [1, 2].map(() => spawn('taskset', ['--cpu-list', `${processor}`, 'sh', '-c', 'while :; do :; done']));
  const isShell = ({ pid }: { pid?: number }) => fs.readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sh\n';
  await until(() => busy.every(isShell), 'two busy shells');
  return busy;
}

/** For a program, it works a twentieth of a second on one processor, and only while that has nothing else to do. */
export const starvedEmulator = (processor: number) =>
  compile(
    `#define _GNU_SOURCE
    #include <sched.h>
    #include <stdlib.h>
    #include <time.h>
    int main(void) {
      cpu_set_t one;
      if (getenv("QEMU_VERSION")) return 0;
      CPU_ZERO(&one);
      CPU_SET(${processor}, &one);
      sched_setaffinity(0, sizeof one, &one);
      sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0});
      while (clock() < CLOCKS_PER_SEC / 20);
      return 42;
    }`,
    ['-static'],
  );

/**
 * An emulator that is as good as our test programs ask for: it exits with a status, but crashes for a program without code.
 * `status`: an expression in C.
 */
export const emulatorExiting = (status: number | string, flags: readonly string[] = ['-static']) =>
  compile(
    `#include <fcntl.h>
    #include <unistd.h>
    int main(int argc, char **argv) {
      int instruction = 0, program = open(argv[argc > 1], O_RDONLY);
      lseek(program, -4, SEEK_END);
      if (read(program, &instruction, 4) < 4 || !instruction) __builtin_trap();
      return ${status};
    }`,
    flags,
  );

/** Started as process 1, it has its first argument as its root directory, and runs the others as a container with --pid=host. */
export const firstOfHost = () =>
  compile(
    `#define _GNU_SOURCE
    #include <fcntl.h>
    #include <sched.h>
    #include <sys/wait.h>
    #include <unistd.h>
    int main(int argc, char **argv) {
      int status, root = open("/", O_RDONLY);
      if (chroot(argv[1]) != 0) return 125;
      if (fork() == 0) {
        if (fchdir(root) != 0 || chroot(".") != 0 || unshare(CLONE_NEWNS) != 0) return 125;
        execv(argv[2], argv + 2);
        return 127;
      }
      wait(&status);
      return WEXITSTATUS(status);
    }`,
  );

/**
 * The client of the native launcher (src/native/launcher.c), which describes the protocol: requests are lines on
 * the launcher's standard input, and answers are lines on its standard output. One launcher runs for as long as
 * binfmt does.
 */
import fs from 'node:fs';
import { constants } from 'node:os';
import type { OsNames, Outcome } from '../../core/binfmt/probe.js';
import { architectures } from '../../core/platform/architectures.js';
import { lineProtocol } from './line-protocol.js';

/** A program to run. */
export interface Execution {
  /** The path of the program, as seen from `root`. */
  readonly file: string;
  /** The root directory of the program; that of the launcher if undefined. */
  readonly root?: string;
  /** The whole environment: at most a dozen of `NAME=VALUE`. */
  readonly environment?: readonly string[];
}

/** How a program ended, and what ran it. `unknown`: it did not start, or the launcher may not trace it. */
export interface ExecutionOutcome extends Outcome {
  readonly ranBy: 'processor' | { readonly interpreter: string } | 'unknown';
  /** Of the file that ran it, in hexadecimal; undefined if it has none, or was not seen. */
  readonly buildId?: string;
  /** Its SELinux label; empty if it has none, or was not seen. */
  readonly label: string;
}

/** An executable file to create. */
export interface Executable {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** How many bytes of a file the launcher reads: header, program headers and the name of the loader are in them. */
export const BEGINNING = 4096;

/** The interpreter that the kernel started for a program. */
export interface InterpreterFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** The first BEGINNING bytes. */
  readonly beginning: Uint8Array;
}

/** A directory that the launcher holds open. */
export interface OpenDirectory {
  /**
   * A path in /proc that leads to this very directory, whatever happens to the path that it was opened by. Only names
   * of files are to be appended, as a symbolic link below it would be followed.
   */
  readonly path: string;
  close(): Promise<void>;
  /** For as long as the launcher runs; `EAGAIN` if another process has locked it. */
  lock(): Promise<string | undefined>;
}

/**
 * A string that a method resolves to is the name of an errno (`EPERM`), and undefined means success, unless the
 * method says otherwise. Methods reject only if the launcher has ended, or if a field has a tab or a line break.
 */
export interface Launcher {
  /**
   * The outcomes of the probes that it has run while Node.js started, in the order of the table of architectures. Only the first
   * call has them: every other one resolves to none, and so does the first if no probe was started.
   */
  takeFirstOutcomes(): Promise<ExecutionOutcome[]>;
  /** Mounts a file system of that type at `dir`, in the mount namespace of the process `pid` if one is given. */
  mount(type: string, dir: string, pid?: number): Promise<string | undefined>;
  umount(dir: string): Promise<string | undefined>;
  /** Mounts the directory `from`, with all mounts below it, at `dir` too. */
  bind(from: string, dir: string): Promise<string | undefined>;
  /** The SELinux label of a file; empty if it has none. */
  labelOf(file: string): Promise<string>;
  /** Mounts a directory over itself, read-only, with this SELinux label for all files. `empty`: an empty directory. */
  relabel(dir: string, empty: string, label: string): Promise<string | undefined>;
  /** Moves the launcher, and all that it runs from now on, to new namespaces. binfmt stays in its own. */
  unshare(namespaces: 'user' | 'user,mount'): Promise<string | undefined>;
  /** Moves the launcher to the user and mount namespaces of the process `pid`, in the same way. */
  enter(pid: number): Promise<string | undefined>;
  /**
   * Writes to a file that exists, in one write(2). `root`: the root directory of the process that writes, in which the
   * kernel looks for the paths in `text`.
   */
  writeExisting(file: string, text: string | Uint8Array, root?: string): Promise<string | undefined>;
  /**
   * Opens the directory `path` below the directory `root`, with all symbolic links on the way resolved as if `root`
   * were the root directory. `create`: creates the missing levels of `path`. Resolves to an errno's name if it failed.
   */
  openDirectory(root: string, path: string, options?: { readonly create?: boolean }): Promise<OpenDirectory | string>;
  /**
   * Lets the launcher become the command as soon as binfmt has ended. The command has the standard streams,
   * environment, working directory and terminal of the caller, and `root` as its root directory if that is given.
   */
  become(command: readonly string[], root?: string): Promise<void>;
  /** Holds an executable in memory until the launcher ends; resolves to its path for `run`. */
  holdInMemory(program: Uint8Array): Promise<string>;
  /**
   * Creates the files, then runs the programs, all at the same time and none for longer than `limit` milliseconds.
   * Resolves to their outcomes in the same order, or to undefined if a file could not be created.
   */
  run(
    executions: readonly Execution[],
    limit: number,
    files?: readonly Executable[],
  ): Promise<ExecutionOutcome[] | undefined>;
  /**
   * Starts programs in the same way, but ends each before its first instruction. Resolves to the file that the
   * kernel started for each; undefined if it started none, if the processor runs the program itself, or if the launcher
   * may not trace it.
   */
  inspectExec(
    executions: readonly Execution[],
    limit: number,
    files?: readonly Executable[],
  ): Promise<(InterpreterFile | undefined)[]>;
  /** Ends the launcher, and all that it runs. */
  close(): void;
}

/**
 * `pipes`: BINFMT_LAUNCHER as src/native/main.c sets it, `READ,WRITE` (file descriptors). `first`: it runs programs before it
 * reads a request.
 */
export function connectLauncher(pipes: string, first = false): Launcher {
  const [from = -1, to = -1] = pipes.split(',').map(Number);
  const { request, readTo } = lineProtocol(from, to);
  fs.writeSync(to, 'started\n');
  // They are answered first, whoever asks for them.
  let firstAnswers = first ? readTo('end') : Promise.resolve([]);
  const errnoOf = async (fields: string[]) => {
    const [answer = ''] = await request([fields], 1);
    const [kind, number] = answer.split('\t');
    return kind === 'errno' ? osNames.errno(Number(number)) : undefined;
  };
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  /** Resolves to an answer line for each execution, in the same order. */
  const runQueued = async (
    kind: 'run' | 'inspect',
    executions: readonly Execution[],
    limit: number,
    files: readonly Executable[],
  ) => {
    if (executions.length === 0) return [];
    const writes = files.map(({ file, bytes }) => ['write', file, hex(bytes)]);
    const queued = executions.map(({ root = '-', file, environment = [] }) => [kind, root, file, ...environment]);
    const all = [...writes, ...queued, ['run-queued', String(limit)]];
    const answers = await request(all, files.length + executions.length);
    // If a file could not be written, the outcomes say nothing about the programs.
    if (answers.slice(0, files.length).some((answer) => answer !== 'ok')) return undefined;
    return answers.slice(files.length);
  };
  return {
    async takeFirstOutcomes() {
      const answers = await firstAnswers;
      firstAnswers = Promise.resolve([]);
      // The file with its requests may be another one than that of this build.
      return answers.length === architectures.length ? answers.map(parseOutcome) : [];
    },
    mount: (type, dir, pid) => errnoOf(['mount', type, dir, ...(pid === undefined ? [] : [String(pid)])]),
    umount: (dir) => errnoOf(['umount', dir]),
    bind: (from, dir) => errnoOf(['bind', from, dir]),
    async labelOf(file) {
      const [answer = ''] = await request([['label', file]], 1);
      return answer.split('\t')[1] ?? '';
    },
    relabel: (dir, empty, label) => errnoOf(['relabel', dir, empty, label]),
    unshare: (namespaces) => errnoOf(['unshare', namespaces]),
    enter: (pid) => errnoOf(['enter', String(pid)]),
    writeExisting: (file, text, root) =>
      errnoOf(['write-existing', file, hex(Buffer.from(text)), ...(root === undefined ? [] : [root])]),
    async openDirectory(root, directory, { create = false } = {}) {
      const [answer = ''] = await request([['open-directory', root, directory, ...(create ? ['create'] : [])]], 1);
      const [kind, number = '', pid] = answer.split('\t');
      if (kind !== 'fd') return osNames.errno(Number(number));
      return {
        path: `/proc/${pid}/fd/${number}`,
        close: async () => {
          await request([['close-directory', number]], 1);
        },
        lock: () => errnoOf(['lock-directory', number]),
      };
    },
    async become(command, root = '-') {
      const words = Buffer.from(command.map((word) => `${word}\0`).join(''));
      const [answer] = await request([['become', root, hex(words)]], 1);
      if (answer !== 'ok') throw new Error('the launcher has no standard streams for a command');
    },
    async holdInMemory(program) {
      const [answer = ''] = await request([['write', '-', hex(program)]], 1);
      const [kind, number] = answer.split('\t');
      if (kind !== 'fd') throw new Error(`memfd_create failed (${osNames.errno(Number(number))})`);
      return `/proc/self/fd/${number}`;
    },
    async run(executions, limit, files = []) {
      return (await runQueued('run', executions, limit, files))?.map(parseOutcome);
    },
    async inspectExec(executions, limit, files = []) {
      return (await runQueued('inspect', executions, limit, files))?.map(parseInterpreter) ?? [];
    },
    close: () => fs.closeSync(to),
  };
}

/** Tells the launcher that binfmt has said how the call went, or is about to. `pipes`: see connectLauncher. */
export function answered(pipes: string): void {
  try {
    fs.writeSync(Number(pipes.split(',')[1]), 'answered\n');
  } catch {
    // It has ended, so it will not answer.
  }
}

function parseOutcome(line: string): ExecutionOutcome {
  const [kind, number, microseconds, ranBy, exe = '', buildId = '', label = '', output = ''] = line.split('\t');
  const interpreter = Buffer.from(exe, 'hex').toString();
  return {
    kind: kind as Outcome['kind'],
    number: Number(number),
    microseconds: Number(microseconds),
    ranBy: ranBy === 'interpreter' ? { interpreter } : ranBy === 'processor' ? 'processor' : 'unknown',
    buildId: buildId || undefined,
    label,
    output: Buffer.from(output, 'hex').toString(),
  };
}

function parseInterpreter(line: string): InterpreterFile | undefined {
  const [kind, size, , ranBy, exe = '', , , beginning = ''] = line.split('\t');
  if (kind !== 'inspected' || ranBy !== 'interpreter') return undefined;
  const path = Buffer.from(exe, 'hex').toString();
  return { path, size: Number(size), beginning: Buffer.from(beginning, 'hex') };
}

function nameIn(table: Readonly<Record<string, number>>, number: number, what: string): string {
  return Object.keys(table).find((name) => table[name] === number) ?? `${what} ${number}`;
}

/** The names of errnos and signals on this machine. */
export const osNames: OsNames = {
  errno: (number) => nameIn(constants.errno, number, 'errno'),
  signal: (number) => nameIn(constants.signals, number, 'signal'),
};

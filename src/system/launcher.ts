/**
 * The native launcher (src/native/launcher.c), one process for as long as this program runs: requests
 * are lines on its standard input, answers are lines on its standard output.
 */
import fs from 'node:fs';
import { constants } from 'node:os';
import type { Names, Outcome } from '../core/probe.js';

/** A program to be run: in the empty root directory `root`, if one is given. */
export interface Run {
  readonly file: string;
  readonly root?: string;
  /** The whole environment, at most a dozen `NAME=VALUE`. */
  readonly environment?: readonly string[];
}

export interface Executable {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** What the kernel started: an interpreter's file, or the program itself. */
export interface ExecutedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** The first 4096 bytes. */
  readonly beginning: Uint8Array;
}

/** Methods reject only when the launcher itself is not there any more. */
export interface Launcher {
  /**
   * Mounts, in the mount namespace of the process `pid` if one is given; resolves to an errno's name
   * (`EPERM`) if that failed.
   */
  mount(type: string, dir: string, pid?: number): Promise<string | undefined>;
  umount(dir: string): Promise<string | undefined>;
  /** Mounts a directory, with all that is mounted below it, at another one. */
  bind(from: string, dir: string): Promise<string | undefined>;
  /** New namespaces for the launcher and for all that it runs from now on; this program stays where it is. */
  unshare(namespaces: 'user' | 'user,mount'): Promise<string | undefined>;
  /** Writes to a file that is there, in one write(2). */
  put(file: string, text: string): Promise<string | undefined>;
  /**
   * As soon as this program has ended, the launcher becomes the command: with the standard streams, environment,
   * directory and terminal of the caller. `root`: its root directory.
   */
  become(command: readonly string[], root?: string): Promise<void>;
  /** Holds an executable in memory until the launcher ends; resolves to its path for `run`. */
  holdInMemory(program: Uint8Array): Promise<string>;
  /**
   * Makes executables, then runs programs, all at the same time, none for longer than `limit` milliseconds;
   * resolves to their outcomes in the same order, or to undefined if an executable could not be made.
   */
  run(runs: readonly Run[], limit: number, files?: readonly Executable[]): Promise<Outcome[] | undefined>;
  /**
   * Starts programs in the same way, and ends each before its first instruction; resolves to the file that the
   * kernel started for each, undefined where it started none, or where that cannot be seen.
   */
  look(runs: readonly Run[], limit: number, files?: readonly Executable[]): Promise<(ExecutedFile | undefined)[]>;
  /** Ends it, and what it runs. */
  close(): void;
}

/** Connects to the launcher that src/native/entry.c started, over the pipes `READ,WRITE` (file descriptors). */
export function connectLauncher(ends: string): Launcher {
  const [from = -1, to = -1] = ends.split(',').map(Number);
  const ask = conversation(from, to);
  const errnoOf = async (request: string[]) => {
    const [answer = ''] = await ask([request], 1);
    const [kind, number] = answer.split('\t');
    return kind === 'errno' ? names.errno(Number(number)) : undefined;
  };
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  /** Answer lines in the order of `runs`. */
  const go = async (how: string, runs: readonly Run[], limit: number, files: readonly Executable[]) => {
    if (runs.length === 0) return [];
    const writes = files.map(({ file, bytes }) => ['write', file, hex(bytes)]);
    const requests = runs.map(({ root = '-', file, environment = [] }) => [how, root, file, ...environment]);
    const answers = await ask([...writes, ...requests, ['go', String(limit)]], files.length + runs.length);
    // What could not be written says nothing when it is run.
    if (answers.slice(0, files.length).some((answer) => answer !== 'ok')) return undefined;
    return answers.slice(files.length);
  };
  return {
    mount: (type, dir, pid) => errnoOf(['mount', type, dir, ...(pid === undefined ? [] : [String(pid)])]),
    umount: (dir) => errnoOf(['umount', dir]),
    bind: (from, dir) => errnoOf(['bind', from, dir]),
    unshare: (namespaces) => errnoOf(['unshare', namespaces]),
    put: (file, text) => errnoOf(['put', file, hex(Buffer.from(text))]),
    async become(command, root = '-') {
      const words = Buffer.from(command.map((word) => `${word}\0`).join(''));
      const [answer] = await ask([['become', root, hex(words)]], 1);
      if (answer !== 'ok') throw new Error('the launcher has no streams to give to a command');
    },
    async holdInMemory(program) {
      const [answer = ''] = await ask([['write', '-', hex(program)]], 1);
      const [kind, number] = answer.split('\t');
      if (kind !== 'fd') throw new Error(`memfd_create failed (${names.errno(Number(number))})`);
      return `/proc/self/fd/${number}`;
    },
    async run(runs, limit, files = []) {
      return (await go('run', runs, limit, files))?.map(parseOutcome);
    },
    async look(runs, limit, files = []) {
      return (await go('look', runs, limit, files))?.map(parseExecutedFile) ?? [];
    },
    close: () => fs.closeSync(to),
  };
}

/**
 * Sends requests at once, resolves to the given number of answer lines. Only while an answer is waited
 * for it reads, so that nothing keeps this program alive in between.
 */
function conversation(from: number, to: number) {
  const chunk = Buffer.alloc(1 << 16);
  const lines: string[] = [];
  let rest = '';
  let last: Promise<unknown> = Promise.resolve();
  const read = () =>
    new Promise<string>((resolve, reject) => {
      fs.read(from, chunk, 0, chunk.length, null, (error, size) => {
        if (error || size === 0) reject(error ?? new Error('the launcher ended'));
        else resolve(chunk.toString('latin1', 0, size));
      });
    });
  const receive = async (count: number) => {
    while (lines.length < count) {
      const parts = (rest + (await read())).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
    }
    return lines.splice(0, count);
  };
  return (requests: readonly string[][], count: number): Promise<string[]> => {
    fs.writeSync(to, requests.map(formatRequest).join(''));
    const answers = last.then(() => receive(count));
    last = answers.catch(() => {});
    return answers;
  };
}

function formatRequest(fields: readonly string[]): string {
  const line = fields.join('\t');
  if (line.includes('\n') || line.split('\t').length !== fields.length) {
    throw new Error(`${JSON.stringify(line)} has a tab or a line break where none may be`);
  }
  return `${line}\n`;
}

function parseOutcome(line: string): Outcome {
  const [kind, number, microseconds, exe = '', output = ''] = line.split('\t');
  return {
    kind: kind as Outcome['kind'],
    number: Number(number),
    microseconds: Number(microseconds),
    exe: Buffer.from(exe, 'hex').toString(),
    output: Buffer.from(output, 'hex').toString(),
  };
}

function parseExecutedFile(line: string): ExecutedFile | undefined {
  const [kind, size, , exe = '', beginning = ''] = line.split('\t');
  if (kind !== 'looked') return undefined;
  const path = Buffer.from(exe, 'hex').toString();
  return { path, size: Number(size), beginning: Buffer.from(beginning, 'hex') };
}

function nameIn(table: Readonly<Record<string, number>>, number: number, what: string): string {
  return Object.keys(table).find((name) => table[name] === number) ?? `${what} ${number}`;
}

/** This machine's errnos and signals. */
export const names: Names = {
  errno: (number) => nameIn(constants.errno, number, 'errno'),
  signal: (number) => nameIn(constants.signals, number, 'signal'),
};

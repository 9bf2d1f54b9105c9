/**
 * The native launcher (src/native/launcher.c), one process for as long as this program needs it:
 * requests are lines on its standard input, answers are lines on its standard output.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Names, Outcome } from '../core/probe.js';

/** A program to be run: in the empty root directory `root`, if one is given. */
export interface Run {
  readonly file: string;
  readonly root?: string;
  /** The whole environment, at most a dozen `NAME=VALUE`. */
  readonly environment?: readonly string[];
}

/** Methods reject only when the launcher itself cannot be started or ends too early. */
export interface Launcher {
  /** Resolves to an errno's name (`EPERM`) if the call failed. */
  mount(type: string, dir: string): Promise<string | undefined>;
  umount(dir: string): Promise<string | undefined>;
  /** Makes executables; resolves to the first errno's name if one of the calls failed. */
  write(files: readonly { readonly file: string; readonly bytes: Uint8Array }[]): Promise<string | undefined>;
  /** Holds an executable in memory until the launcher ends; resolves to its path for `run`. */
  holdInMemory(program: Uint8Array): Promise<string>;
  /** Runs all at the same time, none for longer than `limit` milliseconds; outcomes in the same order. */
  run(runs: readonly Run[], limit: number): Promise<Outcome[]>;
  close(): void;
}

export function startLauncher(path: string): Launcher {
  const child = spawn(path, [], { stdio: ['pipe', 'pipe', 'inherit'], env: {} });
  const ask = conversation(child, path);
  const errnoOf = async (...requests: string[][]) => {
    const answers = await ask(requests, requests.length);
    const failed = answers.map((answer) => answer.split('\t')).find(([kind]) => kind !== 'ok');
    return failed && names.errno(Number(failed[1]));
  };
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return {
    mount: (type, dir) => errnoOf(['mount', type, dir]),
    umount: (dir) => errnoOf(['umount', dir]),
    write: (files) => errnoOf(...files.map(({ file, bytes }) => ['write', file, hex(bytes)])),
    async holdInMemory(program) {
      const [answer = ''] = await ask([['write', '-', hex(program)]], 1);
      const [kind, number] = answer.split('\t');
      if (kind !== 'fd') throw new Error(`memfd_create failed (${names.errno(Number(number))})`);
      return `/proc/self/fd/${number}`;
    },
    async run(runs, limit) {
      const requests = runs.map(({ root = '-', file, environment = [] }) => ['run', root, file, ...environment]);
      const answers = await ask([...requests, ['go', String(limit)]], runs.length);
      return answers.map(parseOutcome);
    },
    close() {
      // It ends by itself at the end of its input; nobody has to wait for that.
      child.stdin?.end();
      child.stdout?.destroy();
      child.unref();
    },
  };
}

/** Sends requests, resolves to the given number of answer lines; one conversation at a time, in order. */
function conversation(child: ChildProcess, path: string) {
  const lines: string[] = [];
  let rest = '';
  let broken: Error | undefined;
  let waiting: { count: number; resolve(lines: string[]): void; reject(error: Error): void } | undefined;
  const settle = () => {
    if (waiting === undefined) return;
    if (lines.length >= waiting.count) waiting.resolve(lines.splice(0, waiting.count));
    else if (broken) waiting.reject(broken);
    else return;
    waiting = undefined;
  };
  const fail = (why: string) => {
    broken ??= new Error(`the launcher ${path} ${why}`);
    settle();
  };
  child.stdout?.setEncoding('latin1').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    settle();
  });
  child.on('error', (error: NodeJS.ErrnoException) => fail(`cannot be started (${error.code ?? error.message})`));
  child.on('close', (status, signal) => fail(`ended (${signal ?? `exit status ${status}`})`));
  child.stdin?.on('error', () => {}); // 'close' tells

  return (requests: readonly string[][], count: number): Promise<string[]> => {
    const strange = requests.flat().find((field) => /[\t\n]/.test(field));
    if (strange !== undefined) return Promise.reject(new Error(`${JSON.stringify(strange)} has a tab or a line break`));
    return new Promise((resolve, reject) => {
      waiting = { count, resolve, reject };
      child.stdin?.write(requests.map((fields) => `${fields.join('\t')}\n`).join(''));
      settle();
    });
  };
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

function nameIn(table: Readonly<Record<string, number>>, number: number, what: string): string {
  return Object.keys(table).find((name) => table[name] === number) ?? `${what} ${number}`;
}

/** This machine's errnos and signals. */
export const names: Names = {
  errno: (number) => nameIn(constants.errno, number, 'errno'),
  signal: (number) => nameIn(constants.signals, number, 'signal'),
};

/** Calls of the program, chosen at random, and running one of them while something is wrong. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import type { Architecture } from '../../src/core/platform/architectures.js';
import { EMULATORS, PROGRAM } from '../support/program.js';
import type { Attempt } from './fault.js';
import { candidates } from './world.js';

export interface Call {
  readonly args: readonly string[];
  readonly wanted: readonly Architecture[];
  readonly prints: Attempt['prints'];
}

export const some = fc.subarray([...candidates], { minLength: 1 });
export const names = (list: readonly Architecture[]) => list.map(({ name }) => name).join();

export const install: fc.Arbitrary<Call> = some.map((wanted) => ({
  args: ['--install', names(wanted)],
  wanted,
  prints: 'status',
}));
export const uninstall: fc.Arbitrary<Call> = some.map((list) => ({
  args: ['--uninstall', names(list)],
  wanted: [],
  prints: 'status',
}));
export const watch: fc.Arbitrary<Call> = some.map((list) => ({
  args: ['--install', names(list), '--watch'],
  wanted: [],
  prints: 'status',
}));
export const status = fc.constant<Call>({ args: [], wanted: [], prints: 'status' });
/** Any call that ends by itself. */
export const endingCall: fc.Arbitrary<Call> = fc.oneof(
  { weight: 3, arbitrary: install },
  uninstall,
  status,
  fc.constant<Call>({ args: ['doctor', '--json'], wanted: [], prints: 'report' }),
  some.map((list): Call => ({ args: ['export', 'systemd', names(list)], wanted: [], prints: 'other' })),
  some.map(([first]): Call => ({ args: ['run', first?.name ?? '', '--', 'true'], wanted: [], prints: 'other' })),
);
export const anyCall = fc.oneof({ weight: 6, arbitrary: endingCall }, watch);

export interface Circumstances {
  /** See Attempt. */
  readonly cause: RegExp;
  /** A command that becomes the program: `['prlimit', '--nofile=16']`. */
  readonly within?: readonly string[];
  /** Default: those under test. */
  readonly emulators?: string;
  /** What happens to the process in the meantime. */
  meanwhile?(child: ChildProcess): Promise<void>;
}

/** Milliseconds after which a call should have ended. */
const LONGEST = 30_000;

/** Starts a call in a process group of its own, and waits for its end. Throws if that does not come. */
export async function attempt(
  { args, wanted, prints }: Call,
  { cause, within = [], emulators = EMULATORS, meanwhile }: Circumstances,
): Promise<Attempt> {
  const [command = '', ...rest] = [...within, PROGRAM, ...args];
  const child = spawn(command, rest, {
    detached: true,
    env: { ...process.env, QEMU_BINARY_PATH: emulators },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: string[][] = [[], []];
  child.stdout?.on('data', (data) => out?.push(String(data)));
  child.stderr?.on('data', (data) => err?.push(String(data)));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  await meanwhile?.(child);
  const overdue = setTimeout(LONGEST, 'overdue' as const, { ref: false });
  const exit = await Promise.race([ended, overdue]);
  const call = args.join(' ');
  if (exit === 'overdue') {
    signal(-(child.pid ?? 0), 'SIGKILL');
    throw new Error(`${call}: has not ended after ${LONGEST / 1000} seconds; ${err?.join('')}`);
  }
  return { call, exit, stdout: out?.join('') ?? '', stderr: err?.join('') ?? '', wanted, prints, cause };
}

/** `pid`: a process, or a process group if it is negative. Whether it has ended already does not matter. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended already.
  }
}

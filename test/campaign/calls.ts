/** Calls of the program, chosen at random, and running one of them while something happens to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import fc from 'fast-check';
import type { Architecture } from '../../src/core/architectures.js';
import { EMULATORS, PROGRAM } from '../support/program.js';
import type { Attempt } from './fault.js';
import { candidates } from './world.js';

export interface Call {
  readonly args: readonly string[];
  readonly wanted: readonly Architecture[];
  readonly prints: Attempt['prints'];
}

const some = fc.subarray([...candidates], { minLength: 1 });
const names = (list: readonly Architecture[]) => list.map(({ name }) => name).join();

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
export const anyCall: fc.Arbitrary<Call> = fc.oneof(
  install,
  uninstall,
  fc.constant<Call>({ args: [], wanted: [], prints: 'status' }),
  fc.constant<Call>({ args: ['doctor', '--json'], wanted: [], prints: 'other' }),
  some.map((list): Call => ({ args: ['export', 'systemd', names(list)], wanted: [], prints: 'other' })),
  some.map(([first]): Call => ({ args: ['run', first?.name ?? '', '--', 'true'], wanted: [], prints: 'other' })),
  some.map((list): Call => ({ args: ['--install', names(list), '--watch'], wanted: [], prints: 'status' })),
);

/** Starts a call in a process group of its own; `meanwhile` gets the process. */
export async function during(
  { args, wanted, prints }: Call,
  cause: RegExp,
  meanwhile: (child: ChildProcess) => Promise<void>,
): Promise<Attempt> {
  const child = spawn(PROGRAM, args, {
    detached: true,
    env: { ...process.env, QEMU_BINARY_PATH: EMULATORS },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: string[][] = [[], []];
  child.stdout?.on('data', (data) => out?.push(String(data)));
  child.stderr?.on('data', (data) => err?.push(String(data)));
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  await meanwhile(child);
  const exit = await ended;
  return {
    call: args.join(' '),
    exit,
    stdout: out?.join('') ?? '',
    stderr: err?.join('') ?? '',
    wanted,
    prints,
    cause,
  };
}

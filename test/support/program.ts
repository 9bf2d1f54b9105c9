/** Runs real programs, the built one first of all, and tells how they ended. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Status } from '../../src/core/report/status.js';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const EMULATORS = path.join(ROOT, 'build/qemu/usr/bin');
export const OLDER_EMULATORS = path.join(ROOT, 'build/qemu-older/usr/bin');

export interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Ended {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 1 << 26,
    // With a socket as standard input, bash takes itself for a remote shell and reads its start-up file.
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (error) throw error;
  return { exit: status, stdout, stderr };
}

/** Like `run`, while this process goes on. */
export async function started(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [exit]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { exit, stdout, stderr };
}

/** Like `run`, but a failure of the command fails the test with what it said. */
export function must(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  return outputOf(run(command, args, env), command, args);
}

/** Like `must`, while this process goes on. */
export async function mustStarted(command: string, args: readonly string[]): Promise<string> {
  return outputOf(await started(command, args), command, args);
}

function outputOf({ exit, stdout, stderr }: Ended, command: string, args: readonly string[]): string {
  if (exit !== 0) throw new Error(`${command} ${args.join(' ')}: exit status ${exit}\n${stdout}${stderr}`);
  return stdout;
}

export function shell(script: string, env: NodeJS.ProcessEnv = {}): Ended {
  return run('bash', ['-euc', script], env);
}

/** The built program, on this machine's Node.js. */
export const PROGRAM = path.join(ROOT, 'dist/binfmt');

/** Runs it with the emulators that the image has. */
export function binfmt(args: readonly string[], env: NodeJS.ProcessEnv = {}): Ended {
  return run(PROGRAM, args, { QEMU_BINARY_PATH: EMULATORS, ...env });
}

const versions = new Map<string, string>();

/** The version of QEMU that an emulator in a directory tells: `11.1.3`. All of a directory have the same. */
export function qemuVersion(directory: string): string {
  const known = versions.get(directory);
  if (known !== undefined) return known;
  const output = must(path.join(directory, 'qemu-arm'), ['--version']);
  const version = /^qemu-\S+ version (\d+(?:\.\d+)*)/.exec(output)?.[1];
  if (version === undefined) throw new Error(`no version in ${output}`);
  versions.set(directory, version);
  return version;
}

/** The version of the emulators under test, and of those that stand for an earlier installation. */
export const shippedVersion = () => qemuVersion(EMULATORS);
export const olderVersion = () => qemuVersion(OLDER_EMULATORS);

/** Throws where standard output is not exactly the status that clients parse. */
export function statusIn({ stdout, stderr }: Ended): Status {
  const status = JSON.parse(stdout || `no output; ${stderr}`) as Status;
  const keys = Object.keys(status).join();
  if (keys !== 'supported,emulators') throw new Error(`the status has the keys ${keys}`);
  if (stdout !== `${JSON.stringify(status, null, 2)}\n`) throw new Error(`not the status's format: ${stdout}`);
  return status;
}

/** The same in a PID namespace of its own, as in a container, where the ids of processes are small. */
export function binfmtAlone(args: readonly string[]): Ended {
  const mounts = 'mount -t proc none /proc; mount -t binfmt_misc none /proc/sys/fs/binfmt_misc';
  return run(
    'unshare',
    ['--pid', '--fork', '--mount', 'bash', '-euc', `${mounts}; exec "$@"`, 'bash', PROGRAM, ...args],
    { QEMU_BINARY_PATH: EMULATORS },
  );
}

export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

/** A running `binfmt --install … --watch`, and ways to wait for what it says and does. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { binfmt, EMULATORS, type Ended, PROGRAM, run } from './program.js';
import { scratch } from './scratch.js';

export class Watcher {
  log = '';
  stdout = '';
  readonly socket = path.join(scratch(), 'socket');
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;

  /** `env.PREPARE`: shell commands that run before the watcher, in its mount namespace. */
  constructor(list: string, options: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    const args = ['--install', list, '--watch', '--listen', `unix:${this.socket}`, ...options];
    // With directories of its own for the default socket: watchers of several containers do not share them either.
    const script = 'mount -t tmpfs none /run && mount -t tmpfs none /dev/shm && eval "$PREPARE" && exec "$0" "$@"';
    this.#child = spawn('unshare', ['--mount', 'sh', '-c', script, PROGRAM, ...args], {
      env: { ...process.env, QEMU_BINARY_PATH: EMULATORS, PREPARE: 'true', ...env },
    });
    this.#child.stderr?.on('data', (data) => {
      this.log += data;
    });
    this.#child.stdout?.on('data', (data) => {
      this.stdout += data;
    });
    this.ended = new Promise((resolve) => this.#child.on('close', resolve));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when the log has so many matches; rejects after ten seconds. */
  async said(pattern: RegExp, times = 1): Promise<void> {
    await until(
      () => [...this.log.matchAll(new RegExp(pattern, 'g'))].length >= times,
      () => `${pattern}, in:\n${this.log}`,
    );
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.kill('SIGTERM');
    return this.ended;
  }

  get(path: string): { status: number; body: string } {
    const { stdout } = run('curl', [
      '-s',
      '--unix-socket',
      this.socket,
      '-w',
      '\n%{http_code}',
      `http://localhost${path}`,
    ]);
    const end = stdout.lastIndexOf('\n');
    return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
  }

  healthcheck(...args: string[]): Ended {
    return binfmt(['healthcheck', '--listen', `unix:${this.socket}`, ...args]);
  }

  /** Runs a command where the watcher runs, as `docker exec` does. */
  exec(...command: readonly string[]): Ended {
    return run('nsenter', ['--mount', '--target', String(this.pid), ...command]);
  }
}

/** Resolves when the condition is true; rejects after ten seconds. */
export async function until(so: () => boolean, what: string | (() => string)): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (so()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
}

/** A running `binfmt --install … --watch`, and ways to wait for what it says and does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { binfmt, EMULATORS, type Ended, must, PROGRAM, run } from './program.js';
import { scratch } from './scratch.js';

export class Watcher {
  log = '';
  stdout = '';
  readonly socket = path.join(scratch(), 'socket');
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;

  /**
   * `env.PREPARE`: shell commands that run before the watcher, in its mount namespace. `within`: a program that becomes
   * the watcher, in other namespaces for example: `['unshare', '--mount']`.
   */
  constructor(
    list: string,
    options: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
    within: readonly string[] = [],
  ) {
    const args = ['--install', list, '--watch', '--listen', `unix:${this.socket}`, ...options];
    // With directories of its own for the default socket: watchers in different containers do not share them either.
    const script = 'mount -t tmpfs none /run && mount -t tmpfs none /dev/shm && eval "$PREPARE" && exec "$@"';
    this.#child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', ...within, PROGRAM, ...args], {
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

  /** The process of Node.js, a child of the one that was started. Test programs are its other children. */
  get nodePid(): number {
    return Number(must('pgrep', ['--parent', String(this.pid), '--full', 'binfmt\\.cjs']));
  }

  /** Resolves when the condition is true; rejects after a minute, or when the watcher has ended and it is not. */
  #until(so: Condition, what: string): Promise<void> {
    const soOrEnded = async () => {
      // Looked at first: what was said before the end counts.
      const ended = this.#child.stderr?.readableEnded;
      if (await so()) return true;
      if (ended) throw new Error(`the watcher ended before ${what}, in:\n${this.log}`);
      return false;
    };
    return until(soOrEnded, () => `${what}, in:\n${this.log}`);
  }

  /** Resolves when the log has so many matches. */
  async said(pattern: RegExp, times = 1): Promise<void> {
    await this.#until(() => [...this.log.matchAll(new RegExp(pattern, 'g'))].length >= times, `${pattern}`);
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Resolves to its exit status; null if it has to be killed, because it does not end by itself. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.kill('SIGTERM');
    const overdue = setTimeout(60_000, undefined, { ref: false }).then(() => this.#child.kill('SIGKILL'));
    await Promise.race([this.ended, overdue]);
    return this.ended;
  }

  /** One request over HTTP. Status 0: nothing answers. */
  async get(path: string, method = 'GET'): Promise<Answer> {
    const request = http.request({ socketPath: this.socket, path, method, agent: false });
    request.end();
    try {
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      return { status: response.statusCode ?? 0, body: await text(response), type: response.headers['content-type'] };
    } catch {
      return { status: 0, body: '' };
    }
  }

  /** Resolves when its server answers. */
  async answers(): Promise<void> {
    await this.#until(async () => (await this.get('/healthz')).status === 200, 'an answer');
  }

  /** Resolves when another probe has ended after `doing`, which is what it leads to if the watcher was at rest. */
  async probesAfter(doing: () => void): Promise<void> {
    await this.answers();
    const probed = async () =>
      /^binfmt_last_probe_timestamp_seconds (\S+)/m.exec((await this.get('/metrics')).body)?.[1];
    const before = await probed();
    doing();
    await this.#until(async () => (await probed()) !== before, 'another probe');
  }

  /** Resolves when it has begun and ended a check of everything since this was called. */
  async checked(): Promise<void> {
    // The first time it may be a check that had begun before.
    for (let i = 0; i < 2; i++) await this.probesAfter(() => this.kill('SIGHUP'));
  }

  healthcheck(...args: string[]): Ended {
    return binfmt(['healthcheck', '--listen', `unix:${this.socket}`, ...args]);
  }

  /** Runs a command where the watcher runs, as `docker exec` does. */
  exec(...command: readonly string[]): Ended {
    return run('nsenter', ['--mount', '--target', String(this.pid), ...command]);
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string | undefined;
}

type Condition = () => boolean | Promise<boolean>;

/** Resolves when the condition is true; rejects after a minute. */
export function until(so: Condition, what: string | (() => string)): Promise<void> {
  return untilWithin(60, so, what);
}

/** For what a cluster does: its parts look at each other every few seconds. */
export const PATIENCE = 240;

/** The same, with a limit in seconds. */
export async function untilWithin(seconds: number, so: Condition, what: string | (() => string)): Promise<void> {
  const deadline = Date.now() + 1000 * seconds;
  // The condition may take its time, and is tried a few times in any case.
  for (let i = 0; i < 40 || Date.now() < deadline; i++) {
    if (await so()) return;
    // Less and less often: looking costs the processor time that is waited for.
    await setTimeout(Math.min(25 + 5 * i, 200));
  }
  throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
}

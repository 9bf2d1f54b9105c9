/**
 * The user and mount namespaces of a user's rootless engine, with a binfmt_misc of their own. The launcher goes there; this
 * program stays outside, and sees what is mounted there through the launcher's directory in /proc.
 */
import fs from 'node:fs';
import type { Advice } from '../../core/advice.js';
import { BINFMT_DIRECTORY } from '../../core/messages/mount-checks.js';
import { engineEnded, enteringRefused, noEngine, podmanFailed } from '../../core/messages/rootless-problems.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { parseUserId } from '../../core/procfs.js';
import { type Engine, engines, findKeeper, type UserProcess } from '../../core/rootless-engine.js';
import type { BinfmtMount } from '../../core/snapshot.js';
import { inspect } from '../binfmt/mount.js';
import { errnoOf, readLink, readText } from '../host/files.js';
import type { Launcher } from '../probing/launcher.js';
import { enterNamespace, mountPrivately } from './namespace.js';

/** podman makes its namespaces for any command, so they are made if they are not there. A Docker Engine has to run. */
export async function openInEngine(asked: Engine | 'any', launcher: Launcher): Promise<BinfmtMount> {
  const find = () => findKeeper(asked, processesOfUser(), readLink('/proc/self/ns/user') ?? '');
  let keeper = find();
  if (keeper === undefined && asked !== 'docker') {
    const podman = await startPodman();
    if (podman.kind === 'failed') return unavailable(await whyPodmanFailed(podman.output, launcher));
    keeper = find();
  }
  if (keeper === undefined) return unavailable(problemOf(noEngine, 'machine', { asked }, adviceFor(asked)));
  // Once it is there, it cannot enter again.
  if (readLink(`/proc/${process.ppid}/ns/user`) !== keeper.userNamespace) {
    const errno = await launcher.enter(keeper.pid);
    if (errno !== undefined) {
      return unavailable(problemOf(enteringRefused, 'machine', { engine: keeper.engine, pid: keeper.pid, errno }));
    }
  }
  const dir = `/proc/${process.ppid}/root${BINFMT_DIRECTORY}`;
  const mounted = inspect(dir);
  if (mounted?.kind === 'writable') return { ...mounted, keeper: keeper.pid };
  // What is mounted there otherwise is the host's, and is hidden by the new one.
  const mount = await mountPrivately(launcher);
  return mount.kind === 'refused' ? unavailable(mount.problem) : { ...mount, keeper: keeper.pid };
}

/** In milliseconds. */
const LOOK_AGAIN = 1000;

/**
 * Resolves when the process has ended that keeps the namespaces: the engine makes new ones then, which the launcher, in the old
 * ones, may not enter. Never resolves for a mount in this program's own namespaces.
 */
export function engineEnds(binfmt: BinfmtMount): Promise<Problem> {
  const keeper = binfmt.kind === 'writable' ? binfmt.keeper : undefined;
  const namespace = keeper === undefined ? undefined : readLink(`/proc/${keeper}/ns/user`);
  return new Promise((resolve) => {
    if (namespace === undefined) return;
    const timer = setInterval(() => {
      // The command line of a process that has ended is empty, until its parent takes note.
      const there = readText(`/proc/${keeper}/cmdline`) !== '';
      if (there && readLink(`/proc/${keeper}/ns/user`) === namespace) return;
      clearInterval(timer);
      resolve(problemOf(engineEnded, 'machine', {}));
    }, LOOK_AGAIN);
  });
}

const unavailable = (problem: Problem): BinfmtMount => ({ kind: 'unavailable', problem });

/** An engine, or a command without one. */
function adviceFor(asked: Engine | 'any'): Advice[] {
  const asking = engines.filter((engine) => asked === 'any' || asked === engine);
  return [...asking.map((engine): Advice => ({ do: 'start-rootless-engine', engine })), oneCommand];
}

const oneCommand: Advice = { do: 'run', platforms: ['all'], command: ['COMMAND'], because: 'no-engine' };

/** Processes of the user that runs this program, whose namespaces can be seen. Root would see those of others too. */
function processesOfUser(): UserProcess[] {
  return fs.readdirSync('/proc').flatMap((name): UserProcess[] => {
    const userNamespace = /^\d+$/.test(name) ? readLink(`/proc/${name}/ns/user`) : undefined;
    if (userNamespace === undefined) return [];
    if (parseUserId(readText(`/proc/${name}/status`)) !== process.getuid?.()) return [];
    const words = readText(`/proc/${name}/cmdline`).split('\0').slice(0, -1);
    return [{ pid: Number(name), name: readText(`/proc/${name}/comm`).trim(), words, userNamespace }];
  });
}

type Podman = { readonly kind: 'started' | 'missing' } | { readonly kind: 'failed'; readonly output: string };

async function startPodman(): Promise<Podman> {
  const { spawnSync } = await import('node:child_process');
  const { error, status, stderr } = spawnSync('podman', ['unshare', 'true'], { encoding: 'utf8' });
  if (error && errnoOf(error) === 'ENOENT') return { kind: 'missing' };
  return status === 0 ? { kind: 'started' } : { kind: 'failed', output: stderr.trim() };
}

/** If the machine forbids what podman needs, this program may not do it either. Otherwise it is podman itself. */
async function whyPodmanFailed(output: string, launcher: Launcher): Promise<Problem> {
  const entered = await enterNamespace(launcher, { root: false });
  if (entered.kind === 'refused') return entered.problem;
  const last = output.split('\n').at(-1) ?? '';
  return problemOf(podmanFailed, 'machine', { output: last }, [oneCommand]);
}

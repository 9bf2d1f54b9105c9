/**
 * The user and mount namespaces of a user's rootless engine, with a binfmt_misc of their own. The launcher goes there; this
 * program stays outside, and sees what is mounted there through the launcher's directory in /proc.
 */
import fs from 'node:fs';
import type { Advice } from '../../core/advice.js';
import { BINFMT_DIRECTORY, parseUserId } from '../../core/binfmt/procfs.js';
import type { BinfmtMount } from '../../core/binfmt/snapshot.js';
import {
  chooseEngine,
  type Engine,
  engines,
  findKeepers,
  type Keeper,
  type Namespaces,
  podmanKeeper,
  type UserProcess,
} from '../../core/namespaces/rootless-engine.js';
import {
  engineEnded,
  engineWithoutEntries,
  enteringRefused,
  noEngine,
  notForRoot,
  podmanFailed,
} from '../../core/namespaces/rootless-problems.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { inspect } from '../binfmt/mount.js';
import { errnoOf, readLink, readText } from '../host/files.js';
import { inInitialUserNamespace } from '../host/namespaces.js';
import type { Launcher } from '../probing/launcher.js';
import { enterNamespace, mountPrivately } from './namespace.js';

/**
 * `toChange`: entries will be registered. Only then a binfmt_misc is mounted, because from then on the containers of the engine
 * use its entries instead of the host's, as long as its namespaces last.
 */
export async function openInEngine(
  asked: Engine | 'any',
  { toChange }: { readonly toChange: boolean },
  launcher: Launcher,
): Promise<BinfmtMount> {
  const entered = await enterEngine(asked, launcher);
  if (entered.kind === 'refused') return { kind: 'unavailable', problem: entered.problem };
  const { keeper } = entered;
  const dir = `/proc/${process.ppid}/root${BINFMT_DIRECTORY}`;
  const mounted = inspect(dir);
  if (mounted?.kind === 'writable') return { ...mounted, keeper: keeper.pid };
  if (!toChange) {
    const problem = problemOf(engineWithoutEntries, 'machine', { engine: keeper.engine });
    // What can be read there is the host's.
    return mounted === undefined ? { kind: 'unavailable', problem } : { kind: 'readable', dir, problem };
  }
  const mount = await mountPrivately(launcher);
  return mount.kind === 'refused' ? { kind: 'unavailable', problem: mount.problem } : { ...mount, keeper: keeper.pid };
}

/** In milliseconds. */
const LOOK_AGAIN = 1000;

/**
 * Resolves when the process has ended that keeps the namespaces: the engine makes new ones then, which the launcher, in the old
 * ones, may not enter. Never resolves for a mount in binfmt's own namespaces.
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

type Refused = { readonly kind: 'refused'; readonly problem: Problem };
const refused = (problem: Problem): Refused => ({ kind: 'refused', problem });

async function enterEngine(
  asked: Engine | 'any',
  launcher: Launcher,
): Promise<{ readonly kind: 'entered'; readonly keeper: Keeper } | Refused> {
  if (process.getuid?.() === 0) {
    return refused(problemOf(notForRoot, 'machine', { userNamespace: !inInitialUserNamespace() }));
  }
  const running = findKeepers(processesOfUser(), readLink('/proc/self/ns/user') ?? '');
  const engine = chooseEngine(asked, running);
  const found = engine === 'docker' ? running.filter((each) => each.engine === engine) : await askPodman(launcher);
  if ('problem' in found) return found;
  let why: Problem | undefined;
  for (const keeper of found) {
    // Once it is there, it cannot enter again.
    const inside = readLink(`/proc/${process.ppid}/ns/user`) === keeper.namespaces.user;
    const errno = inside ? undefined : await launcher.enter(keeper.pid);
    if (errno === undefined) return { kind: 'entered', keeper };
    why ??= problemOf(enteringRefused, 'machine', { engine, pid: keeper.pid, errno }, [oneCommand]);
  }
  if (why) return refused(why);
  // Where it is forbidden, nothing else can be advised.
  const entered = await enterNamespace(launcher, { root: false });
  if (entered.kind === 'refused') return entered;
  const advice = engines
    .filter((each) => each === asked || (asked === 'any' && each === 'docker'))
    .map(
      (each): Advice =>
        each === 'docker' ? { do: 'start-rootless-docker' } : { do: 'install-package', package: each },
    );
  return refused(problemOf(noEngine, 'machine', { asked }, [...advice, oneCommand]));
}

const oneCommand: Advice = { do: 'run', platforms: ['all'], command: ['COMMAND'], because: 'no-engine' };

/** Processes of the user that runs binfmt, whose namespaces can be seen. Root would see those of others too. */
function processesOfUser(): UserProcess[] {
  return fs.readdirSync('/proc').flatMap((name): UserProcess[] => {
    const user = /^\d+$/.test(name) ? readLink(`/proc/${name}/ns/user`) : undefined;
    const mount = user && readLink(`/proc/${name}/ns/mnt`);
    if (user === undefined || mount === undefined) return [];
    if (parseUserId(readText(`/proc/${name}/status`)) !== process.getuid?.()) return [];
    const words = readText(`/proc/${name}/cmdline`).split('\0').slice(0, -1);
    return [{ pid: Number(name), name: readText(`/proc/${name}/comm`).trim(), words, namespaces: { user, mount } }];
  });
}

/** Where podman's containers are. It makes its namespaces if they are not there yet. Empty if there is no podman. */
async function askPodman(launcher: Launcher): Promise<Keeper[] | Refused> {
  const { spawnSync } = await import('node:child_process');
  const links = ['/proc/self/ns/user', '/proc/self/ns/mnt'];
  const { error, status, signal, stdout, stderr } = spawnSync('podman', ['unshare', 'readlink', ...links], {
    encoding: 'utf8',
  });
  if (error && errnoOf(error) === 'ENOENT') return [];
  if (status === 0) {
    const [user = '', mount = ''] = stdout.trim().split('\n');
    const keeper = podmanKeeper({ user, mount } satisfies Namespaces, processesOfUser());
    return keeper
      ? [keeper]
      : refused(problemOf(podmanFailed, 'machine', { output: '', end: 'kept nothing' }, [oneCommand]));
  }
  // If the machine forbids what podman needs, binfmt may not do it either. Otherwise it is podman itself.
  const entered = await enterNamespace(launcher, { root: false });
  if (entered.kind === 'refused') return entered;
  const lines = (stderr ?? '').trim().split('\n');
  const output = error?.message ?? lines.find((line) => /^Error: /.test(line)) ?? lines.at(-1) ?? '';
  const end = signal ?? `exit status ${status}`;
  return refused(problemOf(podmanFailed, 'machine', { output, end }, [oneCommand]));
}

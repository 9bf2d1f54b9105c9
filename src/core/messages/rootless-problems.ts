/** Why a user's rootless engine cannot have emulators of its own (`binfmt --rootless`). */
import { defineProblem, type ProblemDefinition } from '../problem.js';
import type { Engine } from '../rootless-engine.js';
import { printable } from '../text.js';

const names: Readonly<Record<Engine | 'any', string>> = {
  podman: 'rootless podman',
  docker: 'rootless Docker Engine',
  any: 'rootless podman and no rootless Docker Engine',
};

export const noEngine: ProblemDefinition<{ asked: Engine | 'any' }> = {
  id: 'no-rootless-engine',
  summary: 'no rootless engine of this user runs',
  exitStatus: 3,
  title: () => 'there is no rootless engine',
  cause: ({ asked }) => `this user has no ${names[asked]} running`,
};

export const podmanFailed: ProblemDefinition<{ output: string }> = {
  id: 'podman-failed',
  summary: 'podman cannot make its namespaces',
  exitStatus: 3,
  title: () => 'podman cannot make its namespaces',
  cause: ({ output }) => `podman cannot make its namespaces: podman unshare true says "${printable(output)}"`,
};

export const enteringRefused: ProblemDefinition<{ engine: Engine; pid: number; errno: string }> = {
  id: 'entering-refused',
  summary: 'the namespaces of a rootless engine cannot be entered',
  exitStatus: 3,
  title: ({ engine }) => `the namespaces of rootless ${engine} cannot be entered`,
  cause: ({ engine, pid, errno }) =>
    `the namespaces of rootless ${engine} (process ${pid}) cannot be entered (${errno})`,
};

export const engineEnded = defineProblem({
  id: 'rootless-engine-ended',
  summary: 'the rootless engine has ended, and its entries with it',
  exitStatus: 3,
  title: () => 'the rootless engine has ended',
  cause: () => 'the rootless engine has ended, and its entries with it; start this watcher again when the engine runs',
});

export const rootlessProblems = [noEngine, podmanFailed, enteringRefused, engineEnded];

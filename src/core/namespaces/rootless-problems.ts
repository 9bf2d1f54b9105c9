/** Why a user's rootless engine cannot have emulators of its own (`binfmt --rootless`). */
import type { ProblemDefinition } from '../problem.js';
import { printable } from '../text.js';
import type { Engine } from './rootless-engine.js';

export const noEngine: ProblemDefinition<{ asked: Engine | 'any' }> = {
  id: 'no-rootless-engine',
  exitStatus: 3,
  title: () => 'there is no rootless engine',
  // podman would have been started.
  cause: ({ asked }) =>
    asked === 'docker'
      ? 'this user has no rootless Docker Engine running'
      : `${noPodman}${asked === 'any' ? noDocker : ''}`,
};
const noPodman = 'there is no podman in the PATH';
const noDocker = ', and this user runs no rootless Docker Engine';

export const notForRoot: ProblemDefinition<{ userNamespace: boolean }> = {
  id: 'not-for-root',
  exitStatus: 2,
  title: () => '--rootless is for users without root',
  cause: ({ userNamespace }) =>
    userNamespace
      ? 'this is a user namespace already: use --allow-userns instead of --rootless'
      : 'you are root: leave out --rootless, or call binfmt as the user whose engine it is',
};

export const podmanFailed: ProblemDefinition<{ output: string; end: string }> = {
  id: 'podman-failed',
  exitStatus: 3,
  title: () => 'podman cannot make its namespaces',
  cause({ output, end }) {
    if (end === 'kept nothing')
      return 'podman answers, but no process of podman keeps its namespaces for binfmt to enter';
    return `podman cannot make its namespaces (${end})${output && `: it says "${printable(output)}"`}`;
  },
};

/** Not a fault: it is a reason why nothing can be changed there. */
export const engineWithoutEntries: ProblemDefinition<{ engine: Engine }> = {
  id: 'engine-without-entries',
  exitStatus: 3,
  title: ({ engine }) => `rootless ${engine} has no entries of its own`,
  cause: ({ engine }) => `rootless ${engine} has no entries of its own yet; its containers use the host's`,
};

export const enteringRefused: ProblemDefinition<{ engine: Engine; pid: number; errno: string }> = {
  id: 'entering-refused',
  exitStatus: 3,
  title: ({ engine }) => `the namespaces of rootless ${engine} cannot be entered`,
  cause: ({ engine, pid, errno }) =>
    `the namespaces of rootless ${engine} (process ${pid}) cannot be entered (${errno})`,
};

export const engineEnded: ProblemDefinition = {
  id: 'rootless-engine-ended',
  exitStatus: 3,
  title: () => 'the rootless engine has ended',
  cause: () => 'the rootless engine has ended, and its entries with it; start this watcher again when the engine runs',
};

/** Why a command cannot have a user namespace with a binfmt_misc of its own (`binfmt run`, `binfmt --rootless`). */
import type { Advice } from '../advice.js';
import { type Problem, type ProblemDefinition, problemOf } from '../problem.js';
import { compareVersions } from '../version.js';

/** Linux has a binfmt_misc for each user namespace since this version. */
const FIRST_KERNEL_WITH_PRIVATE_BINFMT = '6.7';

export type NamespaceStep = 'unshare' | 'mount' | 'uid_map' | 'gid_map';

/** What forbids user namespaces on this machine, as far as it says. */
export interface NamespaceRules {
  /** As `uname -r` prints it. */
  readonly kernel: string;
  /** The values of settings that may forbid them: user.max_user_namespaces and so on; undefined if there is no such one. */
  readonly settings: Readonly<Record<string, number | undefined>>;
}

interface Setting {
  readonly name: string;
  readonly forbids: number;
  readonly allow: number;
  readonly owner: string;
}

/** Settings that forbid user namespaces, as the kernel, Debian and Ubuntu have them. */
const settings: readonly Setting[] = [
  { name: 'user.max_user_namespaces', forbids: 0, allow: 10_000, owner: 'this machine' },
  { name: 'kernel.unprivileged_userns_clone', forbids: 0, allow: 1, owner: 'this machine' },
  { name: 'kernel.apparmor_restrict_unprivileged_userns', forbids: 1, allow: 0, owner: 'AppArmor' },
];

export const namespaceSettings = settings.map(({ name }) => name);

type NamespaceFacts = { step: NamespaceStep; errno: string; kernel: string; setting?: string; value?: number };

export const noNamespace: ProblemDefinition<NamespaceFacts> = {
  id: 'no-namespace',
  exitStatus: 3,
  title: () => 'there is no private binfmt_misc here',
  cause({ step, errno, kernel, setting, value }) {
    if (setting !== undefined) {
      const owner = settings.find(({ name }) => name === setting)?.owner ?? 'this machine';
      return `${owner} forbids user namespaces: ${setting} is ${value} (${errno})`;
    }
    if (step === 'mount' && compareVersions(kernel, FIRST_KERNEL_WITH_PRIVATE_BINFMT) < 0) {
      return `Linux ${kernel} has one binfmt_misc for the whole machine; a private one needs Linux ${FIRST_KERNEL_WITH_PRIVATE_BINFMT} or later`;
    }
    return `this machine does not allow a user namespace with a binfmt_misc of its own: ${step} failed (${errno})`;
  },
};

/** Why there is none, and what would allow it. */
export function namespaceProblem(
  step: NamespaceStep,
  errno: string,
  { kernel, settings: values }: NamespaceRules,
): Problem {
  const oldKernel = step === 'mount' && compareVersions(kernel, FIRST_KERNEL_WITH_PRIVATE_BINFMT) < 0;
  const forbidding = oldKernel ? undefined : settings.find(({ name, forbids }) => values[name] === forbids);
  const wholeMachine: Advice = { do: 'install', platforms: ['all'], because: 'whole-machine' };
  const facts = { step, errno, kernel, setting: forbidding?.name, value: forbidding?.forbids };
  if (forbidding === undefined) return problemOf(noNamespace, 'machine', facts, [wholeMachine]);
  const allow: Advice = { do: 'set-sysctl', setting: forbidding.name, value: forbidding.allow };
  return problemOf(noNamespace, 'machine', facts, [allow, wholeMachine]);
}

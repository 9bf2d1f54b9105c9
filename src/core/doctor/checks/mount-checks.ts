/**
 * Problems with binfmt_misc itself: it is missing, may not be used, is switched off, or does not last. An installation
 * fails with the same problems. The order of the list is the order in which they are reported.
 */
import { BINFMT_DIRECTORY } from '../../binfmt/procfs.js';
import type { Facts } from '../../problem.js';
import { shortened } from '../../text.js';
import { type Found, machineCheck } from '../check.js';
import { type DoctorInput, isTroubled } from '../input.js';
import { FORMAT_ERROR } from './not-running.js';

/** The problem with binfmt_misc itself, if it is of this kind. */
function mountProblem<F extends Facts>(id: string, input: DoctorInput): Found<F> | undefined {
  const { binfmt } = input;
  if (binfmt.kind === 'writable' || binfmt.problem.definition.id !== id) return undefined;
  // What can be read, and works, needs no more than that.
  const troubled = isTroubled(input);
  if (binfmt.kind === 'readable' && !troubled) return undefined;
  const { facts, advice } = binfmt.problem;
  return { facts: facts as F, advice, severity: troubled ? 'problem' : 'note' };
}

const mountErrors: Readonly<Record<string, string>> = {
  ENODEV: 'the kernel has no binfmt_misc, or its module is not loaded (ENODEV, no such device)',
  ENOENT: 'no such directory (ENOENT)',
  ENOTDIR: 'not a directory (ENOTDIR)',
};

type Refusal = { readonly path: string; readonly errno: string };
const mountCause = ({ path, errno }: Refusal) => `${cannotMount(path)}: ${mountErrors[errno] ?? errno}`;
const refusalLine = ({ path, errno }: Refusal) => `${shortened(path)}: ${errno}`;

const cannotMount = (dir: string) => `cannot mount binfmt_misc filesystem at ${shortened(dir)}`;

export const kernelModule = machineCheck<{ path: string; errno: string }>({
  id: 'kernel-module',
  summary: 'the kernel has no binfmt_misc, or its module is not loaded',
  exitStatus: 3,
  find: (input) => mountProblem('kernel-module', input),
  title: () => 'binfmt_misc is missing',
  symptom: () => `${cannotMount(BINFMT_DIRECTORY)}: no such device`,
  cause: mountCause,
  evidence: (facts) => [refusalLine(facts)],
});

export const mountFailed = machineCheck<{ path: string; errno: string }>({
  id: 'mount-failed',
  summary: 'binfmt_misc cannot be mounted at this directory',
  exitStatus: 3,
  find: (input) => mountProblem('mount-failed', input),
  title: () => 'binfmt_misc cannot be mounted',
  cause: mountCause,
  evidence: (facts) => [refusalLine(facts)],
});

export const userNamespace = machineCheck<{ path: string; errno?: string }>({
  id: 'user-namespace',
  summary: "this is a user namespace, such as a rootless container, and cannot use the host's entries",
  exitStatus: 3,
  find: (input) => mountProblem('user-namespace', input),
  title: () => 'binfmt_misc cannot be used from this user namespace',
  cause: ({ path, errno }) =>
    errno === undefined
      ? "this is a user namespace, as in a rootless container or with userns-remap. A binfmt_misc that is mounted here would serve only this namespace, and hide the host's entries"
      : `this is a user namespace, as in a rootless container or with userns-remap, and is not allowed to write to ${path} (${errno})`,
  evidence: ({ path, errno }) => [`${shortened(path)}: ${errno ?? 'not mounted in this user namespace'}`],
});

const permissionErrors: Readonly<Record<string, string>> = {
  'mount EPERM': 'operation not permitted (EPERM): CAP_SYS_ADMIN is required',
  'mount EACCES': 'permission denied (EACCES): a security module such as AppArmor or SELinux forbids it',
  'write EPERM': 'operation not permitted (EPERM)',
  'write EACCES': 'permission denied (EACCES)',
};

const asUser = (uid: number) => (uid === 0 ? '' : `, and binfmt runs as uid ${uid}`);

export const permission = machineCheck<{
  operation: 'mount' | 'write';
  path: string;
  errno: string;
  uid: number;
}>({
  id: 'permission',
  summary: 'binfmt is not allowed to mount binfmt_misc, or to write to it',
  exitStatus: 3,
  find: (input) => mountProblem('permission', input),
  title: () => 'binfmt is not allowed to use binfmt_misc',
  symptom: () => 'cannot mount binfmt_misc filesystem: operation not permitted',
  cause: ({ operation, path, errno, uid }) =>
    `${operation === 'mount' ? cannotMount(path) : `cannot write to ${path}`}: ${permissionErrors[`${operation} ${errno}`] ?? errno}${asUser(uid)}`,
  evidence: (facts) => [refusalLine(facts)],
});

export const readOnly = machineCheck<{ operation: 'mount' | 'write'; path: string; errno: string }>({
  id: 'read-only',
  summary: 'binfmt_misc is read-only here',
  exitStatus: 3,
  find: (input) => mountProblem('read-only', input),
  title: () => 'binfmt_misc is read-only here',
  symptom: () => 'read-only file system',
  cause: ({ operation, path, errno }) =>
    `${operation === 'mount' ? cannotMount(path) : `cannot write to ${path}`}: read-only file system (${errno})`,
  evidence: (facts) => [refusalLine(facts)],
});

export const switchedOff = machineCheck<{ directory: string }>({
  id: 'switched-off',
  summary: 'binfmt_misc is switched off',
  exitStatus: 3,
  find({ host, binfmt }) {
    if (!host.switchedOff || binfmt.kind === 'unavailable') return undefined;
    return { facts: { directory: binfmt.dir }, advice: [{ do: 'enable-binfmt' }] };
  },
  title: () => 'binfmt_misc is switched off',
  symptom: () => FORMAT_ERROR,
  cause: ({ directory }) =>
    `binfmt_misc is switched off: ${directory}/status says "disabled", and the kernel ignores every entry`,
  evidence: ({ directory }) => [`${directory}/status says "disabled"`],
});

export const automount = machineCheck({
  id: 'automount',
  summary: 'the host mounts binfmt_misc on first use, and it has not been used yet',
  find({ host }) {
    if (host.hostMounts?.[0] !== 'autofs') return undefined;
    return { facts: {}, advice: [{ do: 'trigger-automount' }] };
  },
  title: () => 'the host has not mounted binfmt_misc yet',
  symptom: () => FORMAT_ERROR,
  cause: () =>
    `on the host, the automount point ${BINFMT_DIRECTORY} (systemd's proc-sys-fs-binfmt_misc.automount) has not been used yet. Until it is, entries are gone when the container that registers them ends`,
  evidence: () => [`${BINFMT_DIRECTORY} on the host: autofs, without binfmt_misc on it`],
});

export const deadAutomount = machineCheck<{ path: string; errno: string }>({
  id: 'dead-automount',
  summary: 'binfmt_misc cannot be reached at the usual place, because its automount point does not answer',
  exitStatus: 3,
  find(input) {
    const { binfmt } = input;
    if (binfmt.kind !== 'writable') return mountProblem('dead-automount', input);
    if (binfmt.insteadOf?.definition.id !== 'dead-automount') return undefined;
    const { facts, advice } = binfmt.insteadOf;
    return { facts: facts as { path: string; errno: string }, advice, severity: 'warning' };
  },
  title: () => 'the automount point of binfmt_misc does not answer',
  symptom: () => `${BINFMT_DIRECTORY}: Too many levels of symbolic links`,
  cause: ({ path, errno }) =>
    `the automount point ${path} is dead: nothing mounts binfmt_misc there any more (${errno})`,
  evidence: (facts) => [refusalLine(facts)],
});

export const vanishing = machineCheck<{ hostMount?: string; tested: boolean }>({
  id: 'vanishing',
  summary: 'entries vanish when the container that registers them ends',
  exitStatus: 3,
  find({ host }) {
    if (!host.wouldVanish) return undefined;
    return {
      facts: { hostMount: host.hostMounts && (host.hostMounts[0] ?? 'nothing'), tested: true },
      advice: [
        { do: 'install', platforms: ['all'], hostNamespaces: true },
        { do: 'mount-on-host' },
        { do: 'watch', platforms: ['all'] },
      ],
    };
  },
  title: () => 'entries vanish when the container that registers them ends',
  symptom: () => 'installing: arm64 OK, and then exec /bin/sh: exec format error',
  cause: () => 'the entries would vanish when this container ends, because the host does not keep binfmt_misc mounted',
  evidence: ({ hostMount, tested }) => [
    ...(tested ? ['a test entry was gone after binfmt_misc had been unmounted and mounted again'] : []),
    ...(hostMount === undefined ? [] : [`mounted at ${BINFMT_DIRECTORY} on the host: ${hostMount}`]),
  ],
});

export const mountChecks = [
  kernelModule,
  mountFailed,
  userNamespace,
  permission,
  readOnly,
  switchedOff,
  automount,
  deadAutomount,
  vanishing,
];

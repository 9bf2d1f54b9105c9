/**
 * Problems of the machine as a whole, whichever platform is asked for. Most of them are also what an installation
 * fails with. The order of the list is the order in which they are reported: the first problem is the likeliest cause.
 */
import { architectures } from '../architectures.js';
import { uninstallAdvice } from '../doctor/advise.js';
import { type Found, machineCheck } from '../doctor/check.js';
import { type DoctorInput, isNamedFor, isTroubled, platformFacts } from '../doctor/input.js';
import { takesProgramsOf } from '../elf.js';
import { matches } from '../entry.js';
import { formatPlatform } from '../platform.js';
import type { Facts } from '../problem.js';
import { listed } from '../text.js';
import { compareVersions } from '../version.js';

/** Where every host has binfmt_misc, unless it is told otherwise. */
export const BINFMT_DIRECTORY = '/proc/sys/fs/binfmt_misc';

const FORMAT_ERROR = 'exec /bin/sh: exec format error';

/** Linux keeps the emulator open (flag F) since this version. */
const FIRST_KERNEL_WITH_FLAG_F = '4.8';

/** The problem with binfmt_misc itself, if it is of this kind. */
function mountProblem<F extends Facts>(id: string, input: DoctorInput): Found<F> | undefined {
  const { binfmt } = input;
  if (binfmt.kind === 'writable' || binfmt.problem.id !== id) return undefined;
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

const cannotMount = (dir: string) => `cannot mount binfmt_misc filesystem at ${dir}`;

export const kernelModule = machineCheck<{ path: string; errno: string }>({
  id: 'kernel-module',
  summary: 'the kernel has no binfmt_misc, or its module is not loaded',
  exitStatus: 3,
  find: (input) => mountProblem('kernel-module', input),
  title: () => 'binfmt_misc is missing',
  symptom: () => `${cannotMount(BINFMT_DIRECTORY)}: no such device`,
  cause: ({ path, errno }) => `${cannotMount(path)}: ${mountErrors[errno] ?? errno}`,
  evidence: ({ path, errno }) => [`${path}: ${errno}`],
});

export const mountFailed = machineCheck<{ path: string; errno: string }>({
  id: 'mount-failed',
  summary: 'binfmt_misc cannot be mounted at this directory',
  exitStatus: 3,
  find: (input) => mountProblem('mount-failed', input),
  title: () => 'binfmt_misc cannot be mounted',
  cause: ({ path, errno }) => `${cannotMount(path)}: ${mountErrors[errno] ?? errno}`,
  evidence: ({ path, errno }) => [`${path}: ${errno}`],
});

export const userNamespace = machineCheck<{ path: string; errno?: string }>({
  id: 'user-namespace',
  summary: "this is a user namespace, such as a rootless container, and cannot use the host's entries",
  exitStatus: 3,
  find: (input) => mountProblem('user-namespace', input),
  title: () => 'binfmt_misc cannot be used from this user namespace',
  cause: ({ path, errno }) =>
    errno === undefined
      ? "this is a user namespace (a rootless container): a binfmt_misc mounted here would be only for this namespace, and would hide the host's entries"
      : `this is a user namespace (a rootless container), which may not write to ${path} (${errno})`,
  evidence: ({ path, errno }) => [`${path}: ${errno ?? 'not mounted in this user namespace'}`],
});

const permissionErrors: Readonly<Record<string, string>> = {
  'mount EPERM': 'operation not permitted (EPERM): CAP_SYS_ADMIN is required',
  'mount EACCES': 'permission denied (EACCES): a security module such as AppArmor or SELinux forbids it',
  'write EPERM': 'operation not permitted (EPERM)',
  'write EACCES': 'permission denied (EACCES)',
};

export const permission = machineCheck<{ operation: 'mount' | 'write'; path: string; errno: string }>({
  id: 'permission',
  summary: 'this program may not mount binfmt_misc, or may not write to it',
  exitStatus: 3,
  find: (input) => mountProblem('permission', input),
  title: () => 'binfmt_misc may not be used from here',
  symptom: () => 'cannot mount binfmt_misc filesystem: operation not permitted',
  cause: ({ operation, path, errno }) =>
    `${operation === 'mount' ? cannotMount(path) : `cannot write to ${path}`}: ${permissionErrors[`${operation} ${errno}`] ?? errno}`,
  evidence: ({ path, errno }) => [`${path}: ${errno}`],
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
  evidence: ({ path, errno }) => [`${path}: ${errno}`],
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
    `binfmt_misc is switched off (${directory}/status says "disabled"): the kernel ignores every entry`,
  evidence: ({ directory }) => [`${directory}/status says "disabled"`],
});

export const automount = machineCheck({
  id: 'automount',
  summary: 'the host mounts binfmt_misc only when somebody looks at it, and nobody has',
  find({ host }) {
    if (host.hostMounts?.[0] !== 'autofs') return undefined;
    return { facts: {}, advice: [{ do: 'trigger-automount' }] };
  },
  title: () => 'the host has not mounted binfmt_misc yet',
  symptom: () => FORMAT_ERROR,
  cause: () =>
    `on the host, ${BINFMT_DIRECTORY} is an automount point that nobody has used yet (systemd's proc-sys-fs-binfmt_misc.automount). What a container registers ends with that container`,
  evidence: () => [`${BINFMT_DIRECTORY} on the host: autofs, without binfmt_misc on it`],
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
        { do: 'mount-on-host' },
        { do: 'install', platforms: ['all'], hostNamespaces: true },
        { do: 'watch', platforms: ['all'] },
      ],
    };
  },
  title: () => 'what a container registers here vanishes with the container',
  symptom: () => 'installing: arm64 OK, and then exec /bin/sh: exec format error',
  cause: () =>
    'the registrations would vanish with this container, because the host does not keep binfmt_misc mounted: the kernel drops all entries when the last mount of binfmt_misc goes away',
  evidence: ({ hostMount, tested }) => [
    ...(tested ? ['a test entry was gone after binfmt_misc had been unmounted and mounted again'] : []),
    ...(hostMount === undefined ? [] : [`mounted at ${BINFMT_DIRECTORY} on the host: ${hostMount}`]),
  ],
});

export const oldKernel = machineCheck<{ kernel: string }>({
  id: 'old-kernel',
  summary: `the kernel is older than Linux ${FIRST_KERNEL_WITH_FLAG_F}, which brought flag F`,
  find({ kernel }) {
    if (compareVersions(kernel, FIRST_KERNEL_WITH_FLAG_F) >= 0) return undefined;
    return { facts: { kernel }, advice: [{ do: 'consider', what: 'install-newer-kernel' }] };
  },
  title: () => 'this kernel cannot run emulators in containers',
  symptom: () => 'cannot register: invalid argument',
  cause: () =>
    `flag F, which keeps the emulator open so that every container can use it, needs Linux ${FIRST_KERNEL_WITH_FLAG_F} or later`,
  evidence: ({ kernel }) => [`kernel ${kernel}`],
});

export const catchesNative = machineCheck<{ entries: readonly { name: string; magic: string; mask: string }[] }>({
  id: 'catches-native',
  summary: "an entry matches the machine's own programs, so that none of them can be started",
  find({ entries, processorPrograms }) {
    const caught = entries.filter(
      (entry) => entry.enabled && processorPrograms.some((program) => matches(entry, program)),
    );
    if (caught.length === 0) return undefined;
    return {
      facts: { entries: caught.map(({ name, magic, mask }) => ({ name, magic, mask })) },
      advice: [{ do: 'remove-entries-by-hand', entries: caught.map(({ name }) => name) }],
    };
  },
  title: ({ entries }) => `${listed(entries.map(({ name }) => name))} takes this machine's own programs`,
  symptom: () => 'exec format error, for every program',
  cause: () => "magic and mask of the entry match this machine's own programs, the emulator itself among them",
  evidence: ({ entries }) => entries.map(({ name, magic, mask }) => `${name}: magic ${magic}, mask ${mask}`),
});

type WideEntry = {
  readonly name: string;
  readonly magic: string;
  readonly mask: string;
  readonly matches: readonly string[];
  readonly beyond: readonly string[];
};

export const wideMagic = machineCheck<{ entries: readonly WideEntry[] }>({
  id: 'wide-magic',
  summary: 'an entry matches programs of architectures that it is not for',
  find({ entries }) {
    const wide = entries.flatMap((entry): WideEntry[] => {
      const caught = architectures.filter((architecture) => entry.enabled && takesProgramsOf(architecture, entry));
      if (caught.length < 2) return [];
      const platforms = (some: typeof caught) => some.map((architecture) => formatPlatform({ architecture }));
      const beyond = platforms(caught.filter((architecture) => !isNamedFor(architecture, entry)));
      const { name, magic, mask } = entry;
      return [{ name, magic, mask, matches: platforms(caught), beyond }];
    });
    if (wide.length === 0) return undefined;
    return { severity: 'warning', facts: { entries: wide }, advice: wide.map(uninstallAdvice) };
  },
  title: ({ entries }) =>
    entries.map(({ name, beyond }) => `${name} also matches ${listed(beyond)} programs`).join('; '),
  symptom: () => 'Invalid ELF image for this architecture',
  cause: () => 'its magic and mask match more than the architecture that its emulator is for',
  evidence: ({ entries }) =>
    entries.map(({ name, magic, mask, matches: all }) => `${name}: magic ${magic}, mask ${mask}: ${all.join(', ')}`),
});

export const confinement = machineCheck<{ profile: string }>({
  id: 'confinement',
  summary: 'SELinux or AppArmor confines this program, and something was forbidden',
  find(input) {
    const { binfmt, host } = input;
    const forbidden = (errno: unknown) => errno === 'EACCES' || errno === 'EPERM';
    const closed = binfmt.kind !== 'writable' && forbidden(binfmt.problem.facts['errno']) && isTroubled(input);
    const refused = platformFacts(input).some(({ verdict }) => verdict.kind === 'refused' && forbidden(verdict.errno));
    if (host.confinement === undefined || !(closed || refused)) return undefined;
    return {
      severity: 'note',
      facts: { profile: host.confinement },
      advice: [
        { do: 'call-again', with: 'no-apparmor' },
        { do: 'call-again', with: 'no-selinux' },
      ],
    };
  },
  title: () => 'a security module confines this container',
  symptom: () => 'permission denied',
  cause: ({ profile }) => `${profile} may be what forbids it, rather than a missing capability`,
  evidence: ({ profile }) => [`/proc/self/attr/current: ${profile}`],
});

export const nothingInstalled = machineCheck<{ available: readonly string[]; entries: number }>({
  id: 'nothing-installed',
  summary: 'no emulator is registered; which ones could be',
  find({ emulators, binfmt, named, platforms, probes, entries }) {
    if (named || binfmt.kind === 'unavailable' || platforms.length > 0) return undefined;
    const usable = [...emulators].filter(([, { unusable }]) => !unusable).map(([architecture]) => architecture);
    const missing = usable.filter((architecture) => probes.get(architecture)?.verdict.kind !== 'runs');
    return {
      severity: 'note',
      facts: { available: missing.map(({ name }) => name), entries: entries.length },
      advice: missing.length > 0 ? [{ do: 'install', platforms: ['all'] }] : [],
    };
  },
  title: () => 'no platform is emulated here',
  cause: ({ available }) =>
    `nothing is registered. There are emulators here for ${available.length > 0 ? available.join(', ') : 'no other platform'}`,
  evidence: ({ entries }) => [`entries: ${entries}`],
});

export const machineChecks = [
  kernelModule,
  mountFailed,
  userNamespace,
  permission,
  readOnly,
  switchedOff,
  automount,
  vanishing,
  oldKernel,
  catchesNative,
  wideMagic,
  confinement,
  nothingInstalled,
];

/**
 * What an errno means when binfmt_misc is mounted or written to, and what to do about it.
 * Sources: mount(2); fs/binfmt_misc.c; Documentation/admin-guide/binfmt-misc.rst.
 */
import type { Failure, FailureCode, Remedy } from './failure.js';
import { compareVersions } from './version.js';

interface Cause {
  readonly code: FailureCode;
  readonly cause: string;
  readonly remedies?: readonly Remedy[];
}

const PRIVILEGES: readonly Remedy[] = [
  { when: 'run the container with', command: 'docker run --privileged' },
  { when: "give it the host's", command: 'docker run -v /proc/sys/fs/binfmt_misc:/binfmt_misc' },
];
const LOAD: Remedy = { when: 'on the host', command: 'sudo modprobe binfmt_misc' };

const mountCauses: Readonly<Record<string, Cause>> = {
  ENODEV: {
    code: 'binfmt-missing',
    cause: 'the kernel has no binfmt_misc, or its module is not loaded (ENODEV)',
    remedies: [LOAD],
  },
  EPERM: {
    code: 'no-permission',
    cause: 'operation not permitted (EPERM): it takes CAP_SYS_ADMIN',
    remedies: PRIVILEGES,
  },
  EACCES: {
    code: 'no-permission',
    cause: 'permission denied (EACCES): a security module such as AppArmor or SELinux forbids it',
    remedies: [
      { when: 'run the container with', command: 'docker run --privileged' },
      { when: 'AppArmor', command: 'docker run --security-opt apparmor=unconfined' },
      { when: 'SELinux', command: 'docker run --security-opt label=disable' },
    ],
  },
  EROFS: {
    code: 'read-only',
    cause: 'read-only file system (EROFS)',
    remedies: [{ when: 'name a directory that can be written to', command: '--mount DIR' }],
  },
  ENOENT: {
    code: 'binfmt-missing',
    cause: 'no such directory (ENOENT)',
    remedies: [LOAD, { when: 'name an existing directory', command: '--mount DIR' }],
  },
  ENOTDIR: {
    code: 'binfmt-missing',
    cause: 'not a directory (ENOTDIR)',
    remedies: [{ when: 'name a directory', command: '--mount DIR' }],
  },
};

/** Why binfmt_misc could not be mounted at `dir`. */
export function mountFailure(dir: string, errno: string): Failure {
  const known = mountCauses[errno] ?? { code: 'binfmt-missing', cause: errno };
  return { ...known, subject: dir, cause: `cannot mount binfmt_misc filesystem at ${dir}: ${known.cause}` };
}

/** In a user namespace it is not mounted unless that is asked for. */
export function userNamespaceFailure(dir: string): Failure {
  return {
    code: 'no-permission',
    subject: dir,
    cause:
      "this is a user namespace (a rootless container): a binfmt_misc mounted in it holds for it alone, and hides the host's entries",
    remedies: [
      { when: 'register on the host itself, as its root' },
      { when: 'mount it all the same, for this namespace alone', command: '--allow-userns' },
    ],
  };
}

/** Entries would end with this container, as nothing else keeps binfmt_misc mounted. Three remedies to paste. */
export function vanishingFailure(dir: string): Failure {
  return {
    code: 'would-vanish',
    subject: dir,
    cause: 'the registrations would vanish with this container, as the host does not keep binfmt_misc mounted',
    remedies: [
      { when: 'on the host', command: 'sudo mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc' },
      { when: 'keep this container running', command: '--install LIST --watch' },
      { when: 'let it mount on the host', command: 'docker run --privileged --pid=host' },
    ],
  };
}

/** `status` says "disabled": that is everybody's switch, and not ours to turn. */
export function disabledFailure(dir: string): Failure {
  return {
    code: 'disabled',
    subject: dir,
    cause: `binfmt_misc is switched off as a whole (${dir}/status says "disabled")`,
    remedies: [{ when: 'on the host', command: 'echo 1 | sudo tee /proc/sys/fs/binfmt_misc/status' }],
  };
}

const openCauses: Readonly<Record<string, Cause>> = {
  EACCES: { code: 'no-permission', cause: 'permission denied (EACCES)', remedies: [{ when: 'run it as root' }] },
  EPERM: { code: 'no-permission', cause: 'operation not permitted (EPERM)', remedies: PRIVILEGES },
  EROFS: {
    code: 'read-only',
    cause: 'read-only file system (EROFS)',
    remedies: [
      { when: 'mount it without :ro' },
      { when: 'run the container with', command: 'docker run --privileged' },
    ],
  },
};

/** Why the files of a mounted binfmt_misc cannot be written to: open(2) on `register` or an entry failed. */
export function openFailure(file: string, errno: string): Failure {
  const known = openCauses[errno] ?? { code: 'not-registered', cause: errno };
  return { ...known, subject: file, cause: `cannot write to ${file}: ${known.cause}` };
}

const registerCauses: Readonly<Record<string, string>> = {
  ENOENT: 'the kernel does not find the emulator (ENOENT)',
  EACCES: 'the kernel may not execute the emulator (EACCES): is its file system mounted with noexec?',
  EEXIST: 'another program registered the same name at this moment (File exists, EEXIST)',
  EINVAL: 'the kernel refuses the entry (invalid argument, EINVAL); flag F needs Linux 4.8 or later',
};

/** Why the kernel refused a registration: write(2) to `register` failed. */
export function registerFailure(name: string, interpreter: string, errno: string): Failure {
  const cause = registerCauses[errno] ?? errno;
  return { code: 'not-registered', subject: name, cause: `cannot register ${name} with ${interpreter}: ${cause}` };
}

/** What forbids user namespaces here, as far as the machine says. */
export interface NamespaceRules {
  /** `uname -r` */
  readonly kernel: string;
  /** kernel.apparmor_restrict_unprivileged_userns, as on Ubuntu. */
  readonly restricted: boolean;
  /** user.max_user_namespaces is 0. */
  readonly none: boolean;
  /** kernel.unprivileged_userns_clone is 0, as on older Debians. */
  readonly debian: boolean;
}

/** Why there is no user namespace with a binfmt_misc of its own. */
export function namespaceFailure(step: string, errno: string, rules: NamespaceRules): Failure {
  const failure = (cause: string, ...remedies: Remedy[]): Failure => {
    return { code: 'no-namespace', subject: step, cause, remedies };
  };
  const on = (setting: string): Remedy => ({ when: 'allow them', command: `sudo sysctl ${setting}` });
  if (step === 'mount' && compareVersions(rules.kernel, '6.7') < 0) {
    return failure(`this kernel (${rules.kernel}) has one binfmt_misc for all: a private one is in Linux since 6.7`);
  }
  if (rules.none) {
    return failure(
      `user namespaces are forbidden here: user.max_user_namespaces is 0 (${errno})`,
      on('user.max_user_namespaces=10000'),
    );
  }
  if (rules.debian) {
    return failure(
      `user namespaces are forbidden here: kernel.unprivileged_userns_clone is 0 (${errno})`,
      on('kernel.unprivileged_userns_clone=1'),
    );
  }
  if (rules.restricted) {
    return failure(
      `AppArmor forbids user namespaces here: kernel.apparmor_restrict_unprivileged_userns is 1 (${errno})`,
      on('kernel.apparmor_restrict_unprivileged_userns=0'),
    );
  }
  return failure(`no user namespace with a binfmt_misc of its own can be had here: ${step} failed (${errno})`, {
    when: 'in a container',
    command: 'docker run --privileged',
  });
}

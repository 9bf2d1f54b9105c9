/**
 * Which problem an errno means when binfmt_misc is mounted or written to, and what to do about it.
 * Sources: mount(2); fs/binfmt_misc.c; Documentation/admin-guide/binfmt-misc.rst.
 */
import type { Advice } from '../advice.js';
import type { Registration } from '../binfmt/entry.js';
import { BINFMT_DIRECTORY } from '../binfmt/procfs.js';
import { notRegistered, notWritten } from '../install/emulator-problems.js';
import { type Problem, problemOf } from '../problem.js';
import { raiseInterpreterLimit } from './checks/machine-checks.js';
import {
  deadAutomount,
  kernelModule,
  mountFailed,
  permission,
  readOnly,
  switchedOff,
  userNamespace,
  vanishing,
} from './checks/mount-checks.js';

/** A user who is not root has no privileges, even in a privileged container. */
const privileges = (uid: number): Advice => ({ do: 'call-again', with: uid === 0 ? 'privileges' : 'root-user' });
const HOST_DIRECTORY: Advice = { do: 'call-again', with: 'host-directory' };
const CHOOSE_DIRECTORY: Advice = { do: 'consider', what: 'choose-another-directory' };

/** With autofs there; ELOOP says that by itself. EHOSTDOWN: the mount that it starts fails. */
const DEAD_AUTOMOUNT = ['ENOENT', 'ENODEV', 'EHOSTDOWN'];

/** The user that binfmt runs as, and whether there is an automount point. */
interface Circumstances {
  readonly uid?: number;
  readonly onAutomount?: boolean;
}

/** Why binfmt_misc could not be mounted at `path`. */
export function mountProblem(path: string, errno: string, { uid = 0, onAutomount }: Circumstances = {}): Problem {
  const facts = { operation: 'mount', path, errno } as const;
  if (path === BINFMT_DIRECTORY && (errno === 'ELOOP' || (onAutomount && DEAD_AUTOMOUNT.includes(errno)))) {
    return problemOf(deadAutomount, path, { path, errno }, [{ do: 'restart-automount' }, { do: 'replace-automount' }]);
  }
  switch (errno) {
    case 'ENODEV':
      return problemOf(kernelModule, path, facts, [{ do: 'load-module' }]);
    case 'ENOENT':
      // The module makes the usual directory; any other one has to be there.
      return path === BINFMT_DIRECTORY
        ? problemOf(kernelModule, path, facts, [{ do: 'load-module' }])
        : problemOf(mountFailed, path, facts, [CHOOSE_DIRECTORY, { do: 'load-module' }]);
    case 'EPERM':
      return problemOf(permission, path, { ...facts, uid }, [privileges(uid), HOST_DIRECTORY]);
    case 'EACCES':
      return problemOf(permission, path, { ...facts, uid }, [
        privileges(uid),
        { do: 'call-again', with: 'no-apparmor' },
        { do: 'call-again', with: 'no-selinux' },
      ]);
    case 'EROFS':
      return problemOf(readOnly, path, facts, [CHOOSE_DIRECTORY]);
    default:
      return problemOf(mountFailed, path, facts, [CHOOSE_DIRECTORY]);
  }
}

/**
 * In a user namespace binfmt_misc is not mounted unless --allow-userns is given. `errno`: the one of another user namespace is
 * mounted, and `path` in it may not be written to.
 */
export function userNamespaceProblem(path: string, errno?: string): Problem {
  const onHost: Advice = { do: 'consider', what: 'register-on-the-host' };
  const inHostNamespace: Advice = { do: 'call-again', with: 'host-user-namespace' };
  const forNamespace: Advice = { do: 'call-again', with: 'user-namespace' };
  return problemOf(userNamespace, path, { path, errno }, [onHost, inHostNamespace, forNamespace]);
}

/** Nothing else keeps binfmt_misc mounted. */
export function vanishingProblem(path: string): Problem {
  return problemOf(vanishing, path, { tested: true }, [
    { do: 'call-again', with: 'host-namespaces' },
    { do: 'mount-on-host' },
    { do: 'call-again', with: 'service' },
  ]);
}

/** The `status` file says "disabled". It switches binfmt_misc for everybody, so binfmt never writes to it. */
export function switchedOffProblem(directory: string): Problem {
  return problemOf(switchedOff, directory, { directory }, [{ do: 'enable-binfmt' }]);
}

/** Why `register` or an entry could not be opened for writing. `uid`: the user that binfmt runs as. */
export function openProblem(path: string, errno: string, uid = 0): Problem {
  const facts = { operation: 'write', path, errno } as const;
  switch (errno) {
    case 'EACCES':
      return problemOf(permission, path, { ...facts, uid }, [privileges(uid)]);
    case 'EPERM':
      return problemOf(permission, path, { ...facts, uid }, [privileges(uid), HOST_DIRECTORY]);
    case 'EROFS':
      return problemOf(readOnly, path, facts, [{ do: 'consider', what: 'mount-writable' }, privileges(uid)]);
    case 'EBUSY':
      return problemOf(notWritten, path, { file: path, errno }, [{ do: 'delete-entry-file', file: path }]);
    default:
      return problemOf(notWritten, path, { file: path, errno });
  }
}

/**
 * Why the kernel refused a registration: write(2) to `register` failed. `limit`: how many entries with flag F it allows,
 * if that can be known.
 */
export function registerProblem(
  { name, interpreter }: Pick<Registration, 'name' | 'interpreter'>,
  errno: string,
  limit?: number,
): Problem {
  const advice: Readonly<Record<string, readonly Advice[]>> = {
    ENOENT: [{ do: 'consider', what: 'set-emulator-directory' }],
    EACCES: [{ do: 'consider', what: 'mount-without-noexec' }],
    EEXIST: [{ do: 'consider', what: 'try-again-later' }],
    EINVAL: [{ do: 'consider', what: 'install-newer-kernel' }],
    ENOSPC: limit === undefined ? [] : [raiseInterpreterLimit(limit)],
  };
  const facts = { entry: name, interpreter, errno, limit: errno === 'ENOSPC' ? limit : undefined };
  return problemOf(notRegistered, name, facts, advice[errno]);
}

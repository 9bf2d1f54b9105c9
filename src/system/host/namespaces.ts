/** The namespaces that binfmt runs in, and its user. */
import { parseParentPid } from '../../core/binfmt/procfs.js';
import { readLink, readText } from './files.js';

/** Source: PROC_USER_INIT_INO in linux/proc_ns.h. */
export const INITIAL_USER_NAMESPACE = 'user:[4026531837]';

/** False in rootless containers, which have a binfmt_misc of their own. */
export function inInitialUserNamespace(): boolean {
  return readLink('/proc/self/ns/user') === INITIAL_USER_NAMESPACE;
}

/** False in most containers. Source: PROC_PID_INIT_INO in linux/proc_ns.h. */
export function inInitialPidNamespace(): boolean {
  return readLink('/proc/self/ns/pid') === 'pid:[4026531836]';
}

/** 0 is root. */
export const userId = () => process.geteuid?.() ?? 0;

/** The name of a process's mount namespace; undefined if it cannot be seen. */
export function mountNamespaceOf(pid: number | 'self'): string | undefined {
  return readLink(`/proc/${pid}/ns/mnt`);
}

/** 0 if the process has no parent, or none that can be seen from here. */
export function parentOf(pid: number | 'self'): number {
  return parseParentPid(readText(`/proc/${pid}/status`));
}

/** Process 1 can be seen, and is in another mount namespace: it is the host's (--pid=host). */
export function seesHost(): boolean {
  const first = mountNamespaceOf(1);
  return first !== undefined && first !== mountNamespaceOf('self');
}

/**
 * One process in each other mount namespace that may be the host's: process 1 and the ancestors of this one, as far as
 * they can be seen (docker run --pid=host).
 */
export function processesInOtherNamespaces(): number[] {
  const seen = new Set([mountNamespaceOf('self')]);
  const ancestors: number[] = [];
  for (let pid = parentOf('self'); pid > 1; pid = parentOf(pid)) ancestors.push(pid);
  return [1, ...ancestors].filter((pid) => {
    const namespace = mountNamespaceOf(pid);
    if (namespace === undefined || seen.has(namespace)) return false;
    seen.add(namespace);
    return true;
  });
}

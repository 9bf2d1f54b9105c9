/**
 * Do entries outlive binfmt? The kernel drops them with the last mount of their binfmt_misc (Linux 6.7 and later,
 * and older kernels that took that change back), and a mount that a container makes ends with the container. This is
 * tested with an entry, and never concluded from a kernel version.
 */
import fs from 'node:fs';
import path from 'node:path';
import { BINFMT_DIRECTORY, BINFMT_MISC, binfmtMounts, sharedHostDirectories } from '../../core/binfmt/procfs.js';
import type { WritableMount } from '../../core/binfmt/snapshot.js';
import { testName } from '../../core/install/temporary-names.js';
import { readText } from '../host/files.js';
import { inInitialPidNamespace, mountNamespaceOf, parentOf, processesInOtherNamespaces } from '../host/namespaces.js';
import type { Launcher } from '../probing/launcher.js';
import { ownId, writeTo } from './entries.js';

/**
 * What keeps the entries of a mount that binfmt made. `mount`: another mount, whose holder may end at any moment.
 * `namespace`: the mount namespace of whoever started binfmt. `nothing`: they will vanish.
 */
export type KeptBy = 'mount' | 'namespace' | 'nothing';

/**
 * Sees to it that entries outlive binfmt, with the rights that it was given: a mount that another process holds,
 * the host's mount namespace (--pid=host), or a shared bind mount of the host's directory.
 */
export async function ensurePersistent(mount: WritableMount, launcher: Launcher): Promise<KeptBy> {
  if (await survivesUnmount(mount, launcher)) return 'mount';
  for (const pid of processesInOtherNamespaces()) {
    const mounted = (await launcher.mount(BINFMT_MISC, BINFMT_DIRECTORY, pid)) === undefined;
    if (mounted && (await survivesUnmount(mount, launcher))) return 'mount';
  }
  for (const dir of sharedHostDirectories(readText('/proc/self/mountinfo'))) {
    const mounted = (await launcher.mount(BINFMT_MISC, dir)) === undefined;
    if (mounted && (await survivesUnmount(mount, launcher))) return 'mount';
  }
  return namespaceOutlivesProgram() ? 'namespace' : 'nothing';
}

/**
 * For a program that stays and keeps the entries itself: mounts binfmt_misc on the host too, if it sees the host (--pid=host) and may
 * do so. Then its successor finds the entries.
 */
export async function mountOnHost(launcher: Launcher): Promise<void> {
  for (const pid of processesInOtherNamespaces()) {
    if (binfmtMounts(readText(`/proc/${pid}/mountinfo`)).length > 0) return;
    if ((await launcher.mount(BINFMT_MISC, BINFMT_DIRECTORY, pid)) === undefined) return;
  }
}

/** Would entries vanish with binfmt if nothing were done about it? Changes nothing that lasts. */
export async function wouldVanish(mount: WritableMount, launcher: Launcher): Promise<boolean> {
  return !namespaceOutlivesProgram() && !(await survivesUnmount(mount, launcher));
}

/**
 * Whoever started binfmt (the parent of src/native/main.c) is in the same mount namespace, which is therefore not
 * a container's. A container with --pid=host has a mount namespace to itself.
 */
function namespaceOutlivesProgram(): boolean {
  const starter = parentOf(parentOf('self'));
  return inInitialPidNamespace() && mountNamespaceOf('self') === mountNamespaceOf(starter);
}

/** Registers a test entry, unmounts and mounts again: is the entry still there? */
async function survivesUnmount({ dir }: WritableMount, launcher: Launcher): Promise<boolean> {
  const name = testName(ownId());
  const file = path.join(dir, name);
  if (writeTo(path.join(dir, 'register'), `:${name}:E::${name}::/nonexistent:`)) return false;
  const survived = (await remount(dir, launcher)) && fs.existsSync(file);
  writeTo(file, '-1');
  return survived;
}

/** False if the mount was busy, so that nothing was learned. Rejects if it could not be mounted again. */
export async function remount(dir: string, launcher: Launcher): Promise<boolean> {
  if ((await launcher.umount(dir)) !== undefined) return false;
  const errno = await launcher.mount(BINFMT_MISC, dir);
  if (errno !== undefined) throw new Error(`binfmt_misc could not be mounted again at ${dir} (${errno})`);
  return true;
}

/**
 * Finds binfmt_misc, or mounts it. A mount counts only if it has the right type and can be written to; a read-only one
 * is good for reading.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  BINFMT_DIRECTORY,
  BINFMT_MISC,
  BINFMTFS_MAGIC,
  binfmtMounts,
  typesMountedAt,
} from '../../core/binfmt/procfs.js';
import type { BinfmtMount, WritableMount } from '../../core/binfmt/snapshot.js';
import { deadAutomount, userNamespace } from '../../core/doctor/checks/mount-checks.js';
import { mountProblem, openProblem, userNamespaceProblem } from '../../core/doctor/mount-errors.js';
import { mountPointInUse } from '../../core/install/request-problems.js';
import { isProblem, type Problem, problemOf } from '../../core/problem.js';
import { errnoOf, readText } from '../host/files.js';
import { inInitialUserNamespace, userId } from '../host/namespaces.js';
import type { Launcher } from '../probing/launcher.js';

export interface MountOptions {
  /** Where binfmt_misc is, or is to be mounted; undefined: wherever it is found. */
  readonly dir?: string;
  /** Mount it even in a user namespace, where it hides the host's entries. */
  readonly allowUserNamespace: boolean;
  /** Entries will be written. Reading them needs no writable mount. */
  readonly toChange: boolean;
}

/**
 * Finds a binfmt_misc: at `dir`; without `dir` at the usual place, or wherever else it is mounted (a bind mount in a
 * container). If there is none, mounts it there; if that is not possible, in a temporary directory.
 */
export async function openBinfmt(options: MountOptions, launcher: Launcher): Promise<BinfmtMount> {
  const { dir, allowUserNamespace, toChange } = options;
  const target = dir ?? BINFMT_DIRECTORY;
  const places = dir === undefined ? [target, ...binfmtMounts(readText('/proc/self/mountinfo'))] : [target];
  const mounted = places.map(inspect).filter((mount) => mount !== undefined);
  const writable = mounted.find(({ kind }) => kind === 'writable');
  if (writable) return writable;
  const [readable] = mounted;
  if (readable && !toChange) return readable;
  const mayMount = allowUserNamespace || inInitialUserNamespace();
  if (readable?.kind === 'readable') {
    const own = allowUserNamespace && isProblem(userNamespace, readable.problem);
    const mount = own ? await mountAt(target, launcher) : await besideReadable(readable, mayMount, launcher);
    return mount?.kind === 'writable' ? mount : readable;
  }
  const unfit = dir === undefined ? undefined : whyUnfit(dir);
  if (unfit) return { kind: 'unavailable', problem: unfit };
  if (!mayMount) return { kind: 'unavailable', problem: userNamespaceProblem(target) };
  const tried = await mountAt(target, launcher);
  if (tried.kind === 'writable') return tried;
  // Mounting anywhere makes the kernel load the module. A directory that the user named must be the right one, though.
  const dead = isProblem(deadAutomount, tried.problem);
  const elsewhere = tried.errno === 'EROFS' || ((dead || tried.errno === 'ENOENT') && dir === undefined);
  const mount = elsewhere ? await mountTemporarily(launcher) : undefined;
  if (mount?.kind === 'writable' && dead) return { ...mount, insteadOf: tried.problem };
  return mount ?? { kind: 'unavailable', problem: tried.problem };
}

/** A mount of the host that is read-only here is no reason not to mount it once more, if that is allowed. */
async function besideReadable(
  { problem }: Extract<BinfmtMount, { kind: 'readable' }>,
  mayMount: boolean,
  launcher: Launcher,
): Promise<BinfmtMount | undefined> {
  return mayMount && problem.facts['errno'] === 'EROFS' ? mountTemporarily(launcher) : undefined;
}

/** Anything may be mounted at the usual place; any other directory has to be empty. */
function whyUnfit(dir: string): Problem | undefined {
  if (dir === BINFMT_DIRECTORY) return undefined;
  try {
    if (fs.readdirSync(dir).length === 0) return undefined;
  } catch (error) {
    return mountProblem(dir, errnoOf(error), { uid: userId() });
  }
  return problemOf(mountPointInUse, dir, { path: dir }, [{ do: 'consider', what: 'choose-another-directory' }]);
}

interface RefusedMount {
  readonly kind: 'refused';
  readonly errno: string;
  readonly problem: Problem;
}

async function mountAt(dir: string, launcher: Launcher): Promise<WritableMount | RefusedMount> {
  const errno = await launcher.mount(BINFMT_MISC, dir);
  if (errno === undefined) return { kind: 'writable', dir, mountedHere: true };
  const onAutomount = typesMountedAt(dir, readText('/proc/self/mountinfo'))?.[0] === 'autofs';
  return { kind: 'refused', errno, problem: mountProblem(dir, errno, { uid: userId(), onAutomount }) };
}

async function mountTemporarily(launcher: Launcher): Promise<BinfmtMount | undefined> {
  let dir: string;
  try {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'binfmt_misc-'));
  } catch {
    return undefined;
  }
  const tried = await mountAt(dir, launcher);
  if (tried.kind === 'writable') return { ...tried, temporary: true };
  removeDirectory(dir);
  // If the kernel has no binfmt_misc at all, that is the root cause, whatever failed before.
  return tried.errno === 'ENODEV' ? { kind: 'unavailable', problem: tried.problem } : undefined;
}

/** Undoes a mount that binfmt made and that nothing needs any more. One that is busy stays. */
export async function closeBinfmt(binfmt: BinfmtMount, launcher: Launcher): Promise<void> {
  if (binfmt.kind !== 'writable' || !binfmt.mountedHere) return;
  if ((await launcher.umount(binfmt.dir)) === undefined && binfmt.temporary) removeDirectory(binfmt.dir);
}

/** What is left of it harms nothing. */
function removeDirectory(dir: string): void {
  try {
    fs.rmdirSync(dir);
  } catch {
    // It is in use.
  }
}

/** Is binfmt_misc mounted at `dir` now? */
export function isMounted(dir: string): boolean {
  try {
    return fs.statfsSync(dir).type === BINFMTFS_MAGIC;
  } catch {
    return false;
  }
}

/** Tells one mounted binfmt_misc from the next one at `dir`: its device, and when its file `status` was made. */
export function mountIdentity(dir: string): string | undefined {
  const status = fs.statSync(path.join(dir, 'status'), { bigint: true, throwIfNoEntry: false });
  return status && `${status.dev} ${status.ctimeNs}`;
}

/** The binfmt_misc at `dir`; undefined if something else, or nothing, is mounted there. */
export function inspect(dir: string): BinfmtMount | undefined {
  if (!isMounted(dir)) return undefined;
  const file = path.join(dir, 'register');
  try {
    fs.readdirSync(dir);
    fs.accessSync(file, fs.constants.W_OK);
    return { kind: 'writable', dir, mountedHere: false };
  } catch (error) {
    const errno = errnoOf(error);
    const forbidden = errno === 'EACCES' || errno === 'EPERM';
    const problem =
      forbidden && !inInitialUserNamespace() ? userNamespaceProblem(file, errno) : openProblem(file, errno, userId());
    return { kind: 'readable', dir, problem };
  }
}

/**
 * Mounting binfmt_misc: where it is, or making it be somewhere. "Mounted" means the right type *and*
 * writable; a read-only one is good for reading only.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { mountFailure, openFailure, userNamespaceFailure } from '../core/causes.js';
import type { Failure } from '../core/failure.js';
import type { Registry } from '../core/snapshot.js';
import { errnoOf } from './binfmt-fs.js';
import type { Launcher } from './launcher.js';
import { inInitialUserNamespace, readText } from './machine.js';

export const DEFAULT_MOUNT = '/proc/sys/fs/binfmt_misc';
export const TYPE = 'binfmt_misc';
const MAGIC = 0x42494e4d; // BINFMTFS_MAGIC in linux/magic.h

export interface MountOptions {
  /** Where it is, or is to be mounted; undefined: wherever it is found. */
  readonly dir?: string | undefined;
  /** Mount it in a user namespace too, where it hides the entries of the host. */
  readonly allowUserNamespace: boolean;
  /** Entries are to be written; to be read they need no mount that can be written to. */
  readonly toChange: boolean;
}

/**
 * Finds a binfmt_misc, or mounts one: at `dir`, without it at the usual place, else any other place
 * where it is mounted already (a bind mount in a container), else a directory of our own.
 */
export async function openRegistry(
  { dir, allowUserNamespace, toChange }: MountOptions,
  launcher: Launcher,
): Promise<Registry> {
  const target = dir ?? DEFAULT_MOUNT;
  const places = dir === undefined ? [target, ...mountedPlaces()] : [target];
  const mounted = places.map(lookAt).filter((registry) => registry !== undefined);
  const writable = mounted.find(({ kind }) => kind === 'writable');
  if (writable) return writable;
  const readable = mounted[0];
  if (readable && !toChange) return readable;
  const mayMount = allowUserNamespace || inInitialUserNamespace();
  if (readable?.kind === 'readable') {
    const readOnly = readable.failure.code === 'read-only';
    return (readOnly && mayMount && (await mountElsewhere(launcher))) || readable;
  }
  if (!mayMount) return { kind: 'closed', failure: userNamespaceFailure(target) };
  const tried = await mountAt(target, launcher);
  if (tried.kind === 'writable') return tried;
  // One of our own instead, which also makes the kernel load the module; a directory that was named is meant.
  const elsewhere = tried.errno === 'EROFS' || (tried.errno === 'ENOENT' && dir === undefined);
  return (elsewhere && (await mountElsewhere(launcher))) || { kind: 'closed', failure: tried.failure };
}

interface Refused {
  readonly kind: 'refused';
  readonly errno: string;
  readonly failure: Failure;
}

async function mountAt(dir: string, launcher: Launcher): Promise<Extract<Registry, { kind: 'writable' }> | Refused> {
  const errno = await launcher.mount(TYPE, dir);
  if (errno === undefined) return { kind: 'writable', dir, mountedHere: true };
  return { kind: 'refused', errno, failure: mountFailure(dir, errno) };
}

async function mountElsewhere(launcher: Launcher): Promise<Registry | undefined> {
  let dir: string;
  try {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'binfmt_misc-'));
  } catch {
    return undefined;
  }
  const tried = await mountAt(dir, launcher);
  if (tried.kind === 'writable') return { ...tried, made: true };
  fs.rmdirSync(dir);
  // What stood in the way of the first place is told only where it is not something deeper.
  return tried.errno === 'ENODEV' ? { kind: 'closed', failure: tried.failure } : undefined;
}

/** Undoes a mount that was made here, where nothing that was asked for lives in it. */
export async function closeRegistry(registry: Registry, launcher: Launcher): Promise<void> {
  if (registry.kind !== 'writable' || !registry.mountedHere) return;
  await launcher.umount(registry.dir);
  if (registry.made) fs.rmdirSync(registry.dir);
}

/** What is mounted at `dir`; undefined when it is not binfmt_misc. */
function lookAt(dir: string): Registry | undefined {
  try {
    if (fs.statfsSync(dir).type !== MAGIC) return undefined;
  } catch {
    return undefined;
  }
  const file = path.join(dir, 'register');
  try {
    fs.readdirSync(dir);
    fs.accessSync(file, fs.constants.W_OK);
    return { kind: 'writable', dir, mountedHere: false };
  } catch (error) {
    return { kind: 'readable', dir, failure: openFailure(file, errnoOf(error)) };
  }
}

/** Every mount point of type binfmt_misc in this mount namespace. */
function mountedPlaces(): string[] {
  return mountPoints()
    .filter(({ type }) => type === TYPE)
    .map(({ dir }) => dir);
}

/** Where the host's directory, with nothing mounted on it, lies in this container as a shared bind mount. */
export function hostPlaces(): string[] {
  return mountPoints()
    .filter(({ type, root, shared }) => type === 'proc' && root === '/sys/fs/binfmt_misc' && shared)
    .map(({ dir }) => dir);
}

/** Types of what another process has mounted at `dir`, the top one first; undefined where that cannot be seen. */
export function mountTypesAt(dir: string, mountinfo: string): string[] | undefined {
  if (readText(mountinfo) === '') return undefined;
  return mountPoints(mountinfo)
    .filter((point) => point.dir === dir)
    .map(({ type }) => type)
    .reverse();
}

interface MountPoint {
  readonly dir: string;
  readonly type: string;
  /** Which directory of the mounted file system it shows. */
  readonly root: string;
  /** What is mounted on it appears wherever else it is mounted. */
  readonly shared: boolean;
}

/** Source: proc(5), /proc/PID/mountinfo; mount_namespaces(7). */
function mountPoints(file = '/proc/self/mountinfo'): MountPoint[] {
  const lines = readText(file).split('\n');
  return lines.map((line) => {
    const fields = line.split(' ');
    const end = fields.indexOf('-');
    const path = (field = '') =>
      field.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
    return {
      root: path(fields[3]),
      dir: path(fields[4]),
      shared: fields.slice(6, end).some((field) => field.startsWith('shared:')),
      type: fields[end + 1] ?? '',
    };
  });
}

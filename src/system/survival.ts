/**
 * Do entries outlive this program? They die with the last mount of their binfmt_misc (Linux 6.7 and later,
 * and kernels that took that change back), and a mount that a container makes goes with the container.
 * That is found out, never concluded from a version.
 */
import fs from 'node:fs';
import path from 'node:path';
import { vanishingFailure } from '../core/causes.js';
import type { Failure } from '../core/failure.js';
import type { Registry } from '../core/snapshot.js';
import { writeTo } from './binfmt-fs.js';
import type { Launcher } from './launcher.js';
import { inInitialPidNamespace, mountNamespaceOf, readText } from './machine.js';
import { DEFAULT_MOUNT, hostPlaces, TYPE } from './mounting.js';

type Writable = Extract<Registry, { kind: 'writable' }>;

/** Entries of the mount that was made here are kept by … */
export type Keeper =
  /** another mount: it can be looked for again, as its holder may be passing by */
  | { readonly kind: 'mount' }
  /** the mount namespace that this program runs in, and which does not end with it */
  | { readonly kind: 'namespace' }
  | { readonly kind: 'nobody'; readonly failure: Failure };

/**
 * Sees to it that entries outlive this program, with what it has been given: a mount that somebody else
 * holds; the host's mount namespace; a shared bind mount of the host's directory. `registry` was mounted
 * here, and is empty or kept.
 */
export async function findKeeper(registry: Writable, launcher: Launcher): Promise<Keeper> {
  if (await outlives(registry, launcher)) return { kind: 'mount' };
  for (const pid of processesInOtherNamespaces()) {
    const mounted = (await launcher.mount(TYPE, DEFAULT_MOUNT, pid)) === undefined;
    if (mounted && (await outlives(registry, launcher))) return { kind: 'mount' };
  }
  for (const dir of hostPlaces()) {
    const mounted = (await launcher.mount(TYPE, dir)) === undefined;
    if (mounted && (await outlives(registry, launcher))) return { kind: 'mount' };
  }
  return outlivesThisProgram() ? { kind: 'namespace' } : { kind: 'nobody', failure: vanishingFailure(registry.dir) };
}

/** Would entries end with this program, if nothing were done about it? Leaves things as they are. */
export async function vanishes(registry: Writable, launcher: Launcher): Promise<boolean> {
  return !outlivesThisProgram() && !(await outlives(registry, launcher));
}

/**
 * The mount namespace is also the one of who started this program (the parent of src/native/main.c), and so not
 * a container's: one with --pid=host has it to itself.
 */
function outlivesThisProgram(): boolean {
  const starter = parentOf(parentOf('self'));
  return inInitialPidNamespace() && mountNamespaceOf('self') === mountNamespaceOf(starter);
}

/** A marker is registered; the mount is undone and made again; is the marker still there? */
async function outlives({ dir }: Writable, launcher: Launcher): Promise<boolean> {
  const name = `binfmt-survival-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const marker = path.join(dir, name);
  if (writeTo(path.join(dir, 'register'), `:${name}:E::${name}::/nonexistent:`)) return false;
  const survived = (await remount(dir, launcher)) && fs.existsSync(marker);
  writeTo(marker, '-1');
  return survived;
}

/** False when it was busy, so that nothing was learned. Rejects when it could not be mounted again. */
export async function remount(dir: string, launcher: Launcher): Promise<boolean> {
  if ((await launcher.umount(dir)) !== undefined) return false;
  const errno = await launcher.mount(TYPE, dir);
  if (errno !== undefined) throw new Error(`binfmt_misc could not be mounted again at ${dir} (${errno})`);
  return true;
}

/**
 * Processes of other mount namespaces, one each, that may be the host's: process 1 and this one's
 * ancestors, as far as they can be seen (docker run --pid=host).
 */
function processesInOtherNamespaces(): number[] {
  const seen = new Set([mountNamespaceOf('self')]);
  const found: number[] = [];
  const ancestors: number[] = [];
  for (let pid = parentOf('self'); pid > 1; pid = parentOf(pid)) ancestors.push(pid);
  for (const pid of [1, ...ancestors]) {
    const namespace = mountNamespaceOf(pid);
    if (namespace === undefined || seen.has(namespace)) continue;
    seen.add(namespace);
    found.push(pid);
  }
  return found;
}

/** 0 where it has none, or none that can be seen from here. */
function parentOf(pid: number | 'self'): number {
  return Number(/^PPid:\s*(\d+)/m.exec(readText(`/proc/${pid}/status`))?.[1] ?? 0);
}

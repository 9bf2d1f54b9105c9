/**
 * The binfmt_misc file system: is it there, its entries, registering and removing. "There" means the
 * right type *and* writable; a read-only one is good for reading only.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { mountFailure, openFailure, registerFailure } from '../core/causes.js';
import { type Entry, matches, parseEntry, type Registration, registerLine } from '../core/entry.js';
import type { Failure } from '../core/failure.js';
import type { Registry } from '../core/snapshot.js';
import type { Launcher } from './launcher.js';

export const DEFAULT_MOUNT = '/proc/sys/fs/binfmt_misc';
const TYPE = 'binfmt_misc';
const MAGIC = 0x42494e4d; // BINFMTFS_MAGIC in linux/magic.h
const NOT_ENTRIES = new Set(['register', 'status']);

/**
 * Finds a binfmt_misc, or mounts one. `dir`: where; without it the usual place, else any other place
 * where it is mounted already (a bind mount in a container), else a directory of our own.
 */
export async function openRegistry(dir: string | undefined, launcher: Launcher): Promise<Registry> {
  const target = dir ?? DEFAULT_MOUNT;
  const places = dir === undefined ? [target, ...mountedPlaces()] : [target];
  const mounted = places.map(lookAt).filter((registry) => registry !== undefined);
  const writable = mounted.find(({ kind }) => kind === 'writable');
  if (writable) return writable;
  const tried = mounted[0] ? undefined : await mountAt(target, launcher);
  if (tried?.kind === 'writable') return tried;
  // A read-only place, or none: one of our own, which also makes the kernel load the module.
  const errno = tried?.errno;
  if (tried && errno !== 'EROFS' && errno !== 'ENOENT') return { kind: 'closed', failure: tried.failure };
  return (await mountElsewhere(launcher)) ?? mounted[0] ?? { kind: 'closed', failure: (tried as Refused).failure };
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
  if (tried.kind === 'writable') return tried;
  fs.rmdirSync(dir);
  // What stood in the way of the first place is told only where it is not something deeper.
  return tried.errno === 'ENODEV' ? { kind: 'closed', failure: tried.failure } : undefined;
}

/** Undoes a mount that was made here, where nothing that was asked for lives in it. */
export async function closeRegistry(registry: Registry, launcher: Launcher): Promise<void> {
  if (registry.kind !== 'writable' || !registry.mountedHere) return;
  await launcher.umount(registry.dir);
  if (path.dirname(registry.dir) === os.tmpdir()) fs.rmdirSync(registry.dir);
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
    fs.accessSync(file, fs.constants.W_OK);
    return { kind: 'writable', dir, mountedHere: false };
  } catch (error) {
    return { kind: 'readable', dir, failure: openFailure(file, errnoOf(error)) };
  }
}

/** Every mount point of type binfmt_misc in this mount namespace. Source: proc(5), mountinfo. */
function mountedPlaces(): string[] {
  let text: string;
  try {
    text = fs.readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[fields.indexOf('-') + 1] === TYPE)
    .map((fields) =>
      (fields[4] ?? '').replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}

/** All entries, newest first: the kernel stamps each with the time of its registration. */
export function readEntries(registry: Registry): Entry[] {
  if (registry.kind === 'closed') return [];
  const { dir } = registry;
  return fs
    .readdirSync(dir)
    .filter((name) => !NOT_ENTRIES.has(name))
    .flatMap((name) => readEntry(dir, name))
    .sort((a, b) => Number(b.age.mtimeNs - a.age.mtimeNs) || Number(b.age.ino - a.age.ino))
    .map(({ entry }) => entry);
}

/** None when it was removed between the listing and now. */
function readEntry(dir: string, name: string): { entry: Entry; age: fs.BigIntStats }[] {
  let fd: number | undefined;
  try {
    fd = fs.openSync(path.join(dir, name), 'r');
    return [{ entry: parseEntry(name, fs.readFileSync(fd, 'utf8')), age: fs.fstatSync(fd, { bigint: true }) }];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/**
 * Registers an entry; a failure if the kernel refuses. Whatever was asked for, an entry that matches the
 * machine's own programs is never written: from then on no program could be started, the one that
 * could undo it neither. `ownPrograms`: the first bytes of programs that this machine runs.
 */
export function register(dir: string, entry: Registration, ownPrograms: readonly Uint8Array[]): Failure | undefined {
  if (ownPrograms.length === 0 || ownPrograms.some((program) => matches(entry, program))) {
    const cause = `${entry.name} would match this machine's own programs: none could be started any more`;
    return { code: 'own-architecture', subject: entry.name, cause };
  }
  const refused = writeTo(path.join(dir, 'register'), registerLine(entry));
  if (refused?.call === 'write') return registerFailure(entry.name, entry.interpreter, refused.errno);
  return refused?.failure;
}

/** Removes an entry; one that is gone already is as wanted. */
export function unregister(dir: string, name: string): Failure | undefined {
  const refused = writeTo(path.join(dir, name), '-1');
  return refused?.errno === 'ENOENT' ? undefined : refused?.failure;
}

interface RefusedWrite {
  readonly call: 'open' | 'write';
  readonly errno: string;
  readonly failure: Failure;
}

/** One write(2), as the kernel demands; never creates or truncates. */
function writeTo(file: string, text: string): RefusedWrite | undefined {
  let call: RefusedWrite['call'] = 'open';
  let fd: number | undefined;
  try {
    fd = fs.openSync(file, fs.constants.O_WRONLY);
    call = 'write';
    fs.writeSync(fd, text);
    return undefined;
  } catch (error) {
    return { call, errno: errnoOf(error), failure: openFailure(file, errnoOf(error)) };
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

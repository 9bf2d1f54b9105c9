/** The files of a mounted binfmt_misc: reads, registers and removes entries. */
import fs from 'node:fs';
import path from 'node:path';
import { type Entry, matches, parseEntry, type Registration, registerLine } from '../../core/binfmt/entry.js';
import type { BinfmtMount } from '../../core/binfmt/snapshot.js';
import { openProblem, registerProblem } from '../../core/doctor/mount-errors.js';
import { ownArchitecture } from '../../core/install/emulator-problems.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { errnoOf, readText } from '../host/files.js';
import { userId } from '../host/namespaces.js';

const NOT_ENTRIES = new Set(['register', 'status']);

/** All entries, newest first: the order in which the kernel lists the directory (measured on Linux 6.18). */
export function readEntries(binfmt: BinfmtMount): Entry[] {
  if (binfmt.kind === 'unavailable') return [];
  return listNames(binfmt.dir)
    .filter((name) => !NOT_ENTRIES.has(name))
    .flatMap((name) => readEntry(binfmt.dir, name) ?? []);
}

/** In the kernel's order, which fs.readdir does not keep. */
function listNames(dir: string): string[] {
  let opened: fs.Dir | undefined;
  try {
    opened = fs.opendirSync(dir);
    const names: string[] = [];
    for (let entry = opened.readSync(); entry; entry = opened.readSync()) names.push(entry.name);
    return names;
  } catch {
    return [];
  } finally {
    opened?.closeSync();
  }
}

/** Undefined if it has been removed since it was listed, or may not be read. */
function readEntry(dir: string, name: string): Entry | undefined {
  let fd: number | undefined;
  try {
    fd = fs.openSync(path.join(dir, name), 'r');
    const entry = parseEntry(name, fs.readFileSync(fd, 'utf8'));
    return { ...entry, resolved: realPathOf(entry.interpreter), inode: fs.fstatSync(fd).ino };
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM'].includes(errnoOf(error))) return undefined;
    throw error;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** Undefined if it is the same path, or if nothing is there. */
function realPathOf(file: string): string | undefined {
  try {
    const resolved = fs.realpathSync.native(file);
    return resolved === file ? undefined : resolved;
  } catch {
    return undefined;
  }
}

/** Is binfmt_misc switched off? Then the kernel ignores every entry. */
export function isSwitchedOff(dir: string): boolean {
  return readText(path.join(dir, 'status')).startsWith('disabled');
}

/**
 * Registers an entry; returns why the kernel refused it. An entry that matches the machine's own programs is never
 * written, whatever was asked for: no program could be started any more, not even the one that would undo it.
 * `ownPrograms`: the first bytes of programs that must stay startable.
 */
export function register(dir: string, entry: Registration, ownPrograms: readonly Uint8Array[]): Problem | undefined {
  if (takesOwnPrograms(entry, ownPrograms)) return problemOf(ownArchitecture, entry.name, { entry: entry.name });
  const refused = writeTo(path.join(dir, 'register'), registerLine(entry));
  if (refused?.call === 'write') return registerProblem(entry, refused.errno, interpreterLimit());
  return refused && openProblem(path.join(dir, 'register'), refused.errno, userId());
}

/** The machine could not start a program any more. */
export function takesOwnPrograms(
  entry: Pick<Entry, 'magic' | 'mask'> & { readonly offset?: number },
  ownPrograms: readonly Uint8Array[],
): boolean {
  return ownPrograms.length === 0 || ownPrograms.some((program) => matches(entry, program));
}

/** Makes the name of an entry this call's own (core/install/temporary-names.ts). */
export const ownId = () => `${process.pid}-${Math.random().toString(36).slice(2)}`;

/** How many entries with flag F the kernel allows; undefined before Linux 7.3, which sets no limit. */
export function interpreterLimit(): number | undefined {
  const text = readText('/proc/sys/user/max_binfmt_misc_interpreters').trim();
  return text === '' ? undefined : Number(text);
}

/** The inode of an entry's file, which tells registrations of one name apart; undefined if there is none. */
export function inodeOf(dir: string, name: string): number | undefined {
  return fs.statSync(path.join(dir, name), { throwIfNoEntry: false })?.ino;
}

/**
 * Removes an entry. It is no problem if it is gone already. `inode`: only that very entry; one that another process has
 * registered under the same name stays.
 */
export function unregister(dir: string, name: string, inode?: number): Problem | undefined {
  const file = path.join(dir, name);
  const refused = writeTo(file, '-1', inode);
  return refused === undefined || refused.errno === 'ENOENT' ? undefined : openProblem(file, refused.errno, userId());
}

/** The call that failed, and its errno. */
export interface RefusedWrite {
  readonly call: 'open' | 'write';
  readonly errno: string;
}

/**
 * Writes to a file that exists, in one write(2), which is how the kernel wants it. `inode`: writes nothing to another file.
 * Undefined: it did not fail.
 */
export function writeTo(file: string, text: string, inode?: number): RefusedWrite | undefined {
  let call: RefusedWrite['call'] = 'open';
  let fd: number | undefined;
  try {
    fd = fs.openSync(file, fs.constants.O_WRONLY);
    call = 'write';
    if (inode !== undefined && fs.fstatSync(fd).ino !== inode) return undefined;
    fs.writeSync(fd, text);
    return undefined;
  } catch (error) {
    return { call, errno: errnoOf(error) };
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** The files of a mounted binfmt_misc: its entries, registering and removing. */
import fs from 'node:fs';
import path from 'node:path';
import { openFailure, registerFailure } from '../core/causes.js';
import { type Entry, matches, parseEntry, type Registration, registerLine } from '../core/entry.js';
import type { Failure } from '../core/failure.js';
import type { Registry } from '../core/snapshot.js';
import { readText } from './machine.js';

const NOT_ENTRIES = new Set(['register', 'status']);

/** All entries, newest first: the order in which the kernel lists the directory (measured on Linux 6.18). */
export function readEntries(registry: Registry): Entry[] {
  if (registry.kind === 'closed') return [];
  const { dir } = registry;
  return listNames(dir)
    .filter((name) => !NOT_ENTRIES.has(name))
    .flatMap((name) => readEntry(dir, name));
}

/** In the kernel's order, which fs.readdir does not keep. */
function listNames(dir: string): string[] {
  let opened: fs.Dir | undefined;
  try {
    opened = fs.opendirSync(dir);
    const names: string[] = [];
    for (let each = opened.readSync(); each; each = opened.readSync()) names.push(each.name);
    return names;
  } catch {
    return [];
  } finally {
    opened?.closeSync();
  }
}

/** None when it was removed between the listing and now, or is not for us to read. */
function readEntry(dir: string, name: string): Entry[] {
  let fd: number | undefined;
  try {
    fd = fs.openSync(path.join(dir, name), 'r');
    const entry = parseEntry(name, fs.readFileSync(fd, 'utf8'));
    return [{ ...entry, resolved: resolve(entry.interpreter), inode: fs.fstatSync(fd).ino }];
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM'].includes(errnoOf(error))) return [];
    throw error;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** Where a path leads to, if that is another one and it is there. */
function resolve(file: string): string | undefined {
  try {
    const resolved = fs.realpathSync.native(file);
    return resolved === file ? undefined : resolved;
  } catch {
    return undefined;
  }
}

/** Is binfmt_misc switched off as a whole? No entry counts then, enabled or not. */
export function isDisabled(dir: string): boolean {
  return readText(path.join(dir, 'status')).startsWith('disabled');
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

/** One write(2), as the kernel demands; never creates or truncates. Undefined when it succeeded. */
export function writeTo(file: string, text: string): RefusedWrite | undefined {
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

export function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

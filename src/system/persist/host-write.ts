/** Single files of a host, and the manifest: each is written completely, and then takes the place of the old one in one step. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type HostFile, MANIFEST } from '../../core/persist/entry-files.js';
import { directoryOf, UNFINISHED_IN } from '../../core/persist/formats.js';
import {
  EMPTY_MANIFEST,
  formatHostManifest,
  type HostManifest,
  parseHostManifest,
} from '../../core/persist/host-manifest.js';
import { errnoOf } from '../host/files.js';
import type { Contents, HostTree } from '../host/host-tree.js';

/** Why files were not written or removed. `changed`: others have written or changed these. */
export type HostFailure = { readonly kind: 'changed'; readonly files: readonly string[] } | WriteFailure;

/** `half`: some files are replaced or removed already. */
export interface WriteFailure {
  readonly kind: 'write-failed';
  readonly directory: string;
  readonly errno: string;
  readonly half: boolean;
}

export async function readManifest(tree: HostTree): Promise<HostManifest | undefined> {
  const found = await tree.contents(MANIFEST);
  if (found.kind === 'missing') return EMPTY_MANIFEST;
  return found.kind === 'file' ? parseHostManifest(found.bytes.toString()) : undefined;
}

/** Why it cannot be written, as far as rights and file systems tell: a full disk has room again when files are removed. */
export async function manifestUnwritable(tree: HostTree): Promise<WriteFailure | undefined> {
  const place = await tree.place(MANIFEST);
  if (place.kind === 'failed') return { ...place, kind: 'write-failed', half: false };
  if (place.kind === 'missing') return undefined;
  const errno = failing(() => fs.accessSync(path.dirname(place.path), fs.constants.W_OK));
  return errno === undefined ? undefined : writeFailed(MANIFEST, errno, false);
}

/** Undefined if it was written. */
export async function changeManifest(
  tree: HostTree,
  change: (manifest: HostManifest) => HostManifest,
): Promise<WriteFailure | undefined> {
  const text = formatHostManifest(change((await readManifest(tree)) ?? EMPTY_MANIFEST));
  return replaceFile(tree, { path: MANIFEST, mode: 0o644, text });
}

export async function replaceFile(tree: HostTree, file: HostFile): Promise<WriteFailure | undefined> {
  const place = await tree.place(file.path, true);
  const next = await tree.place(nextTo(file.path), true);
  for (const each of [place, next]) if (each.kind === 'failed') return { ...each, kind: 'write-failed', half: false };
  if (place.kind !== 'place' || next.kind !== 'place') return undefined;
  const errno = writeNew(next.path, file) ?? failing(() => fs.renameSync(next.path, place.path));
  if (errno === undefined) {
    // Files are replaced after this only if this lasts.
    failing(() => syncDirectory(path.dirname(place.path)));
    return undefined;
  }
  fs.rmSync(next.path, { force: true });
  return writeFailed(file.path, errno, false);
}

export function writeFailed(file: string, errno: string, half: boolean): WriteFailure {
  return { kind: 'write-failed', directory: path.join('/', path.dirname(file)), errno, half };
}

export function bytesOf(file: HostFile): Buffer {
  if ('link' in file) return Buffer.from(`-> ${file.link}`);
  if ('bytes' in file) return Buffer.from(file.bytes, 'latin1');
  return 'source' in file ? fs.readFileSync(file.source) : Buffer.from(file.text);
}

export const hashOf = (bytes: Uint8Array) => crypto.hash('sha256', bytes);

/** Undefined for what is neither a file nor a link. */
export function identity(found: Contents): string | undefined {
  if (found.kind === 'file') return hashOf(found.bytes);
  return found.kind === 'link' ? hashOf(Buffer.from(`-> ${found.target}`)) : undefined;
}

const UNFINISHED = /^\.binfmt-[0-9a-f]{16}\.new$/;

/** A new name for a file that is not complete yet. */
export function nextTo(file: string): string {
  const directory = directoryOf(file)?.unfinishedIn ?? path.dirname(file);
  return path.join(directory, `.binfmt-${crypto.randomBytes(8).toString('hex')}.new`);
}

/** What calls have left that were killed. No other call is at work: HostTree.lock. */
export async function removeUnfinished(tree: HostTree): Promise<void> {
  for (const directory of UNFINISHED_IN) {
    for (const name of (await tree.names(directory)).filter((each) => UNFINISHED.test(each))) {
      const place = await tree.place(path.join(directory, name));
      if (place.kind === 'place') failing(() => fs.unlinkSync(place.path));
    }
  }
}

/** Writes a file that does not exist yet, to the disk. */
export function writeNew(place: string, file: HostFile): string | undefined {
  let fd: number | undefined;
  const errno = failing(() => {
    if ('link' in file) return fs.symlinkSync(file.link, place);
    fd = fs.openSync(place, 'wx');
    fs.writeFileSync(fd, bytesOf(file));
    fs.fchmodSync(fd, file.mode);
    return fs.fsyncSync(fd);
  });
  const unclosed = fd === undefined ? undefined : failing(() => fs.closeSync(fd as number));
  return errno ?? unclosed;
}

function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** The errno's name if it failed. */
export function failing(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}

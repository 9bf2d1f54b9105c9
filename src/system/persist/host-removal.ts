/** Removes files of binfmt from a host, and puts back what others had in their places. */
import fs from 'node:fs';
import path from 'node:path';
import { recordOf } from '../../core/persist/binfmts-record.js';
import {
  type HostFile,
  hostInterpreter,
  isRecordOf,
  MANIFEST,
  type RemovalOrder,
} from '../../core/persist/entry-files.js';
import {
  EMPTY_MANIFEST,
  type HostManifest,
  isOurs,
  type Replaced,
  withoutFiles,
} from '../../core/persist/host-manifest.js';
import type { ManifestState } from '../../core/persist/persist-problems.js';
import type { Contents, HostTree } from '../host/host-tree.js';
import {
  bytesOf,
  changeManifest,
  failing,
  hashOf,
  identity,
  manifestUnwritable,
  readManifest,
  replaceFile,
  type WriteFailure,
  writeFailed,
} from './host-write.js';

export interface Removal {
  /** Files that were changed. */
  readonly kept: readonly string[];
  readonly failure?: WriteFailure;
}

/**
 * Removes those of these files that binfmt has written and that are unchanged, in this order, and puts back what others
 * had there, even where binfmt's file is gone.
 */
export async function removeFiles(tree: HostTree, files: readonly string[]): Promise<Removal> {
  const manifest = (await readManifest(tree)) ?? EMPTY_MANIFEST;
  const known = files.filter((file) => isListed(manifest, file));
  if (known.length === 0) return { kept: [] };
  // Where the manifest cannot be written, nothing is removed either.
  const unwritable = await manifestUnwritable(tree);
  if (unwritable) return { kept: [], failure: unwritable };
  const gone: string[] = [];
  const kept: string[] = [];
  let failure: WriteFailure | undefined;
  for (const file of known) {
    const before = manifest.replaced?.[file];
    const found = await tree.contents(file);
    const missing = found.kind === 'missing';
    if (!missing && !isBack(found, before) && !isOurs(manifest, file, identity(found) ?? '')) {
      kept.push(file);
      continue;
    }
    if (before && !isBack(found, before)) failure = await replaceFile(tree, fileFrom(file, before));
    else if (!before && !missing) failure = await removeFile(tree, file);
    if (failure) {
      failure = { ...failure, half: gone.length > 0 };
      break;
    }
    gone.push(file);
  }
  const unwritten = gone.length > 0 ? await changeManifest(tree, (latest) => withoutFiles(latest, gone)) : undefined;
  return { kept, failure: failure ?? (unwritten && { ...unwritten, half: true }) };
}

export function isListed({ files, unfinished = {} }: HostManifest, file: string): boolean {
  return files[file] !== undefined || unfinished[file] !== undefined;
}

/** Is one of these files changed by others? */
export async function changedFiles(tree: HostTree, files: readonly string[]): Promise<string[]> {
  const manifest = (await readManifest(tree)) ?? EMPTY_MANIFEST;
  const changed: string[] = [];
  for (const file of files.filter((each) => isListed(manifest, each))) {
    const found = await tree.contents(file);
    if (found.kind === 'missing' || isBack(found, manifest.replaced?.[file])) continue;
    if (!isOurs(manifest, file, identity(found) ?? '')) changed.push(file);
  }
  return changed;
}

/** Files of an entry that the manifest does not list, and why it does not. */
export interface Unlisted {
  readonly files: readonly string[];
  readonly state: ManifestState;
}

/** Files that name binfmt's emulator of that entry, or are it, and that are not in the manifest. */
export async function unlistedFiles(
  tree: HostTree,
  name: string,
  { configurations, emulator }: RemovalOrder,
): Promise<Unlisted> {
  const manifest = await readManifest(tree);
  const unlisted = (file: string) => !isListed(manifest ?? EMPTY_MANIFEST, file);
  const files: string[] = [];
  // A record of update-binfmts is not always in the manifest: see removeRecordOf.
  for (const file of configurations.filter((each) => unlisted(each) && each !== recordOf(name))) {
    const found = await tree.contents(file);
    if (found.kind === 'file' && found.bytes.includes(hostInterpreter(name))) files.push(file);
  }
  if (unlisted(emulator) && (await tree.has(emulator))) files.push(emulator);
  if (manifest === undefined) return { files, state: 'unreadable' };
  return { files, state: (await tree.has(MANIFEST)) ? 'incomplete' : 'missing' };
}

/** A record that update-binfmts has made of an exported file, and that names an emulator which is gone. */
export async function removeRecordOf(tree: HostTree, name: string): Promise<WriteFailure | undefined> {
  const record = await tree.contents(recordOf(name));
  if (record.kind !== 'file' || !isRecordOf(name, record.bytes.toString('latin1'))) return undefined;
  return removeFile(tree, recordOf(name));
}

/** The manifest and its directory, if nothing else is left in it. */
export async function removeEmptyManifest(tree: HostTree): Promise<void> {
  const manifest = await readManifest(tree);
  if (manifest === undefined || Object.keys({ ...manifest.files, ...manifest.unfinished }).length > 0) return;
  await removeFile(tree, MANIFEST);
  await tree.forget(path.dirname(MANIFEST));
  const directory = await tree.place(path.dirname(MANIFEST));
  if (directory.kind === 'place') failing(() => fs.rmdirSync(directory.path));
}

async function removeFile(tree: HostTree, file: string): Promise<WriteFailure | undefined> {
  const place = await tree.place(file);
  if (place.kind !== 'place') return undefined;
  const errno = failing(() => fs.unlinkSync(place.path));
  return errno === undefined || errno === 'ENOENT' ? undefined : writeFailed(file, errno, false);
}

function fileFrom(file: string, replaced: Replaced): HostFile {
  return 'link' in replaced ? { path: file, link: replaced.link } : { path: file, mode: 0o644, bytes: replaced.text };
}

/** What others had is there again: an earlier call was interrupted. */
function isBack(found: Contents, replaced: Replaced | undefined): boolean {
  return replaced !== undefined && identity(found) === hashOf(bytesOf(fileFrom('', replaced)));
}

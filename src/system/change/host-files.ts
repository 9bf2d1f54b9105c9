/**
 * Writes files to a host and takes them back: nothing at all, or everything. New files are complete beside the old ones before
 * the first old one is replaced, each in one step. The manifest names both until all of them are replaced, so that the next
 * call can complete what was interrupted at any moment.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { MANIFEST } from '../../core/export-files.js';
import {
  beginReplacing,
  EMPTY_MANIFEST,
  endReplacing,
  formatHostManifest,
  type HostManifest,
  isOurs,
  parseHostManifest,
  type Replaced,
  withoutFiles,
} from '../../core/host-manifest.js';
import type { HostFile } from '../../core/persist-formats.js';
import { errnoOf } from '../host/files.js';
import type { Contents, HostTree } from '../host/host-tree.js';

/** Why files were not written or removed. */
export type HostFailure =
  /** Somebody else has written or changed these. */
  | { readonly kind: 'changed'; readonly files: readonly string[] }
  /** `half`: some files are replaced or removed already. */
  | { readonly kind: 'write-failed'; readonly directory: string; readonly errno: string; readonly half: boolean };

/** A file to write. */
export interface WantedFile {
  readonly file: HostFile;
  /** Where it is prepared, if not in its own directory. */
  readonly unfinishedIn?: string;
  /** What others have in its place is kept, and comes back when it is removed. */
  readonly shared?: boolean;
}

/** Files that are complete, and do not have their names yet. */
export interface StagedFiles {
  /** Where the new contents are now, below the root directory; the file itself if it has them already. */
  pathOf(file: string): string;
  /** Does it have other contents now? */
  isChanged(file: string): boolean;
  /** Gives these their names, and forgets the others. */
  commit(files: readonly string[]): Promise<HostFailure | undefined>;
  /** Removes what has no name yet. Does not wait. */
  discard(): void;
}

interface Prepared extends WantedFile {
  readonly sha256: string;
  /** The place of the file, and of its new contents. */
  readonly place: string;
  readonly next: string;
  /** The name of `next`, below the root directory. */
  readonly nextPath: string;
  /** What somebody else had there. */
  readonly replaced?: Replaced;
}

export async function readManifest(tree: HostTree): Promise<HostManifest | undefined> {
  const found = await tree.contents(MANIFEST);
  if (found.kind === 'missing') return EMPTY_MANIFEST;
  return found.kind === 'file' ? parseHostManifest(found.bytes.toString()) : undefined;
}

export interface StageOptions {
  /** Also over files that somebody else has written or changed. */
  readonly force: boolean;
  /** Gets what removes the new files, before the first one is written. */
  readonly begin: (discard: () => void) => void;
}

export async function stageFiles(
  tree: HostTree,
  wanted: readonly WantedFile[],
  { force, begin }: StageOptions,
): Promise<StagedFiles | HostFailure> {
  const manifest = await readManifest(tree);
  const changed: string[] = manifest === undefined ? [MANIFEST] : [];
  const present: Record<string, string> = {};
  const toWrite: { readonly each: WantedFile; readonly sha256: string; readonly replaced?: Replaced }[] = [];
  for (const each of wanted) {
    const { path: file } = each.file;
    const found = await tree.contents(file);
    const sha256 = hashOf(bytesOf(each.file));
    const foreign = found.kind !== 'missing' && !isOurs(manifest ?? EMPTY_MANIFEST, file, identity(found) ?? '');
    const same = identity(found) === sha256;
    if (!foreign && found.kind !== 'missing') present[file] = identity(found) ?? '';
    if (same && !foreign) continue;
    if (foreign && !same && !each.shared) changed.push(file);
    toWrite.push({ each, sha256, replaced: foreign && !same ? replacedBy(found, each.file) : undefined });
  }
  if (changed.length > 0 && !force) return { kind: 'changed', files: changed.map((file) => `/${file}`) };
  await removeUnfinished(tree, [MANIFEST, ...wanted.map(({ file, unfinishedIn }) => nextTo(file.path, unfinishedIn))]);
  const prepared: Prepared[] = [];
  const discard = () => {
    for (const { next } of prepared) fs.rmSync(next, { force: true });
  };
  begin(discard);
  for (const { each, sha256, replaced } of toWrite) {
    const { path: file } = each.file;
    const nextPath = nextTo(file, each.unfinishedIn);
    const [place, next] = [await tree.place(file, true), await tree.place(nextPath, true)];
    const failed = [place, next].find(({ kind }) => kind === 'failed');
    if (failed?.kind === 'failed') {
      discard();
      return { ...failed, kind: 'write-failed', half: false };
    }
    if (place.kind !== 'place' || next.kind !== 'place') continue;
    prepared.push({ ...each, sha256, replaced, place: place.path, next: next.path, nextPath });
    const errno = writeNew(next.path, each.file);
    if (errno === undefined) continue;
    discard();
    return writeFailed(nextPath, errno, false);
  }
  const find = (file: string) => prepared.find((each) => each.file.path === file);
  return {
    pathOf: (file) => find(file)?.nextPath ?? file,
    isChanged: (file) => find(file) !== undefined,
    async commit(files) {
      const chosen = prepared.filter(({ file }) => files.includes(file.path));
      const failure = await commit(tree, chosen, present);
      discard();
      return failure;
    },
    discard,
  };
}

/** `present`: this program's own files that are there now, and their hashes. */
async function commit(
  tree: HostTree,
  chosen: readonly Prepared[],
  present: Readonly<Record<string, string>>,
): Promise<HostFailure | undefined> {
  if (chosen.length === 0) return undefined;
  const hashes = Object.fromEntries(chosen.map(({ file, sha256 }) => [file.path, sha256]));
  const replaced = Object.fromEntries(
    chosen.flatMap(({ file, replaced }) => (replaced ? [[file.path, replaced]] : [])),
  );
  const refused = await changeManifest(tree, (manifest) => beginReplacing(manifest, present, hashes, replaced));
  if (refused) return refused;
  for (const [i, { file, next, place }] of chosen.entries()) {
    const errno = failing(() => fs.renameSync(next, place));
    if (errno) return writeFailed(file.path, errno, i > 0);
  }
  const unfinished = await changeManifest(tree, (manifest) => endReplacing(manifest, hashes));
  return unfinished && { ...unfinished, half: true };
}

/** Reads it again each time: another call may have changed it meanwhile. */
async function changeManifest(
  tree: HostTree,
  change: (manifest: HostManifest) => HostManifest,
): Promise<Extract<HostFailure, { kind: 'write-failed' }> | undefined> {
  const text = formatHostManifest(change((await readManifest(tree)) ?? EMPTY_MANIFEST));
  return replaceFile(tree, { path: MANIFEST, mode: 0o644, text });
}

async function replaceFile(
  tree: HostTree,
  file: HostFile,
  unfinishedIn?: string,
): Promise<Extract<HostFailure, { kind: 'write-failed' }> | undefined> {
  const place = await tree.place(file.path, true);
  const next = await tree.place(nextTo(file.path, unfinishedIn), true);
  for (const each of [place, next]) if (each.kind === 'failed') return { ...each, kind: 'write-failed', half: false };
  if (place.kind !== 'place' || next.kind !== 'place') return undefined;
  const errno = writeNew(next.path, file) ?? failing(() => fs.renameSync(next.path, place.path));
  if (errno === undefined) return undefined;
  fs.rmSync(next.path, { force: true });
  return writeFailed(file.path, errno, false);
}

export interface Removal {
  /** Files that somebody has changed. */
  readonly kept: readonly string[];
  readonly failure?: HostFailure;
}

/**
 * Removes those of these files that this program has written and nobody has changed, in this order, and puts back what others
 * had there. `unfinishedIn`: see WantedFile.
 */
export async function removeFiles(
  tree: HostTree,
  files: readonly string[],
  unfinishedIn: (file: string) => string | undefined,
): Promise<Removal> {
  const manifest = (await readManifest(tree)) ?? EMPTY_MANIFEST;
  const known = files.filter((file) => isListed(manifest, file));
  await removeUnfinished(tree, [MANIFEST, ...known.map((file) => nextTo(file, unfinishedIn(file)))]);
  const gone: string[] = [];
  const kept: string[] = [];
  let failure: HostFailure | undefined;
  for (const file of known) {
    const before = manifest.replaced?.[file];
    const found = await tree.contents(file);
    if (found.kind !== 'missing' && !isBack(found, before)) {
      if (!isOurs(manifest, file, identity(found) ?? '')) {
        kept.push(file);
        continue;
      }
      failure = before
        ? await replaceFile(tree, fileFrom(file, before), unfinishedIn(file))
        : await removeFile(tree, file);
      if (failure) break;
    }
    gone.push(file);
  }
  const unwritten = gone.length > 0 ? await changeManifest(tree, (latest) => withoutFiles(latest, gone)) : undefined;
  return { kept, failure: failure ?? unwritten };
}

export function isListed({ files, unfinished = {} }: HostManifest, file: string): boolean {
  return files[file] !== undefined || unfinished[file] !== undefined;
}

/** Is one of these files changed by somebody? */
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

/** The manifest and its directory, if nothing else is left in it. */
export async function removeEmptyManifest(tree: HostTree): Promise<void> {
  const manifest = await readManifest(tree);
  if (manifest === undefined || Object.keys({ ...manifest.files, ...manifest.unfinished }).length > 0) return;
  await removeFile(tree, MANIFEST);
  const directory = await tree.place(path.dirname(MANIFEST));
  if (directory.kind === 'place') failing(() => fs.rmdirSync(directory.path));
}

async function removeFile(tree: HostTree, file: string): Promise<HostFailure | undefined> {
  const place = await tree.place(file);
  if (place.kind !== 'place') return undefined;
  const errno = failing(() => fs.unlinkSync(place.path));
  return errno === undefined || errno === 'ENOENT' ? undefined : writeFailed(file, errno, false);
}

function writeFailed(file: string, errno: string, half: boolean): Extract<HostFailure, { kind: 'write-failed' }> {
  return { kind: 'write-failed', directory: path.join('/', path.dirname(file)), errno, half };
}

function bytesOf(file: HostFile): Buffer {
  if ('link' in file) return Buffer.from(`-> ${file.link}`);
  if ('bytes' in file) return Buffer.from(file.bytes, 'latin1');
  return 'source' in file ? fs.readFileSync(file.source) : Buffer.from(file.text);
}

const hashOf = (bytes: Uint8Array) => crypto.hash('sha256', bytes);

/** Undefined for what is neither a file nor a link. */
function identity(found: Contents): string | undefined {
  if (found.kind === 'file') return hashOf(found.bytes);
  return found.kind === 'link' ? hashOf(Buffer.from(`-> ${found.target}`)) : undefined;
}

const LARGEST_REPLACED = 1 << 16; // bytes, more than any configuration has

/** An emulator of others does not come back. */
function replacedBy(found: Contents, file: HostFile): Replaced | undefined {
  if ('source' in file) return undefined;
  if (found.kind === 'link') return { link: found.target };
  if (found.kind !== 'file' || found.bytes.length > LARGEST_REPLACED) return undefined;
  return { text: found.bytes.toString('latin1') };
}

function fileFrom(file: string, replaced: Replaced): HostFile {
  return 'link' in replaced ? { path: file, link: replaced.link } : { path: file, mode: 0o644, bytes: replaced.text };
}

/** What others had is there again: an earlier call was interrupted. */
function isBack(found: Contents, replaced: Replaced | undefined): boolean {
  return replaced !== undefined && identity(found) === hashOf(bytesOf(fileFrom('', replaced)));
}

const UNFINISHED = /^\.binfmt-[0-9a-f]{16}\.new$/;
const OLD = 5 * 60_000; // milliseconds

/** A new name for a file that is not complete yet. */
function nextTo(file: string, unfinishedIn = path.dirname(file)): string {
  return path.join(unfinishedIn, `.binfmt-${crypto.randomBytes(8).toString('hex')}.new`);
}

/** Of calls that were killed, beside these files. Another call may be at work with newer ones. */
async function removeUnfinished(tree: HostTree, files: readonly string[]): Promise<void> {
  for (const directory of new Set(files.map((file) => path.dirname(file)))) {
    for (const name of (await tree.names(directory)).filter((each) => UNFINISHED.test(each))) {
      const place = await tree.place(path.join(directory, name));
      if (place.kind !== 'place') continue;
      failing(() => Date.now() - fs.lstatSync(place.path).mtimeMs > OLD && fs.unlinkSync(place.path));
    }
  }
}

/** Writes a file that does not exist yet, to the disk. */
function writeNew(place: string, file: HostFile): string | undefined {
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

/** The errno's name if it failed. */
function failing(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}

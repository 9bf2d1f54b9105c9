/**
 * Writes files to a host and takes them back: nothing at all, or everything. New files are complete beside the old ones before
 * the first old one is replaced, each in one step. The manifest names both until all of them are replaced, so that the next
 * call can complete what was interrupted at any moment.
 */
import fs from 'node:fs';
import type { HostFile } from '../../core/persist/entry-files.js';
import { MANIFEST } from '../../core/persist/entry-files.js';
import { directoryOf, EMULATOR_DIRECTORY } from '../../core/persist/formats.js';
import {
  beginReplacing,
  EMPTY_MANIFEST,
  endReplacing,
  isOurs,
  type Replaced,
} from '../../core/persist/host-manifest.js';
import { undoAtEnd } from '../cleanup.js';
import { isDirectory } from '../host/files.js';
import type { Contents, HostTree } from '../host/host-tree.js';
import {
  bytesOf,
  changeManifest,
  failing,
  type HostFailure,
  hashOf,
  identity,
  nextTo,
  readManifest,
  removeUnfinished,
  writeFailed,
  writeNew,
} from './host-write.js';

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

/** A file to write, which is not there yet. */
interface Missing {
  readonly file: HostFile;
  readonly sha256: string;
  /** What others had there. */
  readonly replaced?: Replaced;
}

interface Prepared extends Missing {
  /** The place of the file, and of its new contents. */
  readonly place: string;
  readonly next: string;
  /** The name of `next`, below the root directory. */
  readonly nextPath: string;
}

/** What has to be written, and what is there already: the hash of each file. */
interface Compared {
  readonly missing: readonly Missing[];
  readonly present: Readonly<Record<string, string>>;
}

/** `force`: also over files that others have written or changed. */
async function compare(tree: HostTree, wanted: readonly HostFile[], force: boolean): Promise<Compared | HostFailure> {
  const manifest = await readManifest(tree);
  const changed: string[] = manifest === undefined ? [MANIFEST] : [];
  const present: Record<string, string> = {};
  const missing: Missing[] = [];
  for (const file of wanted) {
    const { path } = file;
    const at = await tree.place(path);
    if (at.kind === 'failed') return { ...at, kind: 'write-failed', half: false };
    const found = await tree.contents(path);
    if (found.kind === 'unreadable' && at.kind === 'place' && isDirectory(at.path))
      return writeFailed(path, 'EISDIR', false);
    const sha256 = hashOf(bytesOf(file));
    const foreign = found.kind !== 'missing' && !isOurs(manifest ?? EMPTY_MANIFEST, path, identity(found) ?? '');
    const same = identity(found) === sha256;
    if (!foreign && found.kind !== 'missing') present[path] = identity(found) ?? '';
    if (same && !foreign) continue;
    if (foreign && !same && !directoryOf(path)?.shared) changed.push(path);
    missing.push({ file, sha256, replaced: foreign && !same ? replacedBy(found, file) : undefined });
  }
  if (changed.length > 0 && !force) return { kind: 'changed', files: changed.map((file) => `/${file}`) };
  return { missing, present };
}

/** Writes one file beside its place. Adds it to `prepared` before that, so that what was begun is removed too. */
async function prepare(tree: HostTree, missing: Missing, prepared: Prepared[]): Promise<HostFailure | undefined> {
  const { file } = missing;
  const nextPath = nextTo(file.path);
  const [place, next] = [await tree.place(file.path, true), await tree.place(nextPath, true)];
  const failed = [place, next].find(({ kind }) => kind === 'failed');
  if (failed?.kind === 'failed') return { ...failed, kind: 'write-failed', half: false };
  if (place.kind !== 'place' || next.kind !== 'place') return undefined;
  prepared.push({ ...missing, place: place.path, next: next.path, nextPath });
  const errno = writeNew(next.path, file);
  return errno === undefined ? undefined : writeFailed(nextPath, errno, false);
}

/**
 * They go again if a signal ends binfmt before they have their names. Discard the result at the end, also after a commit.
 * `force`: also over files that others have written or changed.
 */
export async function stageFiles(
  tree: HostTree,
  wanted: readonly HostFile[],
  force: boolean,
): Promise<StagedFiles | HostFailure> {
  const compared = await compare(tree, wanted, force);
  if ('kind' in compared) return compared;
  await removeUnfinished(tree);
  const prepared: Prepared[] = [];
  const remove = () => {
    for (const { next } of prepared) fs.rmSync(next, { force: true });
  };
  const forget = undoAtEnd(remove);
  const discard = () => {
    remove();
    forget();
  };
  for (const missing of compared.missing) {
    const failure = await prepare(tree, missing, prepared);
    if (failure === undefined) continue;
    discard();
    return failure;
  }
  const find = (file: string) => prepared.find((each) => each.file.path === file);
  return {
    pathOf: (file) => find(file)?.nextPath ?? file,
    isChanged: (file) => find(file) !== undefined,
    async commit(files) {
      const chosen = prepared.filter(({ file }) => files.includes(file.path));
      const failure = await commit(tree, chosen, compared.present);
      discard();
      return failure;
    },
    discard,
  };
}

/** Writes all of them, or none. */
export async function writeFiles(
  tree: HostTree,
  wanted: readonly HostFile[],
  force: boolean,
): Promise<HostFailure | undefined> {
  const staged = await stageFiles(tree, wanted, force);
  if ('kind' in staged) return staged;
  try {
    return await staged.commit(wanted.map(({ path }) => path));
  } finally {
    staged.discard();
  }
}

/** `present`: binfmt's own files that are there now, and their hashes. */
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

const LARGEST_REPLACED = 1 << 16; // bytes, more than any configuration has

/** An emulator of others does not come back, and neither does a configuration that names one of binfmt's. */
function replacedBy(found: Contents, file: HostFile): Replaced | undefined {
  if ('source' in file || (found.kind === 'file' && found.bytes.includes(`/${EMULATOR_DIRECTORY}/`))) return undefined;
  if (found.kind === 'link') return { link: found.target };
  if (found.kind !== 'file' || found.bytes.length > LARGEST_REPLACED) return undefined;
  return { text: found.bytes.toString('latin1') };
}

/** Writes exported files: as a tar archive, or below a directory that may be anybody's, such as an unpacked image. */
import fs from 'node:fs';
import path from 'node:path';
import { type ExportedFile, MANIFEST } from '../../core/export-files.js';
import { formatHostManifest } from '../../core/host-manifest.js';
import { tarEnd, tarHeader, tarPadding } from '../../core/tar.js';
import { undoAtEnd } from '../cleanup.js';
import { errnoOf } from '../host/files.js';
import type { HostTree } from '../host/host-tree.js';
import { stageFiles } from './host-files.js';
import { bytesOf, type HostFailure, hashOf } from './host-write.js';

/** Writes to standard output; returns the errno's name if that failed. */
export type Write = (bytes: Uint8Array) => string | undefined;

/** The archive has no entries for directories, so that unpacking it at / leaves their modes alone. Returns as `write`. */
export function writeTar(files: readonly ExportedFile[], write: Write): string | undefined {
  const hashes = Object.fromEntries(files.map((file) => [file.path, hashOf(bytesOf(file))]));
  const manifest = Buffer.from(formatHostManifest({ files: hashes }));
  const append = ({ path: name, mode }: Pick<ExportedFile, 'path' | 'mode'>, bytes: Uint8Array) =>
    write(tarHeader(name, mode, bytes.length)) ?? write(bytes) ?? write(tarPadding(bytes.length));
  for (const file of files) {
    const errno = append(file, bytesOf(file));
    if (errno) return errno;
  }
  return append({ path: MANIFEST, mode: 0o644 }, manifest) ?? write(tarEnd());
}

/** `force`: also over files that somebody has changed since the last export. All of them are written, or none. */
export async function writeFiles(
  files: readonly ExportedFile[],
  tree: HostTree,
  force: boolean,
): Promise<HostFailure | undefined> {
  let discarded = () => {};
  const begin = (discard: () => void) => {
    discarded = undoAtEnd(discard);
  };
  const wanted = files.map((file) => ({ file }));
  const staged = await stageFiles(tree, wanted, { force, begin });
  if ('kind' in staged) return staged;
  try {
    return await staged.commit(files.map((file) => file.path));
  } finally {
    discarded();
  }
}

/**
 * Creates a directory with all above it; returns the errno's name if that failed. Works level by level, because fs.mkdirSync
 * with `recursive` never returns for a path below /proc (Node.js 20).
 */
export function createDirectory(directory: string): string | undefined {
  if (fs.existsSync(directory)) return undefined;
  const errno = createDirectory(path.dirname(path.resolve(directory)));
  if (errno) return errno;
  try {
    fs.mkdirSync(directory);
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}

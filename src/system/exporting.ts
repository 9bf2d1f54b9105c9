/** Writes exported files: as a tar stream, or into a directory, where nothing is overwritten that is not ours. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type ExportedFile, formatManifest, MANIFEST, parseManifest } from '../core/export.js';
import { tarEnd, tarHeader, tarPadding } from '../core/tar.js';

/** Writes to standard output; false when that failed, or nobody reads it any more. */
export type Write = (bytes: Uint8Array) => boolean;

/** A file and what its contents are. */
export interface PreparedFile {
  readonly file: ExportedFile;
  /** Hexadecimal. */
  readonly sha256: string;
}

function bytesOf(file: ExportedFile): Buffer {
  return 'source' in file ? fs.readFileSync(file.source) : Buffer.from(file.text);
}

export function prepareFile(file: ExportedFile): PreparedFile {
  return { file, sha256: crypto.hash('sha256', bytesOf(file)) };
}

const hashes = (ready: readonly PreparedFile[]) => new Map(ready.map(({ file, sha256 }) => [file.path, sha256]));

/**
 * Returns why it failed, if it did. Without entries for directories, so that unpacking at / changes none.
 */
export function writeTar(ready: readonly PreparedFile[], write: Write): string | undefined {
  const manifest = Buffer.from(formatManifest(hashes(ready)));
  const put = ({ path: name, mode }: Pick<ExportedFile, 'path' | 'mode'>, bytes: Uint8Array) =>
    write(tarHeader(name, mode, bytes.length)) && write(bytes) && write(tarPadding(bytes.length));
  const complete =
    ready.every(({ file }) => put(file, bytesOf(file))) &&
    put({ path: MANIFEST, mode: 0o644 }, manifest) &&
    write(tarEnd());
  return complete ? undefined : 'the archive was not read to its end';
}

/** Returns why it failed, if it did: nothing is written where one of the files there is not ours. */
export function writeFiles(ready: readonly PreparedFile[], root: string, force: boolean): string | undefined {
  const there = path.join(root, MANIFEST);
  const previous = parseManifest(readIfThere(there)?.toString() ?? '');
  const foreign = ready.filter(({ file, sha256 }) => {
    const bytes = readIfThere(path.join(root, file.path));
    if (bytes === undefined) return false;
    const found = crypto.hash('sha256', bytes);
    return found !== sha256 && found !== previous?.files[file.path];
  });
  if (foreign.length > 0 && !force) {
    const names = foreign.map(({ file }) => `"${path.join(root, file.path)}"`).join(', ');
    return `${names} is not as an export has left it, and not overwritten; to do it all the same: --force`;
  }
  try {
    for (const { file } of ready) replace(path.join(root, file.path), bytesOf(file), file.mode);
    replace(there, Buffer.from(formatManifest(hashes(ready), previous)), 0o644);
    return undefined;
  } catch (error) {
    return `cannot write to "${root}": ${(error as Error).message}`;
  }
}

/** Undefined where it is not there; a file that cannot be read is not ours. */
function readIfThere(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : Buffer.alloc(0);
  }
}

/** Level by level: fs.mkdirSync with `recursive` never ends where /proc is named. */
function makeDirectory(dir: string): void {
  if (fs.existsSync(dir)) return;
  makeDirectory(path.dirname(dir));
  fs.mkdirSync(dir);
}

/** In one step, also where the old file is being executed. */
function replace(file: string, bytes: Uint8Array, mode: number): void {
  makeDirectory(path.dirname(file));
  const next = `${file}.${process.pid}.new`;
  try {
    fs.writeFileSync(next, bytes);
    fs.chmodSync(next, mode);
    fs.renameSync(next, file);
  } finally {
    fs.rmSync(next, { force: true });
  }
}

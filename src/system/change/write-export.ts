/**
 * Writes exported files: as a tar stream, or below a directory that may be anybody's, such as an unpacked image. There
 * no symbolic link leads out of the directory, even while somebody changes it, and a file that somebody has changed
 * since the last export is not overwritten.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type ExportedFile, formatManifest, MANIFEST, parseManifest } from '../../core/export-files.js';
import { tarEnd, tarHeader, tarPadding } from '../../core/tar.js';
import { errnoOf } from '../host/files.js';
import type { Launcher, OpenDirectory } from '../probing/launcher.js';

/** Writes to standard output; returns the errno's name if that failed. */
export type Write = (bytes: Uint8Array) => string | undefined;

/** Why the export failed. */
export type ExportFailure =
  /** Somebody has changed these files since the last export, so nothing was written. */
  | { readonly kind: 'changed'; readonly files: readonly string[] }
  /** A call failed for a file in `dir`, or for `dir` itself. */
  | { readonly kind: 'write-failed'; readonly dir: string; readonly errno: string }
  /** The tar stream could not be written to its end. EPIPE: its reader has ended. */
  | { readonly kind: 'output-failed'; readonly errno: string };

/** A file and the hash of its contents. */
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

/** The archive has no entries for directories, so that unpacking it at / leaves their modes alone. */
export function writeTar(ready: readonly PreparedFile[], write: Write): ExportFailure | undefined {
  const manifest = Buffer.from(formatManifest(hashes(ready)));
  const append = ({ path: name, mode }: Pick<ExportedFile, 'path' | 'mode'>, bytes: Uint8Array) =>
    write(tarHeader(name, mode, bytes.length)) ?? write(bytes) ?? write(tarPadding(bytes.length));
  for (const { file } of ready) {
    const errno = append(file, bytesOf(file));
    if (errno) return { kind: 'output-failed', errno };
  }
  const errno = append({ path: MANIFEST, mode: 0o644 }, manifest) ?? write(tarEnd());
  return errno === undefined ? undefined : { kind: 'output-failed', errno };
}

export interface Target {
  /** The root directory to write to. Symbolic links in this path itself are followed. */
  readonly root: string;
  /** Also overwrite files that somebody has changed. */
  readonly force: boolean;
}

export async function writeFiles(
  ready: readonly PreparedFile[],
  { root, force }: Target,
  launcher: Launcher,
): Promise<ExportFailure | undefined> {
  const dirs = [...new Set([...ready.map(({ file }) => file.path), MANIFEST].map((name) => path.dirname(name)))];
  const opened = new Map<string, OpenDirectory>();
  const openAll = async (create: boolean): Promise<ExportFailure | undefined> => {
    for (const dir of dirs.filter((each) => !opened.has(each))) {
      const found = await launcher.openDirectory(path.resolve(root), dir, { create });
      if (typeof found !== 'string') opened.set(dir, found);
      else if (create || found !== 'ENOENT') return failedAt(path.join(root, dir), found);
    }
    return undefined;
  };
  /** Undefined if the directory of the file does not exist yet. */
  const placeOf = (name: string) => {
    const dir = opened.get(path.dirname(name));
    return dir && path.join(dir.path, path.basename(name));
  };
  try {
    const unreadable = await openAll(false);
    if (unreadable) return unreadable;
    const old = readRegularFile(placeOf(MANIFEST));
    const previous = parseManifest(old.kind === 'read' ? old.bytes.toString() : '');
    const changed = ready.filter((prepared) => isChanged(prepared, previous?.files, placeOf(prepared.file.path)));
    const files = [...changed.map(({ file }) => file.path), ...(old.kind === 'unreadable' ? [MANIFEST] : [])];
    if (files.length > 0 && !force) return { kind: 'changed', files: files.map((name) => path.join(root, name)) };
    const uncreated = createRoot(root) ?? (await openAll(true));
    if (uncreated) return uncreated;
    const manifest = { path: MANIFEST, mode: 0o644, text: formatManifest(hashes(ready), previous) } as const;
    for (const file of [...ready.map((each) => each.file), manifest]) {
      const errno = await replace(placeOf(file.path) ?? '', file);
      if (errno) return failedAt(path.join(root, path.dirname(file.path)), errno);
    }
    return undefined;
  } finally {
    for (const dir of opened.values()) await dir.close();
  }
}

function failedAt(dir: string, errno: string): ExportFailure {
  return { kind: 'write-failed', dir, errno };
}

/** Works level by level, because fs.mkdirSync with `recursive` never returns for a path below /proc (Node.js 20). */
function createRoot(root: string): ExportFailure | undefined {
  if (fs.existsSync(root)) return undefined;
  const failure = createRoot(path.dirname(path.resolve(root)));
  if (failure) return { ...failure, dir: root } as ExportFailure;
  try {
    fs.mkdirSync(root);
    return undefined;
  } catch (error) {
    return failedAt(root, errnoOf(error));
  }
}

type Read = { readonly kind: 'read'; readonly bytes: Buffer } | { readonly kind: 'missing' | 'unreadable' };

/** Anything but a regular file is unreadable: a link is not followed, and nobody waits for the writer of a FIFO. */
function readRegularFile(place: string | undefined): Read {
  if (place === undefined) return { kind: 'missing' };
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  let fd: number | undefined;
  try {
    fd = fs.openSync(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    return fs.fstatSync(fd).isFile() ? { kind: 'read', bytes: fs.readFileSync(fd) } : { kind: 'unreadable' };
  } catch (error) {
    return { kind: errnoOf(error) === 'ENOENT' ? 'missing' : 'unreadable' };
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** Has somebody changed the file at `place` since the last export, whose hashes are `previous`? */
function isChanged(
  { file, sha256 }: PreparedFile,
  previous: Readonly<Record<string, string>> | undefined,
  place: string | undefined,
): boolean {
  const old = readRegularFile(place);
  if (old.kind !== 'read') return old.kind === 'unreadable';
  const found = crypto.hash('sha256', old.bytes);
  return found !== sha256 && found !== previous?.[file.path];
}

/**
 * Renames a finished file over the old one, which may be a program that runs at this moment. Neither a link in the
 * place of the file nor one in the place of the new file is followed. Resolves to an errno's name if it failed.
 */
async function replace(place: string, file: ExportedFile): Promise<string | undefined> {
  // Loaded here, because no other command needs it.
  const { default: fse } = await import('fs-extra');
  const next = `${place}.${crypto.randomBytes(8).toString('hex')}.new`;
  let fd: number | undefined;
  try {
    fd = await fse.open(next, 'wx');
    await fse.writeFile(fd, bytesOf(file));
    await fse.fchmod(fd, file.mode);
    await fse.rename(next, place);
    return undefined;
  } catch (error) {
    // Not fse.remove: in a tree that somebody changes, removing recursively may follow a link.
    if (fd !== undefined) await fse.unlink(next).catch(() => {});
    return errnoOf(error);
  } finally {
    if (fd !== undefined) await fse.close(fd);
  }
}

/**
 * The files of a host below its root directory, which may be anywhere: `/`, /proc/1/root, or /host. Each path is resolved as
 * if that were the root directory, so that no symbolic link leads out of it (src/native/directories.c).
 */
import fs from 'node:fs';
import path from 'node:path';
import { BINFMT_D_DIRECTORIES, type ConfigurationFile } from '../../core/persist/binfmt-d.js';
import type { Launcher, OpenDirectory } from '../probing/launcher.js';
import { errnoOf } from './files.js';

/** Where a file is: a path in /proc, whose last part is the file's name. */
export type Place =
  | { readonly kind: 'place'; readonly path: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly directory: string; readonly errno: string };

/** A link is not followed, and nothing waits for the writer of a FIFO. */
export type Contents =
  | { readonly kind: 'file'; readonly size: number; readonly bytes: Buffer }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'missing' | 'unreadable' };

export interface HostTree {
  readonly root: string;
  /** `create`: creates the directory of the file. */
  place(file: string, create?: boolean): Promise<Place>;
  /** `most`: how many bytes of it are wanted; undefined: all. */
  contents(file: string, most?: number): Promise<Contents>;
  /** Does it exist, in any form? False where a symbolic link on the way cannot be followed within the tree (before Linux 5.6). */
  has(file: string): Promise<boolean>;
  /** None if it cannot be read. */
  names(directory: string): Promise<string[]>;
  /**
   * Locks a directory against other calls of binfmt, until this one ends, and waits for them. `busy`: another one still has
   * it after a minute. What cannot be locked cannot be written either. `create`: creates the directory.
   */
  lock(directory: string, create: boolean): Promise<'locked' | 'busy'>;
  /** A directory is about to be removed: what is created at its path afterwards is another one. */
  forget(directory: string): Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds. */
const LOCK_LIMIT = 60_000;
const LOCK_INTERVAL = 50;

export function openHostTree(root: string, launcher: Launcher): HostTree {
  const opened = new Map<string, OpenDirectory>();
  const open = async (directory: string, create: boolean): Promise<OpenDirectory | string> => {
    const known = opened.get(directory);
    if (known) return known;
    // The launcher has no request for such a name.
    if (/[\t\n]/.test(directory)) return 'EINVAL';
    const found = await launcher.openDirectory(root, directory, { create });
    if (typeof found !== 'string') opened.set(directory, found);
    return found;
  };
  const place = async (file: string, create = false): Promise<Place> => {
    const directory = path.dirname(file);
    const found = await open(directory, create);
    if (typeof found !== 'string') return { kind: 'place', path: path.join(found.path, path.basename(file)) };
    if (found === 'ENOENT' && !create) return { kind: 'missing' };
    return { kind: 'failed', directory: path.join('/', directory), errno: found };
  };
  const contents = async (file: string, most?: number): Promise<Contents> => {
    const at = await place(file);
    if (at.kind !== 'place') return { kind: at.kind === 'missing' ? 'missing' : 'unreadable' };
    return readPlace(at.path, most);
  };
  return {
    root,
    place,
    contents,
    async has(file) {
      const at = await place(file);
      return at.kind === 'place' && exists(at.path);
    },
    async names(directory) {
      const found = await open(directory, false);
      return typeof found === 'string' ? [] : namesIn(found.path);
    },
    async lock(directory, create) {
      const found = await open(directory, create);
      if (typeof found === 'string') return 'locked';
      for (let waited = 0; waited < LOCK_LIMIT; waited += LOCK_INTERVAL) {
        if ((await found.lock()) !== 'EAGAIN') return 'locked';
        await new Promise((resolve) => setTimeout(resolve, LOCK_INTERVAL));
      }
      return 'busy';
    },
    async forget(directory) {
      for (const [name, found] of opened) {
        if (name !== directory && !name.startsWith(`${directory}/`)) continue;
        opened.delete(name);
        await found.close();
      }
    },
    async close() {
      for (const directory of opened.values()) await directory.close();
      opened.clear();
    },
  };
}

/** Of a link it is the link that counts. */
function exists(place: string): boolean {
  try {
    fs.lstatSync(place);
    return true;
  } catch {
    return false;
  }
}

function namesIn(place: string): string[] {
  try {
    return fs.readdirSync(place);
  } catch {
    return [];
  }
}

function readPlace(place: string, most?: number): Contents {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  let fd: number | undefined;
  try {
    fd = fs.openSync(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return { kind: 'unreadable' };
    return { kind: 'file', size: stat.size, bytes: most === undefined ? fs.readFileSync(fd) : firstBytes(fd, most) };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ELOOP') return { kind: 'link', target: fs.readlinkSync(place) };
    return { kind: errno === 'ENOENT' ? 'missing' : 'unreadable' };
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function firstBytes(fd: number, most: number): Buffer {
  const bytes = Buffer.alloc(most);
  return bytes.subarray(0, fs.readSync(fd, bytes, 0, most, 0));
}

const MOST_LINKS = 8;

/** A file, through symbolic links; undefined if there is none, or if it is /dev/null. */
export async function readThroughLinks(
  tree: HostTree,
  file: string,
  most?: number,
): Promise<Extract<Contents, { kind: 'file' }> | undefined> {
  let at = file;
  for (let i = 0; i < MOST_LINKS; i++) {
    const found = await tree.contents(at, most);
    if (found.kind === 'file') return found;
    const next = found.kind === 'link' ? followed(at, found.target) : await behindLinkedDirectory(tree, at);
    if (next === undefined) return undefined;
    at = next;
  }
  return undefined;
}

const followed = (link: string, target: string) => path.resolve('/', path.dirname(link), target).slice(1);

/** Before Linux 5.6, no link on the way is accepted. The same path without the first of them; undefined if there is none. */
async function behindLinkedDirectory(tree: HostTree, file: string): Promise<string | undefined> {
  for (let end = file.indexOf('/'); end > 0; end = file.indexOf('/', end + 1)) {
    const found = await tree.contents(file.slice(0, end), 0);
    if (found.kind === 'link') return followed(file.slice(0, end), found.target) + file.slice(end);
  }
  return undefined;
}

const LONGEST_CONFIGURATION = 1 << 16; // bytes, more than any has

/** From which the host registers entries at boot. One that cannot be read still masks others of its name. */
export async function readConfigurationFiles(tree: HostTree): Promise<ConfigurationFile[]> {
  const found: ConfigurationFile[] = [];
  for (const directory of BINFMT_D_DIRECTORIES) {
    for (const name of await tree.names(directory.slice(1))) {
      const file = await readThroughLinks(tree, `${directory.slice(1)}/${name}`, LONGEST_CONFIGURATION);
      found.push({ directory, name, text: file?.bytes ?? '' });
    }
  }
  return found;
}

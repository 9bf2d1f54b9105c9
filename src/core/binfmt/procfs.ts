/**
 * Parsers for files of /proc: mountinfo, status and attr/current. They take what was read and never
 * throw. A line that is empty, cut off or malformed is skipped.
 *
 * A file may come as bytes or as a string. Paths are decoded as UTF-8; a byte that is not UTF-8
 * becomes U+FFFD, so that such a path does not exist, and the other fields of its line are still right.
 */
import { byteString, decodeUtf8, type FileText } from '../bytes.js';
import { isLabel } from './selinux-label.js';

export interface MountPoint {
  /** The directory of the mounted file system that this mount shows: `/` unless it is a bind mount. */
  readonly root: string;
  readonly dir: string;
  /** The type of the file system, such as `binfmt_misc`. */
  readonly type: string;
  /** The mounted device or directory; undefined if there is none. */
  readonly source?: string;
  /** Options of this mount alone, such as `ro`; the file system has its own, which are not in here. */
  readonly options: readonly string[];
  /** What is mounted on it appears in its peers too. Source: mount_namespaces(7). */
  readonly shared: boolean;
}

export const BINFMT_MISC = 'binfmt_misc';
/** Where every host has it, unless it is told otherwise. */
export const BINFMT_DIRECTORY = '/proc/sys/fs/binfmt_misc';
/** A sysctl. Source: fs/binfmt_misc.c and kernel/ucount.c of Linux 7.3. Entries without flag F do not count. */
export const INTERPRETER_LIMIT = 'user.max_binfmt_misc_interpreters';
/** Its number in linux/magic.h. */
export const BINFMTFS_MAGIC = 0x42494e4d;

/** In the order of the file: of two mounts at one directory the last one is on top. Source: proc_pid_mountinfo(5). */
export function parseMountinfo(text: FileText): MountPoint[] {
  return byteString(text)
    .split('\n')
    .flatMap((line) => parseMount(line) ?? []);
}

const OPTIONAL_FIELDS = 6; // the index of the first one

function parseMount(line: string): MountPoint | undefined {
  const fields = line.split(' ');
  const separator = fields.indexOf('-', OPTIONAL_FIELDS);
  const [, , , root, dir, options] = fields;
  const [type, source, superOptions] = separator < 0 ? [] : fields.slice(separator + 1);
  // The last field is there unless the line was cut off; a source may be empty.
  if (!root || !dir || !options || !type || source === undefined || !superOptions) return undefined;
  return {
    root: decodePath(root),
    dir: decodePath(dir),
    type: decodePath(type),
    ...(source !== '' && source !== 'none' && { source: decodePath(source) }),
    options: options.split(','),
    shared: fields.slice(OPTIONAL_FIELDS, separator).some((field) => field.startsWith('shared:')),
  };
}

/** Directories at which binfmt_misc is mounted, each once. */
export function binfmtMounts(mountinfo: FileText): string[] {
  const mounts = parseMountinfo(mountinfo).filter(({ type }) => type === BINFMT_MISC);
  return [...new Set(mounts.map(({ dir }) => dir))];
}

/** Types of the file systems mounted at `dir`, the top one first; undefined for an empty file, which could not be read. */
export function typesMountedAt(dir: string, mountinfo: FileText): string[] | undefined {
  if (mountinfo.length === 0) return undefined;
  return parseMountinfo(mountinfo)
    .filter((mount) => mount.dir === dir)
    .map(({ type }) => type)
    .reverse();
}

/**
 * Directories of a container that are shared bind mounts of the host's /proc/sys/fs/binfmt_misc while
 * nothing was mounted there: a binfmt_misc that is mounted on one of them appears on the host.
 */
export function sharedHostDirectories(mountinfo: FileText): string[] {
  return parseMountinfo(mountinfo)
    .filter(({ type, root, shared }) => type === 'proc' && root === '/sys/fs/binfmt_misc' && shared)
    .map(({ dir }) => dir);
}

/** Is a mount over this directory seen by no others, and does it hide no other mount? */
export function isPrivateDirectory(dir: string, mountinfo: FileText): boolean {
  const mounts = parseMountinfo(mountinfo);
  if (mounts.some((mount) => mount.dir === dir || mount.dir.startsWith(`${dir}/`))) return false;
  const above = mounts.filter((mount) => dir.startsWith(mount.dir === '/' ? '/' : `${mount.dir}/`));
  const depth = Math.max(...above.map((mount) => mount.dir.length));
  return above.findLast((mount) => mount.dir.length === depth)?.shared === false;
}

/** The parent's process id in /proc/PID/status; 0 if there is no parent, or none that can be seen from here. */
export function parseParentPid(status: FileText): number {
  // A number without the end of its line may be cut off, and name a process that is not the parent.
  return Number(/^PPid:[ \t]*(\d+)\n/m.exec(byteString(status))?.[1] ?? 0);
}

/** The real user id in /proc/PID/status; undefined if it cannot be read. */
export function parseUserId(status: FileText): number | undefined {
  const id = /^Uid:[ \t]*(\d+)[ \t]/m.exec(byteString(status))?.[1];
  return id === undefined ? undefined : Number(id);
}

/** Bytes of a page of memory, in the beginning of /proc/PID/smaps: `KernelPageSize:        4 kB`. */
export function parsePageSize(smaps: FileText | undefined): number | undefined {
  const size = /^KernelPageSize: +(\d+) kB$/m.exec(byteString(smaps ?? ''))?.[1];
  return size === undefined ? undefined : 1024 * Number(size);
}

/** SELinux domains that the policy allows everything. The last is that of `docker run --privileged`. */
const UNCONFINED_DOMAINS: ReadonlySet<string> = new Set(['unconfined_t', 'unconfined_service_t', 'kernel_t', 'spc_t']);

/**
 * The AppArmor profile with its mode, or the SELinux context, of /proc/PID/attr/current; undefined for
 * a process that is not confined. AppArmor writes `NAME (MODE)`, or `unconfined`, and a line feed: source
 * aa_getprocattr in security/apparmor/procattr.c. SELinux writes `USER:ROLE:TYPE:LEVEL` and a zero byte, and
 * `kernel` before a policy is loaded: source proc_pid_attr(5), initial_sid_to_string.h.
 */
export function parseConfinement(text: FileText): string | undefined {
  const label = decodeUtf8(byteString(text).replace(/[\0\n]/g, '')).trim();
  if (label === '' || label === 'unconfined' || label === 'kernel') return undefined;
  // A profile in this mode allows everything that it does not name (user namespaces, on Ubuntu).
  if (label.endsWith(' (unconfined)')) return undefined;
  const domain = isLabel(label) ? label.split(':')[2] : undefined;
  return domain !== undefined && UNCONFINED_DOMAINS.has(domain) ? undefined : label;
}

/** Octal escapes stand for bytes, not for characters: they are undone before UTF-8 is decoded. */
function decodePath(field: string): string {
  const bytes = field.replace(/\\([0-3][0-7]{2})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
  return decodeUtf8(bytes);
}

/**
 * A user and mount namespace with a binfmt_misc of its own, for the launcher and for the command that it becomes.
 * This program stays outside: it sees what is mounted in there through the launcher's directory in /proc.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { mountFailure, namespaceFailure } from '../core/causes.js';
import type { Failure } from '../core/failure.js';
import { formatIdMap, parseIdMap, sameIds, subordinateIds } from '../core/identity.js';
import type { Registry } from '../core/snapshot.js';
import { writeTo } from './binfmt-fs.js';
import type { Launcher } from './launcher.js';
import { readText } from './machine.js';
import { DEFAULT_MOUNT, TYPE } from './mounting.js';

export interface Entered {
  readonly registry: Registry;
  /** What the user should know, as that there is one id only. */
  readonly notes: readonly string[];
}

/** `root`: the command is to be root, with more ids than one where they can be had. */
export async function enterNamespace(
  launcher: Launcher,
  { root }: { readonly root: boolean },
): Promise<Entered | Failure> {
  const errno = await launcher.unshare('user,mount');
  if (errno !== undefined) return refused('unshare', errno);
  const mapped = process.getuid?.() === 0 ? keepIds(process.ppid) : await becomeRoot(launcher, root);
  if ('code' in mapped) return mapped;
  const registry = await mountPrivately(launcher);
  return 'code' in registry ? registry : { registry, notes: mapped.notes };
}

/** The caller's own uid and gid again, for whom `enterNamespace` has made root. Entries are inherited. */
export async function returnToOwnIds(launcher: Launcher): Promise<Failure | undefined> {
  if (process.getuid?.() === 0) return undefined;
  const errno = (await launcher.unshare('user')) ?? (await mapOne(launcher, { inside: 'own', outside: 'root' }));
  return errno === undefined ? undefined : refused('unshare', errno);
}

/** What a root directory lacks to be more than files: the host's pseudo file systems, and its name servers. */
export async function furnish(dir: string, launcher: Launcher): Promise<Failure | undefined> {
  for (const from of ['/proc', '/sys', '/dev', '/etc/resolv.conf']) {
    const there = path.join(dir, from);
    if (!fs.existsSync(there) || !fs.existsSync(from)) continue;
    const errno = await launcher.bind(from, there);
    if (errno !== undefined)
      return { ...mountFailure(there, errno), cause: `cannot bind ${from} to ${there} (${errno})` };
  }
  return undefined;
}

interface Mapped {
  readonly notes: readonly string[];
}

/** For root, all ids that it has here: setuid programs and package managers work. They are given from outside. */
function keepIds(pid: number): Mapped | Failure {
  for (const kind of ['uid', 'gid'] as const) {
    const map = sameIds(parseIdMap(readText(`/proc/self/${kind}_map`)));
    const denied = writeTo(`/proc/${pid}/${kind}_map`, formatIdMap(map));
    if (denied) return refused(`${kind}_map`, denied.errno);
  }
  return { notes: [] };
}

async function becomeRoot(launcher: Launcher, many: boolean): Promise<Mapped | Failure> {
  const missing = many ? await mapMany(process.ppid) : undefined;
  if (many && missing === undefined) return { notes: [] };
  const errno = await mapOne(launcher, { inside: 'root', outside: 'own' });
  if (errno !== undefined) return refused('uid_map', errno);
  return {
    notes:
      missing === undefined
        ? []
        : [`binfmt: only one user in there, root: package managers may need more (${missing})`],
  };
}

/** Without privileges a process may map its own id only, and has to give up setgroups(2) for the group. */
async function mapOne(
  launcher: Launcher,
  { inside, outside }: { readonly inside: 'root' | 'own'; readonly outside: 'root' | 'own' },
): Promise<string | undefined> {
  const ids = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await launcher.writeExisting('/proc/self/setgroups', 'deny');
  for (const kind of ['uid', 'gid'] as const) {
    const id = (which: 'root' | 'own') => (which === 'root' ? 0 : ids[kind]);
    const map = formatIdMap([{ inside: id(inside), outside: id(outside), count: 1 }]);
    const errno = await launcher.writeExisting(`/proc/self/${kind}_map`, map);
    if (errno !== undefined) return errno;
  }
  return undefined;
}

/** With newuidmap and newgidmap, as rootless containers do. What is missing, if it could not be done. */
async function mapMany(pid: number): Promise<string | undefined> {
  const { spawnSync } = await import('node:child_process');
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const name = userName() ?? String(uid);
  for (const [tool, file, own] of [
    ['newuidmap', '/etc/subuid', uid],
    ['newgidmap', '/etc/subgid', gid],
  ] as const) {
    const lent = subordinateIds(readText(file), { name, uid });
    if (lent === undefined)
      return `${file} lends none to ${name}: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`;
    const map = [0, own, 1, 1, lent.start, lent.count].map(String);
    const { error, status, stderr } = spawnSync(tool, [String(pid), ...map], { encoding: 'utf8' });
    if (error) return `no ${tool}: sudo apt-get install uidmap`;
    if (status !== 0) return stderr.trim();
  }
  return undefined;
}

/** Undefined for a uid without a name. */
function userName(): string | undefined {
  try {
    return os.userInfo().username;
  } catch {
    return undefined;
  }
}

/** Mounting it anywhere makes the kernel load the module, and that makes the usual place. */
async function mountPrivately(launcher: Launcher): Promise<Registry | Failure> {
  let errno = await launcher.mount(TYPE, DEFAULT_MOUNT);
  if (errno === 'ENOENT') {
    const elsewhere = os.tmpdir();
    errno = await launcher.mount(TYPE, elsewhere);
    if (errno === undefined) {
      await launcher.umount(elsewhere);
      errno = await launcher.mount(TYPE, DEFAULT_MOUNT);
    }
  }
  if (errno !== undefined) return refused('mount', errno);
  return { kind: 'writable', dir: `/proc/${process.ppid}/root${DEFAULT_MOUNT}`, mountedHere: true };
}

function refused(step: 'unshare' | 'mount' | 'uid_map' | 'gid_map', errno: string): Failure {
  const restricted = readText('/proc/sys/kernel/apparmor_restrict_unprivileged_userns').trim() === '1';
  const most = Number(readText('/proc/sys/user/max_user_namespaces').trim() || Number.NaN);
  const debian = readText('/proc/sys/kernel/unprivileged_userns_clone').trim() === '0';
  return namespaceFailure(step, errno, { kernel: os.release(), restricted, none: most === 0, debian });
}

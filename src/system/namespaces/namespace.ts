/**
 * A user and mount namespace with a binfmt_misc of its own, for the launcher and for the command that it becomes. This
 * program stays outside, and sees what is mounted inside through the launcher's directory in /proc.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BINFMT_DIRECTORY, BINFMT_MISC } from '../../core/binfmt/procfs.js';
import type { WritableMount } from '../../core/binfmt/snapshot.js';
import { bindFailed } from '../../core/install/request-problems.js';
import { formatIdMap, parseIdMap, sameIds, subordinateIds } from '../../core/namespaces/id-map.js';
import { type NamespaceStep, namespaceProblem, namespaceSettings } from '../../core/namespaces/namespace-problems.js';
import type { MissingIds } from '../../core/note.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { writeTo } from '../binfmt/entries.js';
import { readText } from '../host/files.js';
import type { Launcher } from '../probing/launcher.js';

export type Entered =
  | { readonly kind: 'entered'; readonly binfmt: WritableMount; readonly missing?: MissingIds }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** `root`: the command will be root inside, with more than one id if the user may map more. */
export async function enterNamespace(launcher: Launcher, { root }: { readonly root: boolean }): Promise<Entered> {
  const errno = await launcher.unshare('user,mount');
  if (errno !== undefined) return refused('unshare', errno);
  const mapped = process.getuid?.() === 0 ? keepIds(process.ppid) : await becomeRoot(launcher, root);
  if (mapped.kind === 'refused') return mapped;
  const mount = await mountPrivately(launcher);
  return mount.kind === 'refused' ? mount : { kind: 'entered', binfmt: mount, missing: mapped.missing };
}

/** Gives the command the caller's uid and gid again, after `enterNamespace` made it root. Entries are inherited. */
export async function returnToOwnIds(launcher: Launcher): Promise<Problem | undefined> {
  if (process.getuid?.() === 0) return undefined;
  const errno = (await launcher.unshare('user')) ?? (await mapOneId(launcher, { inside: 'own', outside: 'root' }));
  return errno === undefined ? undefined : refused('unshare', errno).problem;
}

/** Programs below a root directory need the host's pseudo file systems and name servers, if it has a place for them. */
export async function bindHostFilesystems(root: string, launcher: Launcher): Promise<Problem | undefined> {
  for (const from of ['/proc', '/sys', '/dev', '/etc/resolv.conf']) {
    const to = path.join(root, from);
    if (!fs.existsSync(to) || !fs.existsSync(from)) continue;
    const errno = await launcher.bind(from, to);
    if (errno !== undefined) return problemOf(bindFailed, to, { from, to, errno });
  }
  return undefined;
}

export type Refused = Extract<Entered, { kind: 'refused' }>;
type Mapped = { readonly kind: 'mapped'; readonly missing?: MissingIds } | Refused;

/** Root keeps all ids that it has here, so that setuid programs and package managers work. They are mapped from outside. */
function keepIds(pid: number): Mapped {
  for (const kind of ['uid', 'gid'] as const) {
    const map = sameIds(parseIdMap(readText(`/proc/self/${kind}_map`)));
    const denied = writeTo(`/proc/${pid}/${kind}_map`, formatIdMap(map));
    if (denied) return refused(`${kind}_map`, denied.errno);
  }
  return { kind: 'mapped' };
}

async function becomeRoot(launcher: Launcher, manyIds: boolean): Promise<Mapped> {
  const missing = manyIds ? await mapSubordinateIds(process.ppid) : undefined;
  if (manyIds && missing === undefined) return { kind: 'mapped' };
  const errno = await mapOneId(launcher, { inside: 'root', outside: 'own' });
  return errno === undefined ? { kind: 'mapped', missing } : refused('uid_map', errno);
}

type Id = 'root' | 'own';

/** A process without privileges may map its own id only, and must give up setgroups(2) to map its group. */
async function mapOneId(
  launcher: Launcher,
  { inside, outside }: { readonly inside: Id; readonly outside: Id },
): Promise<string | undefined> {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await launcher.writeExisting('/proc/self/setgroups', 'deny');
  for (const kind of ['uid', 'gid'] as const) {
    const numberOf = (id: Id) => (id === 'root' ? 0 : own[kind]);
    const map = formatIdMap([{ inside: numberOf(inside), outside: numberOf(outside), count: 1 }]);
    const errno = await launcher.writeExisting(`/proc/self/${kind}_map`, map);
    if (errno !== undefined) return errno;
  }
  return undefined;
}

/** Maps a range with newuidmap and newgidmap, as rootless containers do. Returns what is missing for that. */
async function mapSubordinateIds(pid: number): Promise<MissingIds | undefined> {
  const { spawnSync } = await import('node:child_process');
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const user = userName() ?? String(uid);
  for (const [program, file, own] of [
    ['newuidmap', '/etc/subuid', uid],
    ['newgidmap', '/etc/subgid', gid],
  ] as const) {
    const range = subordinateIds(readText(file), { name: user, uid });
    if (range === undefined) return { kind: 'no-range', file, user };
    const map = [0, own, 1, 1, range.start, range.count].map(String);
    const { error, status, stderr } = spawnSync(program, [String(pid), ...map], { encoding: 'utf8' });
    if (error) return { kind: 'no-program', program };
    if (status !== 0) return { kind: 'refused', output: stderr.trim() };
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

/** The usual directory is missing until the module is loaded, and mounting anywhere makes the kernel load it. */
export async function mountPrivately(launcher: Launcher): Promise<WritableMount | Refused> {
  let errno = await launcher.mount(BINFMT_MISC, BINFMT_DIRECTORY);
  if (errno === 'ENOENT') {
    const elsewhere = os.tmpdir();
    errno = await launcher.mount(BINFMT_MISC, elsewhere);
    if (errno === undefined) {
      await launcher.umount(elsewhere);
      errno = await launcher.mount(BINFMT_MISC, BINFMT_DIRECTORY);
    }
  }
  if (errno !== undefined) return refused('mount', errno);
  return { kind: 'writable', dir: `/proc/${process.ppid}/root${BINFMT_DIRECTORY}`, mountedHere: true };
}

function refused(step: NamespaceStep, errno: string): Refused {
  const settings = Object.fromEntries(
    namespaceSettings.map((name) => {
      const text = readText(`/proc/sys/${name.replaceAll('.', '/')}`).trim();
      return [name, text === '' ? undefined : Number(text)];
    }),
  );
  return { kind: 'refused', problem: namespaceProblem(step, errno, { kernel: os.release(), settings }) };
}

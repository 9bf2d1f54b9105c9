/**
 * The places where probes run: an empty directory that holds nothing but their executables, as root directory
 * where chroot is allowed; else memory.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Architecture } from '../core/architectures.js';
import { probeExecutable } from '../core/elf.js';
import type { Executable, Execution, Launcher } from './launcher.js';

/** `folder` undefined: in memory. */
export interface Place {
  readonly folder: string | undefined;
  readonly chroot: boolean;
}

/** A program of an architecture, with the whole environment that it gets. */
export interface Request {
  readonly architecture: Architecture;
  readonly environment?: readonly string[];
  /** In the place of the architecture's probe. */
  readonly program?: Uint8Array;
}

/** What the launcher is to be given for `requests`, and where the files lie; no `dir`: in memory. */
export interface Prepared {
  readonly runs: readonly Execution[];
  readonly files: readonly Executable[];
  readonly dir?: string;
}

/** Lends the requests' executables to `use`. Undefined: the place cannot be used at all. */
export async function prepareIn<T>(
  place: Place,
  requests: readonly Request[],
  launcher: Launcher,
  use: (prepared: Prepared) => Promise<T>,
): Promise<T | undefined> {
  if (place.folder === undefined) return use({ runs: await runsInMemory(requests, launcher), files: [] });
  if (/[\t\n]/.test(place.folder)) return undefined;
  let dir: string;
  try {
    dir = fs.mkdtempSync(path.join(place.folder, 'binfmt-probe-'));
  } catch {
    return undefined;
  }
  directories.add(dir);
  const names = requests.map(({ architecture, program }, i) =>
    program ? `${architecture.name}-${i}` : architecture.name,
  );
  const programs = new Map(requests.map((request, i) => [names[i] ?? '', bytesOf(request)]));
  const files = [...programs].map(([name, bytes]) => ({ file: path.join(dir, name), bytes }));
  const runs = requests.map(({ environment }, i): Execution => {
    if (!place.chroot) return { file: path.join(dir, names[i] ?? ''), environment };
    return { root: dir, file: `/${names[i]}`, environment };
  });
  try {
    return await use({ runs, files, dir });
  } finally {
    remove(dir);
  }
}

function bytesOf({ architecture, program }: Request): Uint8Array {
  return program ?? probeExecutable(architecture);
}

/** An executable deeper in a directory of `prepareIn`, which is made for it. */
export function fileBelow(dir: string, file: string, bytes: Uint8Array): Executable {
  const below = path.join(dir, file);
  fs.mkdirSync(path.dirname(below), { recursive: true });
  return { file: below, bytes };
}

/** Those that are in use now. */
const directories = new Set<string>();

function remove(dir: string): void {
  fs.rmSync(dir, { recursive: true, force: true });
  directories.delete(dir);
}

/** For when this program is told to end in the middle of a probe. */
export function removeDirectories(): void {
  directories.forEach(remove);
}

/** Paths of the probes that each launcher holds in memory, as long as it lives. */
const held = new WeakMap<Launcher, Map<Architecture, string>>();

async function runsInMemory(requests: readonly Request[], launcher: Launcher): Promise<Execution[]> {
  const files = held.get(launcher) ?? new Map<Architecture, string>();
  held.set(launcher, files);
  const runs: Execution[] = [];
  for (const request of requests) {
    const { architecture, environment, program } = request;
    const known = program ? undefined : files.get(architecture);
    const file = known ?? (await launcher.holdInMemory(bytesOf(request)));
    if (!program) files.set(architecture, file);
    runs.push({ file, environment });
  }
  return runs;
}

/**
 * Runs probes: writes the executables into a directory of their own, has the launcher run them all at
 * once in it as an empty root, and removes it. Where something is forbidden (chroot, every directory
 * read-only or noexec) it makes do with less, down to executables that are held in memory.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Architecture } from '../core/architectures.js';
import { probeExecutable } from '../core/elf.js';
import { type Outcome, type Probe, SHORTAGES, verdictOf } from '../core/probe.js';
import { type Launcher, names, type Run } from './launcher.js';

const LIMIT = 2000; // milliseconds, for each probe
/** Where a directory may be made, the best first; /dev is what a read-only container still has. */
const FOLDERS = [os.tmpdir(), '/dev/shm', '/run', '/dev'];

/** A program of an architecture, with the whole environment that it gets. */
export interface Request {
  readonly architecture: Architecture;
  readonly environment?: readonly string[];
}

export type Prober = (requests: readonly Request[]) => Promise<Outcome[]>;

/** Where probes run; `folder` undefined: in memory. */
interface Place {
  readonly folder: string | undefined;
  readonly chroot: boolean;
}

/**
 * `own`: the machine's own architecture, whose probe shows whether a place is good for running anything.
 * The place that was found is kept for later calls.
 */
export function createProber(launcher: Launcher, own: Architecture | undefined): Prober {
  let places: Place[] = [...FOLDERS.map((folder) => ({ folder, chroot: true })), { folder: undefined, chroot: false }];
  let settled = own === undefined;
  const inGoodPlace = async (requests: readonly Request[]): Promise<Outcome[]> => {
    for (;;) {
      const [place] = places as [Place, ...Place[]];
      const control = settled || own === undefined ? [] : [{ architecture: own }];
      const outcomes = await runIn(place, [...control, ...requests], launcher);
      if (outcomes?.some(({ kind }) => kind === 'chroot')) {
        places = places.map(({ folder }) => ({ folder, chroot: false }));
      } else if (places.length > 1 && (outcomes === undefined || isForbidden(outcomes[0], control.length))) {
        places = places.slice(1);
      } else {
        settled = true;
        return outcomes?.slice(control.length) ?? [];
      }
    }
  };
  return async (requests) => {
    if (requests.length === 0) return [];
    const outcomes = await inGoodPlace(requests);
    // All at once may be too much for this machine: what was too slow, or not to be had, is tried alone.
    for (const [i, outcome] of outcomes.entries()) {
      const request = requests[i];
      if (request === undefined || requests.length === 1 || !isShort(outcome)) continue;
      const [alone] = await inGoodPlace([request]);
      if (alone) outcomes[i] = alone;
    }
    return outcomes;
  };
}

function isShort({ kind, number }: Outcome): boolean {
  return kind === 'timeout' || (kind === 'exec' && SHORTAGES.has(names.errno(number)));
}

/** What runs everywhere is not run here, as on a noexec or full file system. Asked of the control, the first outcome. */
function isForbidden(outcome: Outcome | undefined, controls: number): boolean {
  return controls > 0 && outcome?.kind === 'exec' && !isShort(outcome);
}

/** Undefined: the place cannot be used at all. */
async function runIn(place: Place, requests: readonly Request[], launcher: Launcher): Promise<Outcome[] | undefined> {
  if (place.folder === undefined) return runInMemory(requests, launcher);
  if (/[\t\n]/.test(place.folder)) return undefined;
  let dir: string;
  try {
    dir = fs.mkdtempSync(path.join(place.folder, 'binfmt-probe-'));
  } catch {
    return undefined;
  }
  directories.add(dir);
  const programs = [...new Set(requests.map(({ architecture }) => architecture))];
  const files = programs.map((each) => ({ file: path.join(dir, each.name), bytes: probeExecutable(each) }));
  try {
    const runs = requests.map(({ architecture, environment }): Run => {
      if (!place.chroot) return { file: path.join(dir, architecture.name), environment };
      return { root: dir, file: `/${architecture.name}`, environment };
    });
    const outcomes = await launcher.run(runs, LIMIT, files);
    return outcomes?.map((outcome) => ({ ...outcome, exe: outcome.exe.startsWith(`${dir}/`) ? NATIVE : outcome.exe }));
  } finally {
    remove(dir);
  }
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

async function hold(architecture: Architecture, launcher: Launcher): Promise<string> {
  const files = held.get(launcher) ?? new Map<Architecture, string>();
  held.set(launcher, files);
  const file = files.get(architecture) ?? (await launcher.holdInMemory(probeExecutable(architecture)));
  files.set(architecture, file);
  return file;
}

/** Stands in `exe` for the program itself: no interpreter ran it. */
const NATIVE = '(itself)';

async function runInMemory(requests: readonly Request[], launcher: Launcher): Promise<Outcome[] | undefined> {
  const runs: Run[] = [];
  for (const { architecture, environment } of requests) {
    runs.push({ file: await hold(architecture, launcher), environment });
  }
  const outcomes = await launcher.run(runs, LIMIT);
  return outcomes?.map((outcome) => ({ ...outcome, exe: outcome.exe.startsWith('/memfd:') ? NATIVE : outcome.exe }));
}

export function probeOf(architecture: Architecture, outcome: Outcome): Probe {
  const { exe, microseconds } = outcome;
  const seen = exe === NATIVE ? { native: true } : { native: false, interpreter: exe };
  return { verdict: verdictOf(architecture, outcome, names), microseconds, ...(exe === '' ? {} : seen) };
}

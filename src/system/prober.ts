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
import { type Outcome, type Probe, verdictOf } from '../core/probe.js';
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
  return async (requests) => {
    const control = own ? [{ architecture: own }] : [];
    for (;;) {
      const [place] = places as [Place, ...Place[]];
      const outcomes = await runIn(place, [...control, ...requests], launcher);
      if (outcomes?.some(({ kind }) => kind === 'chroot')) {
        places = places.map(({ folder }) => ({ folder, chroot: false }));
      } else if (places.length > 1 && (outcomes === undefined || isForbidden(outcomes[0]))) {
        places = places.slice(1);
      } else {
        return outcomes?.slice(control.length) ?? [];
      }
    }
  };
}

/** The processor's own program may not be executed here: a noexec mount. */
function isForbidden(outcome: Outcome | undefined): boolean {
  return outcome?.kind === 'exec' && names.errno(outcome.number) === 'EACCES';
}

/** Undefined: the place cannot be used at all. */
async function runIn(place: Place, requests: readonly Request[], launcher: Launcher): Promise<Outcome[] | undefined> {
  if (place.folder === undefined) return runInMemory(requests, launcher);
  let dir: string;
  try {
    dir = fs.mkdtempSync(path.join(place.folder, 'binfmt-probe-'));
  } catch {
    return undefined;
  }
  try {
    const root = place.chroot ? dir : undefined;
    const runs = requests.map(({ architecture, environment }) => ({
      file: write(architecture, dir, root),
      root,
      environment,
    }));
    const outcomes = await launcher.run(runs, LIMIT);
    return outcomes.map((outcome) => ({ ...outcome, exe: outcome.exe.startsWith(`${dir}/`) ? NATIVE : outcome.exe }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return undefined;
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
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

/** Writes the probe if it is not there yet; returns its path as seen from `root`. */
function write(architecture: Architecture, dir: string, root: string | undefined): string {
  const file = path.join(dir, architecture.name);
  if (!fs.existsSync(file)) {
    fs.writeFileSync(file, probeExecutable(architecture));
    fs.chmodSync(file, 0o755); // whatever the umask is
  }
  return root === undefined ? file : `/${architecture.name}`;
}

async function runInMemory(requests: readonly Request[], launcher: Launcher): Promise<Outcome[]> {
  const runs: Run[] = [];
  for (const { architecture, environment } of requests) {
    runs.push({ file: await hold(architecture, launcher), environment });
  }
  const outcomes = await launcher.run(runs, LIMIT);
  return outcomes.map((outcome) => ({ ...outcome, exe: outcome.exe.startsWith('/memfd:') ? NATIVE : outcome.exe }));
}

export function probeOf(architecture: Architecture, outcome: Outcome): Probe {
  const { exe, microseconds } = outcome;
  const seen = exe === NATIVE ? { native: true } : { native: false, interpreter: exe };
  return { verdict: verdictOf(architecture, outcome, names), microseconds, ...(exe === '' ? {} : seen) };
}

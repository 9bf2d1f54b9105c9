/**
 * Runs probes: all at once, in an empty root directory that is made for them. Where something is forbidden
 * (chroot, every directory read-only or noexec) it makes do with less, down to executables that are held in
 * memory.
 */
import os from 'node:os';
import type { Architecture } from '../core/architectures.js';
import { loaderExecutable } from '../core/elf.js';
import { type Outcome, type Probe, SHORTAGES, verdictOf } from '../core/probe.js';
import { type Executable, type ExecutedFile, type Launcher, osNames } from './launcher.js';
import { fileBelow, type Place, prepareIn, type Request } from './probe-places.js';

const LIMIT = 2000; // milliseconds, for each probe
/** Where a directory may be made, the best first; /dev is what a read-only container still has. */
const FOLDERS = [os.tmpdir(), '/dev/shm', '/run', '/dev'];

export interface Prober {
  run(requests: readonly Request[]): Promise<Outcome[]>;
  /**
   * The file that the kernel starts for the probe of each architecture, also where it is a dynamically linked
   * emulator, if its loader is on one of the usual paths; undefined where none could be seen.
   */
  look(architectures: readonly Architecture[]): Promise<(ExecutedFile | undefined)[]>;
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
  const run = async (requests: readonly Request[]) => {
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
  const look = async (architectures: readonly Architecture[]) => {
    if (!settled) await inGoodPlace([]);
    const [place] = places as [Place, ...Place[]];
    const requests = architectures.map((architecture) => ({ architecture }));
    const seen = await prepareIn(place, requests, launcher, ({ runs, files, dir }) => {
      const below = own && dir !== undefined && place.chroot ? loadersBelow(dir, own) : [];
      return launcher.inspectExec(runs, LIMIT, [...files, ...below]);
    });
    return seen ?? [];
  };
  return { run, look };
}

/** In an empty root directory the kernel would find no loader, and start nothing that could be looked at. */
function loadersBelow(dir: string, own: Architecture): Executable[] {
  return (own.loaders ?? []).map((file) => fileBelow(dir, file, loaderExecutable(own)));
}

function isShort({ kind, number }: Outcome): boolean {
  return kind === 'timeout' || (kind === 'exec' && SHORTAGES.has(osNames.errno(number)));
}

/** What runs everywhere is not run here, as on a noexec or full file system. Asked of the control, the first outcome. */
function isForbidden(outcome: Outcome | undefined, controls: number): boolean {
  return controls > 0 && outcome?.kind === 'exec' && !isShort(outcome);
}

/** Stands in `exe` for the program itself: no interpreter ran it. */
const NATIVE = '(itself)';

/** Undefined: the place cannot be used at all. */
function runIn(place: Place, requests: readonly Request[], launcher: Launcher): Promise<Outcome[] | undefined> {
  return prepareIn(place, requests, launcher, async ({ runs, files, dir }) => {
    const outcomes = await launcher.run(runs, LIMIT, files);
    const program = dir === undefined ? '/memfd:' : `${dir}/`;
    return outcomes?.map((outcome) => ({ ...outcome, exe: outcome.exe.startsWith(program) ? NATIVE : outcome.exe }));
  });
}

export function probeOf(architecture: Architecture, outcome: Outcome): Probe {
  const { exe, microseconds } = outcome;
  const seen = exe === NATIVE ? { native: true } : { native: false, interpreter: exe };
  return { verdict: verdictOf(architecture, outcome, osNames), microseconds, ...(exe === '' ? {} : seen) };
}

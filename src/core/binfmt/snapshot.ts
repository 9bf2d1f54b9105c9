/** One immutable picture of the machine, and what follows from it without asking the machine again. */
import type { Architecture } from '../platform/architectures.js';
import type { Problem } from '../problem.js';
import type { Entry } from './entry.js';
import { interpreterOf, type ProbeResult, runsEverywhere } from './probe.js';
import { takesProgramsOf } from './probe-executable.js';

/** A binfmt_misc file system that can be written to. */
export interface WritableMount {
  readonly kind: 'writable';
  readonly dir: string;
  /** binfmt mounted it. */
  readonly mountedHere: boolean;
  /** The directory was made for it, and goes with it. */
  readonly temporary?: boolean;
  /** Why it is not at the usual place. */
  readonly insteadOf?: Problem;
  /** The process that keeps its namespaces, if these are not binfmt's own. */
  readonly keeper?: number;
}

/** Does it end with binfmt, unless something is done about it? */
export function isOwnMount({ mountedHere, keeper }: WritableMount): boolean {
  return mountedHere && keeper === undefined;
}

/** The binfmt_misc file system, as far as this process can use it. */
export type BinfmtMount =
  | WritableMount
  | { readonly kind: 'readable'; readonly dir: string; readonly problem: Problem }
  | { readonly kind: 'unavailable'; readonly problem: Problem };

/** The emulator of an architecture that comes with binfmt: a file that was looked at, and not yet tried. */
export interface Emulator {
  /** The name of its file, and of its entry. */
  readonly name: string;
  readonly path: string;
  /** Why it cannot be registered; undefined if it can. */
  readonly unusable?: Problem;
  /** The version that it prints; undefined if it was not asked, or is not QEMU. */
  readonly version?: string;
}

export interface Snapshot {
  /** The architecture of this very program. */
  readonly own?: Architecture;
  /** The processor's architecture, if binfmt is emulated itself. */
  readonly emulatedOn?: Architecture;
  /** As `uname -r` prints it. */
  readonly kernel: string;
  readonly binfmt: BinfmtMount;
  /** Newest first: the order in which the kernel looks for one that matches. */
  readonly entries: readonly Entry[];
  readonly emulators: ReadonlyMap<Architecture, Emulator>;
  /** Where they are looked for, and what stands before `qemu-TARGET` in their names. */
  readonly emulatorDirectory: { readonly path: string; readonly prefix: string };
  readonly probes: ReadonlyMap<Architecture, ProbeResult>;
  /** QEMU's version behind the entry that the kernel takes, for the architectures that were asked. */
  readonly registeredVersions: ReadonlyMap<Architecture, string>;
}

/** What runs the programs of an architecture. */
export type Runner =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'processor' }
  | { readonly kind: 'entry'; readonly entry: Entry }
  /** An entry that cannot be read from here. */
  | { readonly kind: 'hidden-entry'; readonly interpreter?: string };

/** The enabled entries that match programs of this architecture, newest first. */
export function matchingEntries(architecture: Architecture, entries: readonly Entry[]): Entry[] {
  return entries.filter((entry) => entry.enabled && takesProgramsOf(architecture, entry));
}

/**
 * The entry that the kernel takes for programs of this architecture. If several match, the interpreter that was seen
 * to start tells which; if none was seen, it is the newest.
 */
export function activeEntry(architecture: Architecture, { entries, probes }: Snapshot): Entry | undefined {
  const candidates = matchingEntries(architecture, entries);
  const seen = interpreterOf(probes.get(architecture)) ?? '';
  return candidates.find(({ interpreter, resolved }) => [interpreter, resolved].includes(seen)) ?? candidates[0];
}

/** Who runs an architecture's programs. */
export function runnerOf(architecture: Architecture, snapshot: Snapshot): Runner {
  const probe = snapshot.probes.get(architecture);
  if (probe === undefined || !runsEverywhere(probe)) return { kind: 'nothing' };
  if (probe.ranBy === 'processor') return { kind: 'processor' };
  const entry = activeEntry(architecture, snapshot);
  if (entry) return { kind: 'entry', entry };
  const readable = snapshot.binfmt.kind !== 'unavailable' || architecture === snapshot.own;
  if (probe.ranBy === 'unknown' && readable) return { kind: 'processor' };
  return { kind: 'hidden-entry', interpreter: interpreterOf(probe) };
}

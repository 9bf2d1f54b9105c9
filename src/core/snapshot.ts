/** One immutable picture of the machine, and what can be read off it without asking again. */
import type { Architecture } from './architectures.js';
import { takesProgramsOf } from './elf.js';
import type { Entry } from './entry.js';
import type { Failure } from './failure.js';
import type { Probe } from './probe.js';

/** The binfmt_misc file system, as far as this process can use it. */
export type Registry =
  /** `made`: the directory was made for it. */
  | { readonly kind: 'writable'; readonly dir: string; readonly mountedHere: boolean; readonly made?: boolean }
  | { readonly kind: 'readable'; readonly dir: string; readonly failure: Failure }
  | { readonly kind: 'closed'; readonly failure: Failure };

/** The emulator of an architecture beside this program, looked at, not yet trusted. */
export interface Emulator {
  /** The name of its entry: file name and entry name are one. */
  readonly name: string;
  readonly path: string;
  /** Why it cannot be registered; undefined for a good one. */
  readonly unusable?: Failure;
  /** As it answers itself; undefined when it was not asked, or is not QEMU. */
  readonly version?: string;
}

export interface Snapshot {
  /** The machine's own architecture. */
  readonly own: Architecture | undefined;
  /** `uname -r` */
  readonly kernel: string;
  readonly registry: Registry;
  /** Newest first: the order in which the kernel looks. */
  readonly entries: readonly Entry[];
  readonly emulators: ReadonlyMap<Architecture, Emulator>;
  readonly probes: ReadonlyMap<Architecture, Probe>;
  /** The version of the emulator that the kernel picks, for the architectures that were asked. */
  readonly registeredVersions: ReadonlyMap<Architecture, string>;
}

/** What runs the programs of an architecture. */
export type Runner =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'native' }
  | { readonly kind: 'entry'; readonly entry: Entry }
  /** An entry that cannot be read from here. */
  | { readonly kind: 'unseen'; readonly interpreter?: string };

/** Entries that the kernel would take a program of this architecture to, newest first. */
export function matchingEntries(architecture: Architecture, entries: readonly Entry[]): Entry[] {
  return entries.filter((entry) => entry.enabled && takesProgramsOf(architecture, entry));
}

/**
 * The entry that the kernel takes programs of this architecture to. Where several match, the interpreter that
 * it was seen to start tells which; where that could not be seen, it is the newest.
 */
export function pickedEntry(architecture: Architecture, { entries, probes }: Snapshot): Entry | undefined {
  const candidates = matchingEntries(architecture, entries);
  const seen = probes.get(architecture)?.interpreter;
  return candidates.find(({ interpreter, resolved }) => [interpreter, resolved].includes(seen ?? '')) ?? candidates[0];
}

/** Who runs an architecture's programs. */
export function runnerOf(architecture: Architecture, snapshot: Snapshot): Runner {
  const probe = snapshot.probes.get(architecture);
  if (probe?.verdict.kind !== 'runs') return { kind: 'nothing' };
  if (probe.native) return { kind: 'native' };
  const entry = pickedEntry(architecture, snapshot);
  if (entry) return { kind: 'entry', entry };
  const unread = snapshot.registry.kind === 'closed' && architecture !== snapshot.own;
  if (probe.native === undefined && !unread) return { kind: 'native' };
  return { kind: 'unseen', interpreter: probe.interpreter };
}

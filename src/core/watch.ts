/** What a watcher has to know: what it keeps working, how that stands, and what changed in the entries. */
import { allowedAt, type Backoff, type BackoffLimits } from './backoff.js';
import { takesProgramsOf } from './elf.js';
import type { Entry } from './entry.js';
import type { Failure } from './failure.js';
import type { Platform } from './platform.js';

/** Why something had to be registered again; labels of a metric. */
export const restoreCauses = ['removed', 'disabled', 'replaced', 'shadowed', 'broken'] as const;
export type RestoreCause = (typeof restoreCauses)[number];

/** One platform that is kept working. */
export interface Watched {
  readonly platform: Platform;
  /** Undefined: it was probed and runs. */
  readonly failure?: Failure | undefined;
  /** The entries that decide on it, as they were when it was last probed; undefined before. */
  readonly seen?: readonly Entry[] | undefined;
  /** Of restores, and of tries that failed. */
  readonly backoff?: Backoff | undefined;
  /** That it waits has been told. */
  readonly waiting?: boolean;
}

/** Every entry that could take programs of the architecture, enabled or not, newest first. */
export function decisiveEntries({ architecture }: Platform, entries: readonly Entry[]): readonly Entry[] {
  return entries.filter((entry) => takesProgramsOf(architecture, entry));
}

/** Has something changed that may have stopped it from working? */
export function isAffected(watched: Watched, entries: readonly Entry[]): boolean {
  const now = decisiveEntries(watched.platform, entries);
  return JSON.stringify(now) !== JSON.stringify(watched.seen);
}

/** When it may be tried again, milliseconds; a failure waits from the first time on, what was taken away does not. */
export function nextAllowed({ backoff, failure }: Watched, longest: number): number {
  return backoff === undefined ? 0 : allowedAt(backoff, limitsOf(failure, longest));
}

export function limitsOf(failure: Failure | undefined, longest: number): BackoffLimits {
  return { free: failure ? 1 : 5, longest };
}

/** Why it did not run any more: what was there when it did, and what is there now. */
export function causeOfRestore(name: string, { seen = [] }: Watched, entries: readonly Entry[]): RestoreCause {
  const then = seen.find((entry) => entry.name === name);
  const now = entries.find((entry) => entry.name === name);
  if (now === undefined) return 'removed';
  if (!now.enabled) return 'disabled';
  if (now.inode !== then?.inode) return 'replaced';
  return entries[0] === now ? 'broken' : 'shadowed';
}

/** A platform that a watcher keeps working, and what has happened to the entries that decide about it. */
import { type Entry, sameRegistration } from '../binfmt/entry.js';
import { takesProgramsOf } from '../binfmt/probe-executable.js';
import { entryRemoved } from '../install/emulator-problems.js';
import type { InstallResult } from '../install/plan.js';
import type { Platform } from '../platform/platform.js';
import { isProblem, type Problem } from '../problem.js';
import { allowedAt, type Backoff, type BackoffLimits } from './backoff.js';
import type { RestoreCause, Taker, WatchEvent } from './events.js';

/** A platform that is kept working. */
export interface Watched {
  readonly platform: Platform;
  /** Why it does not run; undefined if its probe ran. */
  readonly problem?: Problem;
  /** The entries that decide about it, as they were when it was last probed; undefined before that. */
  readonly seen?: readonly Entry[];
  /** The entry that it ran through when it was last probed and there was one. */
  readonly through?: Entry;
  /** Restores, and tries that failed. */
  readonly backoff?: Backoff;
  /** The next try is not allowed yet, and that has been reported. */
  readonly waiting?: boolean;
}

/** Every entry that could take programs of the platform, enabled or not, newest first. */
export function decisiveEntries({ architecture }: Platform, entries: readonly Entry[]): readonly Entry[] {
  return entries.filter((entry) => takesProgramsOf(architecture, entry));
}

/** Has something changed that may have stopped it from working? */
export function isAffected({ platform, seen }: Watched, entries: readonly Entry[]): boolean {
  return JSON.stringify(decisiveEntries(platform, entries)) !== JSON.stringify(seen);
}

/**
 * The entries under which a platform was probed. What changed while it was probed counts as not seen, so that the
 * event of that change leads to another look.
 */
export function entriesSeen(
  { platform, registered }: InstallResult,
  before: readonly Entry[],
  after: readonly Entry[],
): readonly Entry[] | undefined {
  if (registered === undefined) return decisiveEntries(platform, before);
  return after.some(({ name }) => name === registered) ? decisiveEntries(platform, after) : undefined;
}

/** The new entry of another tool that takes the place of the one that it ran through, by its name or in front of it. */
export function takerOf({ platform, through, seen = [] }: Watched, entries: readonly Entry[]): Taker | undefined {
  const now = decisiveEntries(platform, entries).find(({ enabled }) => enabled);
  if (!through || !now || sameRegistration(now, through)) return undefined;
  if (seen.some(({ inode }) => inode === now.inode)) return undefined;
  const { name, interpreter, flags } = now;
  return { entry: name, interpreter, missing: [...through.flags].filter((flag) => !flags.includes(flag)).join('') };
}

/** Why it did not run any more: what was there when it did run, and what is there now. */
export function restoreCauseOf(name: string, { seen = [] }: Watched, entries: readonly Entry[]): RestoreCause {
  const then = seen.find((entry) => entry.name === name);
  const now = entries.find((entry) => entry.name === name);
  if (now === undefined) return 'removed';
  if (!now.enabled) return 'disabled';
  if (now.inode !== then?.inode) return 'replaced';
  return entries[0] === now ? 'broken' : 'shadowed';
}

/** When it may be tried again, in milliseconds. */
export function nextTry({ backoff, problem }: Watched, longest: number): number {
  return backoff === undefined ? 0 : allowedAt(backoff, limitsOf(problem, longest));
}

/** A failure waits from the first time on. An entry that was removed may be restored a few times at once. */
export function limitsOf(problem: Problem | undefined, longest: number): BackoffLimits {
  return { free: problem && !isProblem(entryRemoved, problem) ? 1 : 5, longest };
}

/** An entry of another tool that stays, because an installation would keep it too. */
export function takenEvent({ architecture }: Platform, taker: Taker | undefined): WatchEvent | undefined {
  return taker && { event: 'taken', architecture: architecture.name, cause: { kind: 'taken', taker } };
}

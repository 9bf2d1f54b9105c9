/** How long to wait before the next try, when the same thing has to be done again and again. */

export interface Backoff {
  /** Tries in a row, each soon after it was allowed. */
  readonly streak: number;
  /** When the last one was, milliseconds. */
  readonly at: number;
}

export interface BackoffLimits {
  /** So many tries in a row may follow each other at once. */
  readonly free: number;
  /** The longest wait, milliseconds; 0: never any. */
  readonly longest: number;
}

const FIRST = 1000; // milliseconds
/** Nothing to do for so long, once a try was allowed: what was before is forgotten. Milliseconds. */
const QUIET = 10_000;

/** When the next try is allowed, milliseconds. */
export function allowedAt(last: Backoff, { free, longest }: BackoffLimits): number {
  const doublings = Math.min(last.streak - free, 30);
  return last.at + (doublings < 0 ? 0 : Math.min(FIRST * 2 ** doublings, longest));
}

/** The backoff after a try at `now`, which was allowed. */
export function afterTry(last: Backoff | undefined, now: number, limits: BackoffLimits): Backoff {
  const forgotten = last === undefined || now > allowedAt(last, limits) + QUIET;
  return { streak: forgotten ? 1 : last.streak + 1, at: now };
}

/** How long to wait before the next try if the same thing has to be done again and again. */

export interface Backoff {
  /** Tries in a row, each made soon after it was allowed. */
  readonly streak: number;
  /** When the last try was made, in milliseconds. */
  readonly at: number;
}

export interface BackoffLimits {
  /** So many tries in a row may follow each other at once. */
  readonly free: number;
  /** The longest wait in milliseconds; 0: never wait. */
  readonly longest: number;
}

export const FIRST_WAIT = 1000; // milliseconds
/** If nothing had to be done for this long after a try was allowed, the streak begins anew. In milliseconds. */
const QUIET = 10_000;

/** When the next try is allowed, in milliseconds. */
export function allowedAt(last: Backoff, { free, longest }: BackoffLimits): number {
  const doublings = Math.min(last.streak - free, 30);
  return last.at + (doublings < 0 ? 0 : Math.min(FIRST_WAIT * 2 ** doublings, longest));
}

/** The backoff after a try at `now`, which was allowed. */
export function afterTry(last: Backoff | undefined, now: number, limits: BackoffLimits): Backoff {
  const startOver = last === undefined || now > allowedAt(last, limits) + QUIET;
  return { streak: startOver ? 1 : last.streak + 1, at: now };
}

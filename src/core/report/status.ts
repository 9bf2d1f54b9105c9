/** The status that clients parse: what the machine can run, and the entries of binfmt_misc. */
import type { Snapshot } from '../binfmt/snapshot.js';
import { type Architecture, architectures } from '../platform/architectures.js';
import { platformsUpTo } from '../platform/platform.js';

export interface Status {
  /** OCI platforms, the one of the processor first. */
  readonly supported: readonly string[];
  /** The names of all enabled entries, sorted, whoever registered them. */
  readonly emulators: readonly string[];
}

export const EMPTY_STATUS: Status = { supported: [], emulators: [] };

export function statusOf(snapshot: Pick<Snapshot, 'own' | 'emulatedOn' | 'entries' | 'probes'>): Status {
  const first = snapshot.emulatedOn ?? snapshot.own;
  const order = (architecture: Architecture) => (architecture === first ? 0 : 1);
  const sorted = [...architectures].sort((a, b) => order(a) - order(b));
  return {
    supported: sorted.flatMap((architecture) => {
      const verdict = snapshot.probes.get(architecture)?.verdict;
      return verdict?.kind === 'runs' ? platformsUpTo(architecture, verdict.level) : [];
    }),
    emulators: snapshot.entries
      .filter((entry) => entry.enabled)
      .map((entry) => entry.name)
      .sort(),
  };
}

/** Exactly the form that clients parse: an indent of two spaces, and no other key. */
export function formatStatus({ supported, emulators }: Status): string {
  return `${JSON.stringify({ supported, emulators }, null, 2)}\n`;
}

/** What standard output is if nothing could be found out. */
export const NO_STATUS = formatStatus(EMPTY_STATUS);

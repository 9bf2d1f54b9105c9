/** The status that clients parse: what the machine can run, and the entries of binfmt_misc. */
import { type Architecture, architectures } from './architectures.js';
import { platformsUpTo } from './platform.js';
import type { Snapshot } from './snapshot.js';

export interface Status {
  /** OCI platforms, the machine's own first. */
  readonly supported: readonly string[];
  /** Names of all enabled entries, sorted, whoever registered them. */
  readonly emulators: readonly string[];
}

export const EMPTY_STATUS: Status = { supported: [], emulators: [] };

export function statusOf(snapshot: Pick<Snapshot, 'own' | 'entries' | 'probes'>): Status {
  const ownFirst = (row: Architecture) => (row === snapshot.own ? 0 : 1);
  const rows = [...architectures].sort((a, b) => ownFirst(a) - ownFirst(b));
  return {
    supported: rows.flatMap((row) => {
      const verdict = snapshot.probes.get(row)?.verdict;
      return verdict?.kind === 'runs' ? platformsUpTo(row, verdict.level) : [];
    }),
    emulators: snapshot.entries
      .filter((entry) => entry.enabled)
      .map((entry) => entry.name)
      .sort(),
  };
}

/** Exactly the shape that clients parse: two spaces, no other key. */
export function formatStatus({ supported, emulators }: Status): string {
  return `${JSON.stringify({ supported, emulators }, null, 2)}\n`;
}

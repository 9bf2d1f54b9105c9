/** What a watcher reports, as data. */
import type { NodeChange } from '../cluster/node-labels.js';
import type { Note } from '../note.js';
import type { Problem } from '../problem.js';

export type EventName =
  | 'installed'
  | 'failed'
  | 'restored'
  | 'taken'
  | 'waiting'
  | 'ready'
  | 'not-ready'
  | 'node'
  | 'stopping'
  | 'warning';

/** Why an entry had to be registered again: in events for machines, and as labels of a metric. */
export const restoreCauses = ['removed', 'disabled', 'replaced', 'shadowed', 'broken'] as const;
export type RestoreCause = (typeof restoreCauses)[number];

/** What another tool has registered under the name of an entry that worked. */
export interface Taker {
  readonly entry: string;
  readonly interpreter: string;
  /** The flags that the entry had, and that this one lacks: `CP`. */
  readonly missing: string;
}

export type EventCause =
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'note'; readonly note: Note }
  | { readonly kind: 'restore'; readonly cause: RestoreCause; readonly taker?: Taker }
  | { readonly kind: 'taken'; readonly taker: Taker }
  /** `failing`: it does not run; otherwise something keeps removing its entry. */
  | { readonly kind: 'wait'; readonly seconds: number; readonly failing: boolean }
  | { readonly kind: 'node-changed'; readonly change: Omit<NodeChange, 'patch'> }
  | { readonly kind: 'node-reached' }
  | { readonly kind: 'signal'; readonly signal: string };

export interface WatchEvent {
  readonly event: EventName;
  /** The OCI architecture, if the event is about one. */
  readonly architecture?: string;
  readonly cause?: EventCause;
}

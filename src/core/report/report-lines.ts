/** What a command tells on standard error, as data: src/core/report/render.ts makes the lines. */
import type { Note } from '../note.js';
import type { ExitStatus, Problem } from '../problem.js';
import type { UsageError } from './usage-text.js';

/** What was being done, as scripts search for it: `installing: arm64 OK`. */
export type Action = 'installing' | 'uninstalling' | 'exporting' | 'registering';

export type Line =
  | { readonly kind: 'done'; readonly action: Action; readonly subject: string; readonly note?: Note }
  | { readonly kind: 'failed'; readonly action: Action; readonly subject: string; readonly problem: Problem }
  /** About the machine or the call as a whole. */
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'note'; readonly note: Note };

/** What became of one item of a list. */
export interface Item {
  /** As scripts search for it: `arm64`, or what the user typed. */
  readonly subject: string;
  readonly problem?: Problem;
  /** What is worth knowing about a success. */
  readonly note?: Note;
}

/** Everything that a command wants to be printed, and the exit status. */
export interface Report {
  /** The result, for standard output. */
  readonly stdout?: string;
  /** For standard error. The most important problem is the last one. */
  readonly lines: readonly Line[];
  readonly exit: ExitStatus;
  /** What is wrong with the command line, if that is known only now. */
  readonly usageError?: UsageError;
}

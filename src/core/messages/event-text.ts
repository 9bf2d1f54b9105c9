/** What a watcher says about itself, in words. */
import type { EventCause } from '../events.js';
import type { Invocation } from '../invocation.js';
import { causeOf, oneLine } from '../render.js';
import type { WatchState } from '../watch-state.js';
import { describeNote } from './note-text.js';

export const WRONG_METHOD = 'only GET and HEAD\n';
export const NOT_FOUND = 'not found\n';

const REMOVED_AGAIN = 'something keeps removing its entry';

/** One line. */
export function describeEventCause(cause: EventCause, invocation: Invocation): string {
  switch (cause.kind) {
    case 'problem':
      return oneLine(cause.problem, invocation);
    case 'note':
      return describeNote(cause.note, causeOf);
    case 'restore':
      return cause.cause;
    case 'wait':
      return `${cause.failing ? '' : `${REMOVED_AGAIN}; `}retrying in ${cause.seconds} s`;
    case 'signal':
      return cause.signal;
  }
}

/** Why the watcher is not ready: a line for each reason. */
export function describeReadiness({ ready, platforms, unknown }: WatchState, invocation: Invocation): string {
  if (ready) return 'ready\n';
  const reasons = platforms.flatMap(({ platform, problem, waiting }) => {
    const why = problem ? oneLine(problem, invocation) : waiting && REMOVED_AGAIN;
    return why ? [`${platform.architecture.name}: ${why}`] : [];
  });
  const lines = ['not ready', ...unknown.map((problem) => oneLine(problem, invocation)), ...reasons];
  return lines.map((line) => `${line}\n`).join('');
}

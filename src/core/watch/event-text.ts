/** What a watcher says: one line for each event, for people, or as JSON for machines; and why it is not ready. */
import type { NodeChange } from '../cluster/node-labels.js';
import type { Invocation } from '../invocation.js';
import { describeNote } from '../report/note-text.js';
import { causeOf, oneLine, stackLines } from '../report/render.js';
import { listed } from '../text.js';
import type { EventCause, RestoreCause, Taker, WatchEvent } from './events.js';
import type { WatchState } from './watch-state.js';

export const WRONG_METHOD = 'only GET and HEAD\n';
export const NOT_FOUND = 'not found\n';

const NODE_REACHED = 'the API server answers again';
const NO_LABEL_CHANGED = 'no label had to change';
const STARTING = 'the first installation is not finished';
const FAILED = 'the last check failed; the log says why';
const REMOVED_AGAIN = 'something keeps removing its entry';

const restoreCauses: Readonly<Record<RestoreCause, string>> = {
  removed: 'its entry had been removed',
  disabled: 'its entry had been disabled',
  replaced: 'its entry had been replaced',
  shadowed: 'another entry had taken its programs',
  broken: 'its entry did not work any more',
};

export type LogFormat = 'text' | 'json';

export interface EventFormat {
  readonly format: LogFormat;
  readonly invocation: Invocation;
}

/** One line. `time`: as in ISO 8601. */
export function formatEvent({ event, architecture, cause }: WatchEvent, time: string, options: EventFormat): string {
  const text = cause && describeEventCause(cause, options.invocation);
  if (options.format === 'json') {
    const problem =
      cause?.kind === 'problem' ? { id: cause.problem.definition.id, facts: cause.problem.facts } : undefined;
    const restoreCause = cause?.kind === 'restore' ? cause.cause : undefined;
    const taker = cause && 'taker' in cause ? cause.taker : undefined;
    return JSON.stringify({ time, event, architecture, cause: text, restoreCause, taker, problem });
  }
  const subject = architecture === undefined ? '' : ` ${architecture}`;
  const before = cause?.kind === 'problem' ? stackLines(cause.problem, options.invocation) : '';
  return `${before}${time} ${event}${subject}${text === undefined ? '' : `: ${text}`}`;
}

/** One line. */
function describeEventCause(cause: EventCause, invocation: Invocation): string {
  switch (cause.kind) {
    case 'problem':
      return oneLine(cause.problem, invocation);
    case 'note':
      return describeNote(cause.note, causeOf);
    case 'restore':
      return cause.taker
        ? `another tool had replaced its entry with ${describeTaker(cause.taker)}`
        : restoreCauses[cause.cause];
    case 'taken':
      return `now runs through ${cause.taker.entry}, an entry of another tool: ${describeTaker(cause.taker)}; it works, so it stays`;
    case 'wait':
      return `${cause.failing ? '' : `${REMOVED_AGAIN}; `}retrying in ${cause.seconds} s`;
    case 'node-changed':
      return describeNodeChange(cause.change);
    case 'node-reached':
      return NODE_REACHED;
    case 'signal':
      return cause.signal;
  }
}

/** What does not work without a flag. */
const withoutFlag: Readonly<Record<string, string>> = {
  F: 'containers that do not have that file cannot use it',
  C: 'sudo and other setuid programs do not work',
  P: 'programs do not see the name that they were called by',
};

function describeTaker({ interpreter, missing }: Taker): string {
  const lost = [...missing].flatMap((flag) => (withoutFlag[flag] ? [`${withoutFlag[flag]} (no flag ${flag})`] : []));
  return [interpreter, ...lost].join('; ');
}

function describeNodeChange({ added, removed, taint }: Omit<NodeChange, 'patch'>): string {
  const parts = [
    added.length > 0 && `added ${listed(added)}`,
    removed.length > 0 && `removed ${listed(removed)}`,
    taint !== undefined && `removed the taint ${taint}`,
  ].filter((part) => part !== false);
  return parts.length > 0 ? parts.join('; ') : NO_LABEL_CHANGED;
}

/** Why the watcher is not ready: a line for each reason. */
export function describeReadiness(
  { ready, started, failed, platforms, unknown }: WatchState,
  invocation: Invocation,
): string {
  if (ready) return 'ready\n';
  const reasons = platforms.flatMap(({ platform, problem, waiting }) => {
    const why = problem ? oneLine(problem, invocation) : waiting && REMOVED_AGAIN;
    return why ? [`${platform.architecture.name}: ${why}`] : [];
  });
  const state = failed ? [FAILED] : started ? [] : [STARTING];
  const lines = ['not ready', ...state, ...unknown.map((problem) => oneLine(problem, invocation)), ...reasons];
  return lines.map((line) => `${line}\n`).join('');
}

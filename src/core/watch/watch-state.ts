/**
 * What a watcher does, as a pure function: from its state and an event to the next state and to effects. The shell
 * around it (src/system/watch) has the timers, inotify, and the machine.
 */
import type { Entry } from '../binfmt/entry.js';
import { switchedOff } from '../doctor/checks/mount-checks.js';
import { entryRemoved } from '../install/emulator-problems.js';
import type { InstallResult } from '../install/plan.js';
import type { Selection } from '../install/selection.js';
import type { Platform } from '../platform/platform.js';
import { isProblem, keyOf, type Problem } from '../problem.js';
import { unexpectedProblem } from '../report/program-problems.js';
import { afterTry, allowedAt, type Backoff, type BackoffLimits, FIRST_WAIT } from './backoff.js';
import { type RestoreCause, restoreCauses, type Taker, type WatchEvent } from './events.js';
import {
  decisiveEntries,
  entriesSeen,
  isAffected,
  limitsOf,
  nextTry,
  restoreCauseOf,
  takenEvent,
  takerOf,
  type Watched,
} from './watched.js';

export interface WatchState {
  readonly selection: Selection;
  /** Words that are not platforms: with one of them the watcher is never ready. */
  readonly unknown: readonly Problem[];
  readonly platforms: readonly Watched[];
  readonly restores: Readonly<Record<RestoreCause, number>>;
  /** How often another tool has registered something else under the name of an entry that worked. */
  readonly taken: number;
  /** The entries that this watcher has registered: the inode of each by its name. */
  readonly registered: ReadonlyMap<string, number>;
  /** The longest wait between two tries of the same thing, in milliseconds; 0: never wait. */
  readonly longestWait: number;
  /** The switch of all entries, as it was seen last. */
  readonly switchedOff: boolean;
  readonly ready: boolean;
  /** The first installation is done. */
  readonly started: boolean;
  /** Looking or installing has failed, so that nothing is known for sure. */
  readonly failed?: Backoff;
  /** It is looking or installing: a trigger has to wait until that is done. */
  readonly busy: boolean;
  readonly pending: 'nothing' | 'entries' | 'everything';
}

export type WatchInput =
  /** Something may have changed, or a check of everything is due. */
  | { readonly kind: 'trigger'; readonly check: 'entries' | 'everything' }
  /** `now`: milliseconds since 1970. */
  | { readonly kind: 'looked'; readonly now: number; readonly entries: readonly Entry[]; readonly switchedOff: boolean }
  /** The installation that was asked for is done. `before`, `after`: the entries. */
  | {
      readonly kind: 'installed';
      readonly now: number;
      readonly results: readonly InstallResult[];
      readonly before: readonly Entry[];
      readonly after: readonly Entry[];
    }
  | { readonly kind: 'failed'; readonly now: number; readonly error: unknown };

export type WatchEffect =
  /** Look at the entries, and come back with `looked`. */
  | { readonly kind: 'look' }
  /** Install, and come back with `installed`. The first time it also finds out which platforms `all` means. */
  | { readonly kind: 'install'; readonly platforms: readonly Platform[] | 'selection' }
  /** Trigger again at this time, in milliseconds since 1970; undefined: no retry is needed. */
  | { readonly kind: 'retry'; readonly at?: number }
  | { readonly kind: 'report'; readonly event: WatchEvent };

export interface WatchStep {
  readonly state: WatchState;
  readonly effects: readonly WatchEffect[];
}

export function initialState(selection: Selection, longestWait: number): WatchState {
  return {
    selection,
    unknown: selection.unknown,
    platforms: selection.platforms.map((platform) => ({ platform })),
    restores: Object.fromEntries(restoreCauses.map((cause) => [cause, 0])) as Record<RestoreCause, number>,
    taken: 0,
    registered: new Map(),
    longestWait,
    switchedOff: false,
    ready: false,
    started: false,
    busy: false,
    pending: 'nothing',
  };
}

export function next(state: WatchState, input: WatchInput): WatchStep {
  switch (input.kind) {
    case 'trigger': {
      const pending = state.pending === 'everything' ? 'everything' : input.check;
      return { state: { ...state, pending, busy: true }, effects: state.busy ? [] : [{ kind: 'look' }] };
    }
    case 'looked':
      return afterLook(state, input);
    case 'installed':
      return afterInstallation(state, input);
    case 'failed': {
      const problem = unexpectedProblem(input.error);
      const warning = report({ event: 'warning', cause: { kind: 'problem', problem } });
      // What fails at once would fail for ever: the next try has to wait.
      const failed = afterTry(state.failed, input.now, failureLimits(state));
      return finish({ state: { ...state, failed, pending: 'nothing' }, effects: [warning] }, input.now);
    }
  }
}

/** Decides which platforms have to be tried again, and may be. */
function afterLook(state: WatchState, input: Extract<WatchInput, { kind: 'looked' }>): WatchStep {
  const { now, entries } = input;
  const everything = state.pending === 'everything';
  const switched = input.switchedOff !== state.switchedOff;
  const due = state.platforms.filter(
    (watched) => everything || switched || watched.problem || isAffected(watched, entries),
  );
  const allowed = due.filter((watched) => switched || nextTry(watched, state.longestWait) <= now);
  const late = due.filter((watched) => !allowed.includes(watched));
  const platforms = state.platforms.map((watched) =>
    late.includes(watched) ? { ...watched, waiting: true } : watched,
  );
  const step: WatchStep = {
    state: { ...state, platforms, switchedOff: input.switchedOff, pending: 'nothing' },
    effects: late.filter(({ waiting }) => !waiting).map((watched) => waitReport(watched, state.longestWait, now)),
  };
  if (!state.started) return add(step, { kind: 'install', platforms: 'selection' });
  if (allowed.length === 0) return finish({ ...step, state: { ...step.state, failed: undefined } }, now);
  return add(step, { kind: 'install', platforms: allowed.map(({ platform }) => platform) });
}

/** Remembers what became of each platform, and reports it. */
function afterInstallation(state: WatchState, input: Extract<WatchInput, { kind: 'installed' }>): WatchStep {
  const start = state.started ? state : { ...state, platforms: input.results.map(({ platform }) => ({ platform })) };
  const step = input.results.reduce<WatchStep>(
    (before, result) => {
      const after = afterResult(before.state, result, input);
      return { state: after.state, effects: [...before.effects, ...after.effects] };
    },
    { state: start, effects: [] },
  );
  return finish({ ...step, state: { ...step.state, started: true, failed: undefined } }, input.now);
}

function afterResult(
  state: WatchState,
  result: InstallResult,
  { now, before, after }: Extract<WatchInput, { kind: 'installed' }>,
): WatchStep {
  const { platform, problem, registered } = result;
  const old: Watched = state.platforms.find((watched) => watched.platform === platform) ?? { platform };
  // While binfmt_misc is switched off nothing is tried.
  const tried = registered !== undefined || (problem !== undefined && !isProblem(switchedOff, problem));
  const untouched = old.problem || problem ? undefined : old.backoff;
  const mine = after.find(({ name }) => name === registered);
  const watched: Watched = {
    platform,
    problem,
    seen: entriesSeen(result, before, after),
    through: mine ?? decisiveEntries(platform, before)[0] ?? old.through,
    backoff: tried ? afterTry(old.backoff, now, limitsOf(problem, state.longestWait)) : untouched,
  };
  const restored = state.started && !problem && !old.problem && registered !== undefined;
  const cause = restored ? restoreCauseOf(registered, old, decisiveEntries(platform, before)) : undefined;
  const taker = problem || (cause && cause !== 'replaced') ? undefined : takerOf(old, before);
  const event = eventOf(result, old, state.started, cause && { cause, taker }) ?? takenEvent(platform, taker);
  return {
    state: {
      ...state,
      taken: state.taken + Number(taker !== undefined),
      platforms: state.platforms.map((each) => (each.platform === platform ? watched : each)),
      registered: new Map([
        ...state.registered,
        ...(mine?.inode === undefined ? [] : [[mine.name, mine.inode] as const]),
      ]),
      restores: cause === undefined ? state.restores : { ...state.restores, [cause]: state.restores[cause] + 1 },
    },
    effects: event ? [report(event)] : [],
  };
}

function eventOf(
  { platform, problem, note }: InstallResult,
  old: Watched,
  started: boolean,
  restored: { readonly cause: RestoreCause; readonly taker?: Taker } | undefined,
): WatchEvent | undefined {
  const architecture = platform.architecture.name;
  if (problem) {
    if (old.problem && keyOf(old.problem) === keyOf(problem)) return undefined;
    return { event: 'failed', architecture, cause: { kind: 'problem', problem } };
  }
  if (!started || old.problem) {
    return { event: 'installed', architecture, ...(note && { cause: { kind: 'note', note } as const }) };
  }
  return restored && { event: 'restored', architecture, cause: { kind: 'restore', ...restored } };
}

/** Does it run, as far as is known? One that waits for its next try does not. */
export function isRunning({ started }: WatchState, { problem, waiting }: Watched): boolean {
  return started && !problem && !waiting;
}

/** Sets the time of the next try, reports readiness, and goes on if something was triggered meanwhile. */
function finish({ state, effects }: WatchStep, now: number): WatchStep {
  const times = state.platforms
    .filter(({ problem, waiting, backoff }) => (problem && backoff) || waiting)
    .map((watched) => Math.max(nextTry(watched, state.longestWait), now));
  if (state.failed) times.push(allowedAt(state.failed, failureLimits(state)));
  const retry: WatchEffect = times.length > 0 ? { kind: 'retry', at: Math.min(...times) } : { kind: 'retry' };
  const sure = state.started && !state.failed && state.unknown.length === 0;
  const ready = sure && state.platforms.every((watched) => isRunning(state, watched));
  const change = ready === state.ready ? [] : [report({ event: ready ? 'ready' : 'not-ready' })];
  const again: readonly WatchEffect[] = state.pending === 'nothing' ? [] : [{ kind: 'look' }];
  return {
    state: { ...state, ready, busy: again.length > 0 },
    effects: [...effects, retry, ...change, ...again],
  };
}

function add({ state, effects }: WatchStep, effect: WatchEffect): WatchStep {
  return { state, effects: [...effects, effect] };
}

function report(event: WatchEvent): WatchEffect {
  return { kind: 'report', event };
}

function waitReport(watched: Watched, longestWait: number, now: number): WatchEffect {
  const seconds = Math.ceil((nextTry(watched, longestWait) - now) / 1000);
  const failing = watched.problem !== undefined && !isProblem(entryRemoved, watched.problem);
  const architecture = watched.platform.architecture.name;
  return report({ event: 'waiting', architecture, cause: { kind: 'wait', seconds, failing } });
}

/** Without --backoff too: what fails at once would fail for ever. */
function failureLimits({ longestWait }: WatchState): BackoffLimits {
  return { free: 1, longest: longestWait || FIRST_WAIT };
}

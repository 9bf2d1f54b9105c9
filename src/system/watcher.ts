/**
 * Keeps platforms working: looks at the entries whenever inotify tells of a change, probes what a change
 * may have stopped, registers again what does not run, and probes everything now and then.
 */
import fs from 'node:fs';
import { type Architecture, architectures } from '../core/architectures.js';
import { afterTry } from '../core/backoff.js';
import type { Entry } from '../core/entry.js';
import type { Event } from '../core/events.js';
import { type Failure, oneLine } from '../core/failure.js';
import type { InstallOptions } from '../core/plan.js';
import type { Probe } from '../core/probe.js';
import { parseSelection, selectPlatforms } from '../core/selection.js';
import { type Status, statusOf } from '../core/status.js';
import {
  causeOfRestore,
  decisiveEntries,
  isAffected,
  limitsOf,
  nextAllowed,
  type RestoreCause,
  type Watched,
} from '../core/watch.js';
import { establish, type Result } from './apply.js';
import { isDisabled, readEntries, unregister } from './binfmt-fs.js';
import { type System, takeSnapshot } from './snapshot.js';

export interface WatchOptions {
  /** Platforms, or `all`. */
  readonly words: readonly string[];
  readonly options: InstallOptions;
  /** Milliseconds between two checks of everything. */
  readonly interval: number;
  /** The longest wait between two tries of the same thing, milliseconds; 0: it never waits. */
  readonly backoff: number;
}

/** How things stand; read only. */
export interface WatchState {
  system: System;
  watched: readonly Watched[];
  readonly unknown: readonly Failure[];
  readonly restores: Map<RestoreCause, number>;
  /** Of every architecture, the last one. */
  probes: ReadonlyMap<Architecture, Probe>;
  /** Milliseconds since 1970. */
  lastProbe?: number;
  ready: boolean;
  /** With the entries as they are now, and the last probes. */
  status(): Status;
}

export interface Watcher {
  readonly state: WatchState;
  /** Checks everything now. */
  check(): void;
  stop(): void;
  /** Removes what the watcher registered. */
  uninstall(): void;
}

/** Resolves after the first installation, whatever became of it. `open`: finds or mounts binfmt_misc. */
export async function startWatcher(
  { words, options, interval, backoff }: WatchOptions,
  open: () => Promise<System>,
  emit: (event: Event) => void,
): Promise<Watcher> {
  const selection = parseSelection(words);
  const state: WatchState = {
    system: await open(),
    watched: selection.platforms.map((platform) => ({ platform })),
    unknown: selection.unknown,
    restores: new Map(),
    probes: new Map(),
    ready: false,
    status() {
      const { machine, registry } = state.system;
      return statusOf({ own: machine.own, entries: readEntries(registry), probes: state.probes });
    },
  };
  const registered = new Set<string>();
  let inotify: fs.FSWatcher | undefined;
  let polling: NodeJS.Timeout | undefined;
  let retry: NodeJS.Timeout | undefined;
  let pending: 'nothing' | 'entries' | 'everything' = 'nothing';
  let running = false;
  /** The switch of all entries, as it was seen last. */
  let disabled = false;
  let first = true;

  /** Tells of changes from now on; where there is no inotify, it looks every second. */
  const listen = (dir: string) => {
    const poll = () => {
      polling ??= setInterval(() => trigger('entries'), 1000);
    };
    try {
      inotify = fs.watch(dir, () => trigger('entries')).on('error', poll);
    } catch {
      poll();
    }
  };

  const trigger = (what: 'entries' | 'everything') => {
    if (pending !== 'everything') pending = what;
    if (!running) void run();
  };

  const run = async () => {
    running = true;
    while (pending !== 'nothing') {
      const everything = pending === 'everything';
      pending = 'nothing';
      try {
        await round(everything);
      } catch (error) {
        emit({ event: 'warning', cause: error instanceof Error ? error.message : String(error) });
      }
    }
    running = false;
  };

  /** Looks at the entries, and tries what has to be tried and may be. */
  const round = async (everything: boolean) => {
    if (state.system.registry.kind !== 'writable') state.system = await open();
    const { registry } = state.system;
    if (registry.kind === 'writable' && inotify === undefined) listen(registry.dir);
    const entries = readEntries(registry);
    const now = Date.now();
    const switched = registry.kind === 'writable' && isDisabled(registry.dir) !== disabled;
    if (switched) disabled = !disabled;
    const due = state.watched.filter((each) => everything || switched || each.failure || isAffected(each, entries));
    const allowed = due.filter((each) => switched || nextAllowed(each, backoff) <= now);
    if (allowed.length > 0 || first) await attempt(allowed, entries);
    wait(due.filter((each) => !allowed.includes(each)));
    tellReady();
  };

  /** Tells who has to wait, and comes back when the first of all that fail or wait may be tried again. */
  const wait = (late: readonly Watched[]) => {
    for (const each of late.filter(({ waiting }) => !waiting)) {
      const seconds = Math.ceil((nextAllowed(each, backoff) - Date.now()) / 1000);
      const cause = `${each.failure ? 'it fails' : 'it is taken away'} again and again; next try in ${seconds} s`;
      emit({ event: 'waiting', architecture: each.platform.architecture.name, cause });
      replace(each, { ...each, waiting: true });
    }
    const times = state.watched
      .filter(({ failure, waiting, backoff: b }) => (failure && b) || waiting)
      .map((each) => nextAllowed(each, backoff));
    clearTimeout(retry);
    if (times.length > 0) retry = setTimeout(() => trigger('entries'), Math.max(Math.min(...times) - Date.now(), 0));
  };

  const replace = (old: Watched, now: Watched) => {
    state.watched = state.watched.map((each) => (each.platform === old.platform ? now : each));
  };

  /** Plans, registers, probes. On the first time it also finds out what `all` means. */
  const attempt = async (some: readonly Watched[], entries: readonly Entry[]) => {
    const { system } = state;
    const probes = first ? architectures : some.map(({ platform }) => platform.architecture);
    const before = await takeSnapshot(system, { probes, emulators: true });
    const platforms = first ? selectPlatforms(selection, before) : some.map(({ platform }) => platform);
    if (first) state.watched = platforms.map((platform) => ({ platform }));
    const { results, after } = await establish(
      platforms,
      { ...options, keep: options.keep || !first },
      { before, lasting: false, system },
    );
    state.probes = new Map([...state.probes, ...before.probes, ...after.probes]);
    state.lastProbe = Date.now();
    for (const result of results) note(result, entries, after.entries);
    first = false;
  };

  /** Remembers what became of one platform, and tells it. */
  const note = (result: Result, before: readonly Entry[], after: readonly Entry[]) => {
    const { platform, failure, note: how } = result;
    const { name } = platform.architecture;
    const old = state.watched.find((each) => each.platform === platform) ?? { platform };
    const tried = result.registered !== undefined || (failure && failure.code !== 'disabled');
    const kept = old.failure || failure ? undefined : old.backoff;
    replace(old, {
      platform,
      failure,
      seen: seenBy(result, before, after),
      backoff: tried ? afterTry(old.backoff, Date.now(), limitsOf(failure, backoff)) : kept,
    });
    if (result.registered !== undefined) registered.add(result.registered);
    if (failure) {
      if (failure.cause !== old.failure?.cause) emit({ event: 'failed', architecture: name, cause: oneLine(failure) });
    } else if (first || old.failure) {
      emit({ event: 'installed', architecture: name, cause: how });
    } else if (result.registered !== undefined) {
      const cause = causeOfRestore(result.registered, old, decisiveEntries(platform, before));
      state.restores.set(cause, (state.restores.get(cause) ?? 0) + 1);
      emit({ event: 'restored', architecture: name, cause });
    }
  };

  const tellReady = () => {
    const ready =
      state.unknown.length === 0 && state.watched.every(({ failure, waiting }) => failure === undefined && !waiting);
    if (ready !== state.ready) emit({ event: ready ? 'ready' : 'not-ready' });
    state.ready = ready;
  };

  for (const failure of state.unknown) emit({ event: 'failed', cause: oneLine(failure) });
  pending = 'everything';
  await run();
  const slow = setInterval(() => trigger('everything'), interval);
  return {
    state,
    check: () => trigger('everything'),
    stop() {
      for (const timer of [slow, polling, retry]) clearTimeout(timer);
      inotify?.close();
    },
    uninstall() {
      const { registry } = state.system;
      if (registry.kind === 'writable') for (const name of registered) unregister(registry.dir, name);
    },
  };
}

/**
 * The entries under which a platform was probed. What was changed while it was probed counts as unseen, so that
 * the event of that change leads to another look.
 */
function seenBy(
  { platform, registered }: Result,
  before: readonly Entry[],
  after: readonly Entry[],
): readonly Entry[] | undefined {
  if (registered === undefined) return decisiveEntries(platform, before);
  return after.some(({ name }) => name === registered) ? decisiveEntries(platform, after) : undefined;
}

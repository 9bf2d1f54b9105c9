/**
 * The shell around src/core/watch/watch-state.ts: inotify and timers trigger it, and it looks at the entries and installs. What
 * is decided, is decided there.
 */
import fs from 'node:fs';
import type { Entry } from '../../core/binfmt/entry.js';
import type { ProbeResult } from '../../core/binfmt/probe.js';
import type { InstallOptions } from '../../core/install/plan.js';
import { parseSelection, selectPlatforms } from '../../core/install/selection.js';
import { type Architecture, architectures } from '../../core/platform/architectures.js';
import type { Platform } from '../../core/platform/platform.js';
import { type Status, statusOf } from '../../core/report/status.js';
import type { WatchEvent } from '../../core/watch/events.js';
import { runningPlatforms } from '../../core/watch/running-platforms.js';
import {
  initialState,
  next,
  type WatchEffect,
  type WatchInput,
  type WatchState,
} from '../../core/watch/watch-state.js';
import { isSwitchedOff, readEntries, unregister } from '../binfmt/entries.js';
import { isMounted, mountIdentity } from '../binfmt/mount.js';
import { installPlatforms } from '../install/install.js';
import type { System } from '../system.js';
import { takeSnapshot } from '../take-snapshot.js';

export interface WatchOptions {
  /** The words of the list: platforms, or `all`. */
  readonly words: readonly string[];
  readonly options: InstallOptions;
  /** Milliseconds between two checks of everything. */
  readonly interval: number;
  /** The longest wait between two tries of the same thing, in milliseconds; 0: never wait. */
  readonly backoff: number;
}

export interface Watcher {
  /** Resolves after the first installation, even if it failed. */
  start(): Promise<void>;
  state(): WatchState;
  /** With the entries as they are now, and the last probes. */
  status(): Status;
  /** The platforms that are watched and run, such as `linux/arm/v7`. */
  running(): readonly string[];
  /** When test programs were last run, in milliseconds since 1970. */
  lastProbe(): number | undefined;
  /** Checks everything now. */
  check(): void;
  stop(): void;
  /** Removes the entries that the watcher registered, and none that has taken the name of one. */
  uninstall(): void;
}

/** Without inotify the entries are looked at this often. In milliseconds. */
const POLL = 1000;

export interface WatchListener {
  report(event: WatchEvent): void;
  /** The state may have changed. */
  changed(): void;
}

/** `open`: finds or mounts binfmt_misc. `opened`: what it has found already. */
export function createWatcher(
  options: WatchOptions,
  { open, opened }: { open(): Promise<System>; readonly opened: System },
  { report, changed }: WatchListener,
): Watcher {
  let state = initialState(parseSelection(options.words), options.backoff);
  let system = opened;
  let entries: readonly Entry[] = [];
  let probes: ReadonlyMap<Architecture, ProbeResult> = new Map();
  let lastProbe: number | undefined;
  let inotify: fs.FSWatcher | undefined;
  let watched: string | undefined;
  let checks: NodeJS.Timeout | undefined;
  let polling: NodeJS.Timeout | undefined;
  let retry: NodeJS.Timeout | undefined;

  const trigger = (check: 'entries' | 'everything') => void feed({ kind: 'trigger', check });

  /** Carries out what one input leads to, and what that leads to, until nothing is left to do. */
  const feed = async (first: WatchInput): Promise<void> => {
    const inputs: WatchInput[] = [first];
    for (let input = inputs.shift(); input; input = inputs.shift()) {
      const step = next(state, input);
      state = step.state;
      for (const effect of step.effects) {
        try {
          const result = await carryOut(effect);
          if (result) inputs.push(result);
        } catch (error) {
          inputs.push({ kind: 'failed', now: Date.now(), error });
        }
      }
    }
    changed();
  };

  const carryOut = async (effect: WatchEffect): Promise<WatchInput | undefined> => {
    switch (effect.kind) {
      case 'look':
        return look();
      case 'install':
        return install(effect.platforms);
      case 'report':
        report(effect.event);
        return undefined;
      case 'retry':
        clearTimeout(retry);
        if (effect.at !== undefined) {
          retry = setTimeout(() => trigger('entries'), Math.max(effect.at - Date.now(), 0));
        }
        return undefined;
    }
  };

  const look = async (): Promise<WatchInput> => {
    if (system.binfmt.kind !== 'writable' || !isMounted(system.binfmt.dir)) {
      inotify?.close();
      inotify = undefined;
      system = await open();
    }
    const { binfmt } = system;
    if (binfmt.kind === 'writable') listen(binfmt.dir);
    entries = readEntries(binfmt);
    const switchedOff = binfmt.kind === 'writable' && isSwitchedOff(binfmt.dir);
    return { kind: 'looked', now: Date.now(), entries, switchedOff };
  };

  const install = async (asked: readonly Platform[] | 'selection'): Promise<WatchInput> => {
    const first = asked === 'selection';
    const wanted = first ? architectures : asked.map(({ architecture }) => architecture);
    const before = await takeSnapshot(system, { probes: wanted, emulators: true });
    const platforms = first ? selectPlatforms(state.selection, before) : asked;
    const request = { platforms, options: { ...options.options, keepOurs: !first }, before } as const;
    const { results, after } = await installPlatforms({ ...request, lasting: 'if possible' }, system);
    probes = new Map([...probes, ...before.probes, ...after.probes]);
    lastProbe = Date.now();
    return { kind: 'installed', now: lastProbe, results, before: before.entries, after: after.entries };
  };

  /** If binfmt_misc was unmounted and mounted again since the last look, what inotify watched is gone. */
  const listen = (dir: string) => {
    const mounted = mountIdentity(dir);
    if (inotify !== undefined && watched === mounted) return;
    inotify?.close();
    inotify = undefined;
    watched = mounted;
    const poll = () => {
      polling ??= setInterval(() => trigger('entries'), POLL);
    };
    try {
      inotify = fs.watch(dir, () => trigger('entries')).on('error', poll);
    } catch {
      poll();
    }
  };

  return {
    async start() {
      for (const problem of state.unknown) report({ event: 'failed', cause: { kind: 'problem', problem } });
      await feed({ kind: 'trigger', check: 'everything' });
      checks = setInterval(() => trigger('everything'), options.interval);
    },
    state: () => state,
    status: () => statusOf({ ...system.host, entries: readEntries(system.binfmt), probes }),
    running: () => runningPlatforms(state, probes),
    lastProbe: () => lastProbe,
    check: () => trigger('everything'),
    stop() {
      for (const timer of [checks, polling, retry]) clearTimeout(timer);
      inotify?.close();
    },
    uninstall() {
      const { binfmt } = system;
      if (binfmt.kind === 'writable') for (const [name, inode] of state.registered) unregister(binfmt.dir, name, inode);
    },
  };
}

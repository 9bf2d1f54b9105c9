/** Which platforms of a watcher run. */
import type { ProbeResult } from '../binfmt/probe.js';
import type { Architecture } from '../platform/architectures.js';
import { formatPlatform, platformsUpTo } from '../platform/platform.js';
import { isRunning, type WatchState } from './watch-state.js';

/**
 * Which platforms get a label on the node: each that is watched and runs, its architecture, and every variant that its probe showed.
 * One emulator runs them all.
 */
export function runningPlatforms(state: WatchState, probes: ReadonlyMap<Architecture, ProbeResult>): readonly string[] {
  const running = state.platforms.flatMap((watched) => {
    if (!isRunning(state, watched)) return [];
    const { platform } = watched;
    const { architecture } = platform;
    const verdict = probes.get(architecture)?.verdict;
    const variants = verdict?.kind === 'runs' ? platformsUpTo(architecture, verdict.level) : [];
    return [formatPlatform({ architecture }), formatPlatform(platform), ...variants];
  });
  return [...new Set(running)].sort();
}

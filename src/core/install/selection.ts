/** The platforms that a list on the command line asks for. */
import { runnerOf, type Snapshot } from '../binfmt/snapshot.js';
import type { Architecture } from '../platform/architectures.js';
import { type Platform, parsePlatform } from '../platform/platform.js';
import { type Problem, problemOf } from '../problem.js';
import { unknownPlatform } from './request-problems.js';

export interface Selection {
  readonly platforms: readonly Platform[];
  /** A problem for each word that is not a platform. */
  readonly unknown: readonly Problem[];
  /** Also every architecture that has an emulator here. */
  readonly all: boolean;
}

/**
 * Parses the words of a list. `variants`: several variants of one architecture may be asked for; otherwise each
 * architecture is there once, with the highest variant, because one emulator runs them all.
 */
export function parseSelection(words: readonly string[], { variants = false } = {}): Selection {
  const platforms = new Map<string, Platform>();
  const unknown: Problem[] = [];
  for (const word of words.filter((each) => each !== 'all')) {
    const parsed = parsePlatform(word);
    if (parsed.kind === 'unknown') {
      unknown.push(problemOf(unknownPlatform, word, { word, error: { ...parsed.error } }));
      continue;
    }
    const { architecture, level = 0 } = parsed.platform;
    const key = variants ? `${architecture.name}/${level}` : architecture.name;
    const before = platforms.get(key);
    if (before === undefined || (before.level ?? 0) < level) platforms.set(key, parsed.platform);
  }
  return { platforms: [...platforms.values()], unknown, all: words.includes('all') };
}

/** The platforms that were named and, for `all`, every other one that has an emulator and that the processor does not run. */
export function selectPlatforms({ platforms, all }: Selection, snapshot: Snapshot): readonly Platform[] {
  if (!all) return platforms;
  const named = new Set(platforms.map(({ architecture }) => architecture));
  const more = [...snapshot.emulators.keys()].filter(
    (architecture) => !named.has(architecture) && runnerOf(architecture, snapshot).kind !== 'processor',
  );
  return [...platforms, ...more.map((architecture) => ({ architecture }))];
}

/** The architectures that have to be probed to answer for a selection; `every`: all of them, for `all`. */
export function architecturesOf(
  { platforms, all }: Selection,
  every: readonly Architecture[],
): readonly Architecture[] {
  return all ? every : [...new Set(platforms.map(({ architecture }) => architecture))];
}

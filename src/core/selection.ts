/** The words of `--install` as platforms. */
import type { Architecture } from './architectures.js';
import type { Failure } from './failure.js';
import { type Platform, parsePlatform } from './platform.js';
import { runnerOf, type Snapshot } from './snapshot.js';

export interface Selection {
  /** Each architecture once, with the highest variant that was asked for. */
  readonly platforms: readonly Platform[];
  readonly unknown: readonly Failure[];
  /** Also everything that has an emulator at hand. */
  readonly all: boolean;
}

export function parseSelection(words: readonly string[]): Selection {
  const platforms = new Map<Architecture, Platform>();
  const unknown: Failure[] = [];
  for (const word of words.filter((each) => each !== 'all')) {
    const parsed = parsePlatform(word);
    if (parsed.kind === 'unknown') {
      unknown.push({ code: 'unknown-platform', subject: word, cause: parsed.cause });
      continue;
    }
    const { architecture, level = 0 } = parsed.platform;
    const before = platforms.get(architecture);
    if (before === undefined || (before.level ?? 0) < level) platforms.set(architecture, parsed.platform);
  }
  return { platforms: [...platforms.values()], unknown, all: words.includes('all') };
}

/** The selection's platforms, those of `all` among them: what the machine does not run by itself. */
export function selectPlatforms({ platforms, all }: Selection, snapshot: Snapshot): readonly Platform[] {
  if (!all) return platforms;
  const more = [...snapshot.emulators.keys()]
    .filter((row) => !platforms.some(({ architecture }) => architecture === row))
    .filter((row) => runnerOf(row, snapshot).kind !== 'native');
  return [...platforms, ...more.map((architecture) => ({ architecture }))];
}

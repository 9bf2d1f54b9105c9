/** What a host registers at boot beside an entry of binfmt, and what that means for the entry. */
import { takesProgramsOf } from '../binfmt/probe-executable.js';
import type { Architecture } from '../platform/architectures.js';
import { type ConfigurationFile, type ConfiguredEntry, configuredEntries } from './binfmt-d.js';

/** The entry that is registered last for programs of this architecture, and so takes them; undefined if that is `name`. */
export function inFrontAtBoot(
  architecture: Architecture,
  name: string,
  files: readonly ConfigurationFile[],
): ConfiguredEntry | undefined {
  const last = configuredEntries(files)
    .filter(({ entry }) => takesProgramsOf(architecture, entry))
    .at(-1);
  return last?.entry.name === name ? undefined : last;
}

/**
 * The name of another record of binfmt-support for the very same programs: update-binfmts would start a program that chooses
 * between the two, and registers neither with flag F. Source: act_enable in src/update-binfmts.c.
 */
export function recordLike(name: string, records: ReadonlyMap<string, string>): string | undefined {
  const patternOf = (record = '') => record.split('\n').slice(1, 5).join('\n');
  const own = patternOf(records.get(name));
  return [...records].find(([other, record]) => other !== name && patternOf(record) === own)?.[0];
}

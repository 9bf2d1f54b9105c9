/**
 * Which emulators an image carries: a list of sets and architectures, separated by commas.
 *
 *   tsx qemu/sets.ts --set image|full|LIST --architecture NAME
 *
 * prints QEMU's names of them, for qemu/build. NAME is Debian's name of the host.
 */
import minimist from 'minimist';
import { type Architecture, architectures } from '../src/core/platform/architectures.js';
import { parsePlatform } from '../src/core/platform/platform.js';

export const sets = {
  /** For the platforms that container images exist for. */
  image: architectures.filter(({ inImage }) => inImage),
  /** For every architecture that QEMU's user emulation covers. */
  full: architectures,
} as const satisfies Readonly<Record<string, readonly Architecture[]>>;

const byName = new Map<string, readonly Architecture[]>(Object.entries(sets));

/** In the order of the table, and without the one for the host itself. Throws if a name is unknown. */
export function emulatorsFor(set: string, host: Architecture | undefined): readonly Architecture[] {
  const wanted = new Set(set.split(',').flatMap((name) => byName.get(name) ?? [architectureNamed(name)]));
  return architectures.filter((each) => wanted.has(each) && each !== host);
}

function architectureNamed(name: string): Architecture {
  const found = architectureOf(name);
  const names = [...byName.keys(), ...architectures.map((each) => each.name)].join(', ');
  if (!found) throw new Error(`SET: "${name}" is none of ${names}`);
  return found;
}

/** The architecture of a host from Debian's name for it (`arm64`, `ppc64el`). Throws if it is unknown. */
export function hostOf(debianName: string): Architecture {
  const found = architectureOf(debianName);
  if (!found) throw new Error(`Debian's architecture "${debianName}" is unknown`);
  return found;
}

function architectureOf(name: string): Architecture | undefined {
  const parsed = parsePlatform(name);
  return parsed.kind === 'platform' ? parsed.platform.architecture : undefined;
}

if (process.argv[1] === import.meta.filename) {
  const { set, architecture } = minimist(process.argv.slice(2), { string: ['set', 'architecture'] });
  const targets = emulatorsFor(set, hostOf(architecture)).map(({ target }) => target);
  console.log(targets.join(' '));
}

/** Which emulators an image carries. The one for the host itself is left out of each set. */
import { type Architecture, architectures } from '../src/core/architectures.js';

export const sets = {
  /** For the platforms that container images exist for. */
  image: architectures.filter(({ inImage }) => inImage),
  /** For every architecture that QEMU's user emulation covers. */
  full: architectures,
} as const satisfies Readonly<Record<string, readonly Architecture[]>>;

/** Throws if there is no set of that name. */
export function setNamed(name: string): readonly Architecture[] {
  const found = new Map<string, readonly Architecture[]>(Object.entries(sets)).get(name);
  if (!found) throw new Error(`unknown set "${name}"; known sets: ${Object.keys(sets).join(', ')}`);
  return found;
}

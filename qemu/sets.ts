/** Which emulators an image carries. The machine's own architecture is left out of each. */
import { architectures } from '../src/core/architectures.js';

export const sets: Readonly<Record<string, readonly string[]>> = {
  /** The platforms that container images exist for. */
  image: [
    'amd64',
    'arm64',
    'arm',
    '386',
    'riscv64',
    'ppc64le',
    'ppc64',
    's390x',
    'loong64',
    'mips64le',
    'mips64',
    'mipsle',
    'mips',
  ],
  full: architectures.map(({ name }) => name),
};

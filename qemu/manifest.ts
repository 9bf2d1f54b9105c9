/**
 * The manifest of an image: which emulators it carries, and where each comes from. It lies in the image
 * as /usr/share/binfmt/manifest.json.
 */

import { type Package, upstreamVersion } from '../image/packages.js';
import type { Architecture } from '../src/core/architectures.js';

export interface ManifestEntry {
  /** `qemu-aarch64` */
  readonly name: string;
  /** OCI architecture whose programs it runs. */
  readonly architecture: string;
  /** QEMU's version: `11.1.3` */
  readonly version: string;
  readonly package: string;
  readonly packageVersion: string;
  readonly source: string;
  /** Of the file, hexadecimal. */
  readonly sha256: string;
}

export interface Manifest {
  readonly emulators: readonly ManifestEntry[];
}

export function manifestEntry(row: Architecture, from: Package, sha256: string): ManifestEntry {
  return {
    name: `qemu-${row.target}`,
    architecture: row.name,
    version: upstreamVersion(from.version),
    package: from.name,
    packageVersion: from.version,
    source: from.source.name,
    sha256,
  };
}

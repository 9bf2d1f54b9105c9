/**
 * The manifest of an image: which emulators it carries, and where each comes from. It lies in the image
 * as /usr/share/binfmt/manifest.json.
 */
import type { Architecture } from '../src/core/architectures.js';

/** Control fields of the Debian package, as `dpkg-deb -f` prints them. */
export interface Package {
  /** `qemu-user` */
  readonly name: string;
  /** `1:11.1.3+ds-1~bpo13+1` */
  readonly version: string;
  /** The source package: `qemu` */
  readonly source: string;
  /** Debian's name of the machine that it is for. */
  readonly architecture: string;
}

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

/** Throws for a text without the four fields. */
export function parseControl(text: string): Package {
  const field = (name: string) => {
    const value = new RegExp(`^${name}: (\\S+)`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`the control file of the package has no field "${name}"`);
    return value;
  };
  return {
    name: field('Package'),
    version: field('Version'),
    source: field('Source'),
    architecture: field('Architecture'),
  };
}

/** `1:11.1.3+ds-1~bpo13+1` → `11.1.3`: without Debian's epoch, repacking mark and revision. */
export function upstreamVersion(version: string): string {
  return version.replace(/^\d+:/, '').replace(/[-+~].*$/, '');
}

export function manifestEntry(row: Architecture, from: Package, sha256: string): ManifestEntry {
  return {
    name: `qemu-${row.target}`,
    architecture: row.name,
    version: upstreamVersion(from.version),
    package: from.name,
    packageVersion: from.version,
    source: from.source,
    sha256,
  };
}

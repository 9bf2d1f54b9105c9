/**
 * The manifest of an image's emulators: which ones it carries, and where each comes from. In the image it is
 * /usr/share/binfmt/manifest.json.
 */
import type { Package } from '../image/packages.js';
import { type Architecture, emulatorName } from '../src/core/platform/architectures.js';

export interface ManifestEntry {
  /** `qemu-aarch64` */
  readonly name: string;
  /** OCI architecture of the programs that it runs. */
  readonly architecture: string;
  /** QEMU's version: `11.1.3` */
  readonly version: string;
  readonly package: string;
  readonly packageVersion: string;
  /** Debian's source package. */
  readonly source: string;
  /** It was built from that source, with these patches (qemu/patches); undefined if Debian has built it. */
  readonly patches?: readonly string[];
  /** Checksum of the emulator's file, in hexadecimal. */
  readonly sha256: string;
  /** Of the file, in bytes. */
  readonly size: number;
  /** By which the program knows the version of an emulator that it did not start; in hexadecimal. */
  readonly buildId: string;
}

export interface EmulatorManifest {
  readonly emulators: readonly ManifestEntry[];
}

/** `file`: what the emulator's file is. */
export function manifestEntry(
  architecture: Architecture,
  from: Package,
  file: Pick<ManifestEntry, 'sha256' | 'size' | 'buildId'>,
): ManifestEntry {
  return {
    name: emulatorName(architecture),
    architecture: architecture.name,
    version: upstreamVersion(from.version),
    package: from.name,
    packageVersion: from.version,
    source: from.source.name,
    ...(from.patches && { patches: from.patches }),
    ...file,
  };
}

/** `1:11.1.3+ds-1~bpo13+1` → `11.1.3`: removes Debian's epoch, repacking mark and revision. */
export function upstreamVersion(version: string): string {
  return version.replace(/^\d+:/, '').replace(/[-+~].*$/, '');
}

/** Versions of binfmt, of QEMU, and of the kernel. */

/** What runs. */
export interface Build {
  readonly version: string;
  /** The commit that it was built from. */
  readonly revision: string;
  readonly node: string;
}

/** The version in `qemu-aarch64 version 11.1.3 (Debian …)`; undefined for any other text. */
export function parseQemuVersion(output: string): string | undefined {
  return /^qemu-\S+ version (\d+(?:\.\d+)*)/.exec(output)?.[1];
}

/** Negative if `one` is older, 0 if they are the same. Parts are numbers, and a missing part is 0. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let i = 0; i < Math.max(a?.length ?? 0, b?.length ?? 0); i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

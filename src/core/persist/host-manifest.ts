/**
 * What binfmt has written to a host, by --persist or by an export, so that it can take back exactly that: manifest.json
 * beside the emulators.
 */
/** What was in a place before; `text` has one character a byte. */
export type Replaced = { readonly text: string } | { readonly link: string };

export interface HostManifest {
  /** Contents: path → SHA-256, hexadecimal. */
  readonly files: Readonly<Record<string, string>>;
  /**
   * New contents (path → SHA-256) that were about to take the place of the old ones. If that was interrupted, each file has
   * either.
   */
  readonly unfinished?: Readonly<Record<string, string>>;
  /** Configuration of others, which comes back when binfmt's is removed. */
  readonly replaced?: Readonly<Record<string, Replaced>>;
}

export const EMPTY_MANIFEST: HostManifest = { files: {} };

/** Undefined for anything that is not a manifest. */
export function parseHostManifest(text: string): HostManifest | undefined {
  try {
    const { files, unfinished, replaced } = JSON.parse(text) as HostManifest;
    if (!isObject(files)) return undefined;
    return {
      files,
      ...(isObject(unfinished) && { unfinished }),
      ...(isObject(replaced) && { replaced }),
    };
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

export function formatHostManifest({ files, unfinished = {}, replaced = {} }: HostManifest): string {
  const sorted = (record: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)));
  const some = (record: Readonly<Record<string, unknown>>) =>
    Object.keys(record).length > 0 ? sorted(record) : undefined;
  const manifest = { files: sorted(files), unfinished: some(unfinished), replaced: some(replaced) };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** binfmt wrote this, and it is unchanged since. */
export function isOurs({ files, unfinished = {} }: HostManifest, path: string, sha256: string): boolean {
  return files[path] === sha256 || unfinished[path] === sha256;
}

/**
 * Before files are replaced. `present`: what binfmt finds there of its own, from whichever call. `hashes`: what is to
 * come. `replaced`: what others had there.
 */
export function beginReplacing(
  manifest: HostManifest,
  present: Readonly<Record<string, string>>,
  hashes: Readonly<Record<string, string>>,
  replaced: Readonly<Record<string, Replaced>>,
): HostManifest {
  return {
    files: { ...manifest.files, ...present },
    unfinished: { ...without(manifest.unfinished ?? {}, Object.keys(present)), ...hashes },
    replaced: { ...manifest.replaced, ...replaced },
  };
}

/** When they have been replaced. */
export function endReplacing(manifest: HostManifest, hashes: Readonly<Record<string, string>>): HostManifest {
  return {
    ...manifest,
    files: { ...manifest.files, ...hashes },
    unfinished: without(manifest.unfinished ?? {}, Object.keys(hashes)),
  };
}

/** When files have been removed. */
export function withoutFiles({ files, unfinished = {}, replaced = {} }: HostManifest, paths: readonly string[]) {
  return {
    files: without(files, paths),
    unfinished: without(unfinished, paths),
    replaced: without(replaced, paths),
  } satisfies HostManifest;
}

function without<Value>(
  record: Readonly<Record<string, Value>>,
  keys: readonly string[],
): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}

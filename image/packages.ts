/** Reads the control fields of Debian packages. */

/** A source package: `qemu`, `1:11.1.3+ds-1~bpo13+1`. */
export interface Source {
  readonly name: string;
  readonly version: string;
}

/** Control fields of a binary package, as `dpkg-deb -f` prints them. */
export interface Package {
  /** `qemu-user` */
  readonly name: string;
  /** `1:11.1.3+ds-1~bpo13+1` */
  readonly version: string;
  readonly source: Source;
  /** Debian's name of the architecture that it is built for, or `all`. */
  readonly architecture: string;
  /** Source packages that are statically linked into its programs. */
  readonly builtUsing: readonly Source[];
  /** Only if it is not Debian's own, but built from the source by qemu/build: the patches in qemu/patches that it has. */
  readonly patches?: readonly string[];
}

/** Throws if a field that every package has is missing. Source: Debian Policy, chapter 5. */
export function parseControl(text: string): Package {
  const field = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(text)?.[1];
  const required = (name: string) => {
    const value = field(name);
    if (value === undefined) throw new Error(`the control fields of the package lack "${name}"`);
    return value;
  };
  const name = required('Package');
  const version = required('Version');
  const patches = /^Patches:(.*)$/m.exec(text)?.[1]?.trim();
  // Source name and version are left out if they are the binary package's.
  const [, sourceName = name, sourceVersion = version] = /^(\S+)(?: \((.+)\))?$/.exec(field('Source') ?? name) ?? [];
  return {
    name,
    version,
    source: { name: sourceName, version: sourceVersion },
    architecture: required('Architecture'),
    builtUsing: ['Built-Using', 'Static-Built-Using'].flatMap((name) => parseSources(field(name) ?? '')),
    ...(patches !== undefined && { patches: patches.split(' ').filter(Boolean) }),
  };
}

/** `glibc (= 2.41-12), zlib (= 1:1.3)` */
function parseSources(text: string): Source[] {
  return [...text.matchAll(/([^\s,]+) \(= ([^)]+)\)/g)].map(([, name = '', version = '']) => ({ name, version }));
}

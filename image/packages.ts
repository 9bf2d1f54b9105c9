/** Debian packages: what their control fields say. */
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
  /** Debian's name of the machine that it is for. */
  readonly architecture: string;
  /** What is linked into its programs. */
  readonly builtUsing: readonly Source[];
}

/** Throws for a text without the fields that every package has. Source: Debian Policy, chapter 5. */
export function parseControl(text: string): Package {
  const field = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(text)?.[1];
  const must = (name: string) => {
    const value = field(name);
    if (value === undefined) throw new Error(`the control file of the package has no field "${name}"`);
    return value;
  };
  const name = must('Package');
  const version = must('Version');
  // Where neither name nor version differ from the binary package's, they are left out.
  const [, sourceName = name, sourceVersion = version] = /^(\S+)(?: \((.+)\))?$/.exec(field('Source') ?? name) ?? [];
  return {
    name,
    version,
    source: { name: sourceName, version: sourceVersion },
    architecture: must('Architecture'),
    builtUsing: ['Built-Using', 'Static-Built-Using'].flatMap((each) => parseSources(field(each) ?? '')),
  };
}

/** `glibc (= 2.41-12), zlib (= 1:1.3)` */
function parseSources(text: string): Source[] {
  return [...text.matchAll(/([^\s,]+) \(= ([^)]+)\)/g)].map(([, name = '', version = '']) => ({ name, version }));
}

/** `1:11.1.3+ds-1~bpo13+1` → `11.1.3`: without Debian's epoch, repacking mark and revision. */
export function upstreamVersion(version: string): string {
  return version.replace(/^\d+:/, '').replace(/[-+~].*$/, '');
}

/** The components of an image, each with its version and its licence. */
import path from 'node:path';
import fs from 'fs-extra';
import { type Package, parseControl, type Source } from './packages.js';

export interface Component {
  /** The package system that it comes from; `generic` means none. */
  readonly kind: 'deb' | 'npm' | 'generic';
  readonly name: string;
  readonly version: string;
  /** Debian's name of the architecture that it is built for, or `source`. */
  readonly architecture?: string;
  /** An SPDX licence expression. Undefined: see `copyright`. */
  readonly licence?: string | undefined;
  /** The full text of copyright and licence. */
  readonly copyright?: string | undefined;
  /** It was built from Debian's source package, with these patches of this project. */
  readonly patches?: readonly string[];
  /** Components that are statically linked into it. */
  readonly contains?: readonly Component[];
}

/**
 * Licences by Debian source package; the name is without version and "-cross" at its end. They cover only the files
 * that an image gets from the package; its tests and build files often have other licences. Source: the copyright file
 * of each package. The expressions are SPDX's.
 */
const licences: Readonly<Record<string, string>> = {
  'ada-url': 'Apache-2.0 OR MIT',
  brotli: 'MIT',
  'c-ares': 'MIT',
  capstone: 'BSD-3-Clause',
  'cross-toolchain-base': 'LGPL-2.1-or-later', // glibc for cross compilers
  gcc: 'GPL-3.0-or-later WITH GCC-exception-3.1',
  glib: 'LGPL-2.1-or-later',
  glibc: 'LGPL-2.1-or-later',
  icu: 'Unicode-3.0',
  'libhdr-histogram': 'BSD-2-Clause OR CC0-1.0',
  libuv: 'MIT',
  libzstd: 'BSD-3-Clause OR GPL-2.0-only',
  llhttp: 'MIT',
  nghttp: 'MIT',
  nodejs: 'MIT',
  openssl: 'Apache-2.0',
  pcre: 'BSD-3-Clause',
  qemu: 'GPL-2.0-or-later',
  simdjson: 'Apache-2.0 OR MIT',
  simdutf: 'Apache-2.0 OR MIT',
  sqlite: 'blessing',
  sysprof: 'BSD-2-Clause-Patent', // only libsysprof-capture, which GLib is linked with
  zlib: 'Zlib',
};

function licenceOf({ name }: Source): string | undefined {
  return licences[name.replace(/[-.\d]+(-cross)?$/, '')];
}

/** The package that qemu/fetch has unpacked into a directory. */
export async function packageComponent(packageDir: string): Promise<Component> {
  const control = parseControl(await fs.readFile(path.join(packageDir, 'control'), 'utf8'));
  const { patches } = control;
  return {
    ...debianComponent(patches ? { ...control, architecture: 'source' } : control),
    ...(patches && { patches }),
    copyright: await copyrightOf(packageDir, control),
    contains: control.builtUsing.map((source) => debianComponent({ ...source, source, architecture: 'source' })),
  };
}

/** The packages that control fields describe. An empty line separates one package from the next. */
export function controlComponents(text: string): Component[] {
  return text
    .trim()
    .split('\n\n')
    .map((fields) => debianComponent(parseControl(fields)));
}

function debianComponent({ name, version, architecture, source }: Omit<Package, 'builtUsing'>): Component {
  return { kind: 'deb', name, version, architecture, licence: licenceOf(source) };
}

/** Packages from one source may share a copyright file. Then this package's directory is a link to another's. */
async function copyrightOf(packageDir: string, { name }: Package): Promise<string> {
  const docs = path.join(packageDir, 'usr/share/doc', name);
  const other = (await fs.lstat(docs)).isSymbolicLink() ? path.basename(await fs.readlink(docs)) : undefined;
  const directory = other === undefined ? docs : path.join(packageDir, '..', other, 'usr/share/doc', other);
  return await fs.readFile(path.join(directory, 'copyright'), 'utf8');
}

/** The npm packages in a bundle, from esbuild's metafile (`inputs`: paths relative to the project's directory). */
export async function bundleComponents(metafile: string, project: string): Promise<Component[]> {
  const { inputs } = (await fs.readJson(metafile)) as { inputs: Record<string, unknown> };
  const packages = new Set(
    Object.keys(inputs).flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  );
  return Promise.all([...packages].sort().map((packageDir) => npmComponent(path.join(project, packageDir))));
}

async function npmComponent(packageDir: string): Promise<Component> {
  const { name, version, license } = await fs.readJson(path.join(packageDir, 'package.json'));
  // Some packages have their licence only in the README.
  const files = (await fs.readdir(packageDir)).sort();
  const file = files.find((each) => /^licen[cs]e/i.test(each)) ?? files.find((each) => /^readme/i.test(each));
  if (file === undefined) throw new Error(`${name} has neither a licence file nor a README`);
  return {
    kind: 'npm',
    name,
    version,
    licence: license,
    copyright: await fs.readFile(path.join(packageDir, file), 'utf8'),
  };
}

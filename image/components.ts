/** What an image is made of, each part with its version and the terms that it comes under. */
import path from 'node:path';
import fs from 'fs-extra';
import { type Package, parseControl, type Source } from './packages.js';

export interface Component {
  /** The package system that it comes from; generic: none. */
  readonly kind: 'deb' | 'npm' | 'generic';
  readonly name: string;
  readonly version: string;
  /** Debian's name of the machine that it is for, or `source`. */
  readonly architecture?: string;
  /** An SPDX licence expression; undefined: only the text tells. */
  readonly licence?: string | undefined;
  /** Copyright and licence, in full. */
  readonly copyright?: string | undefined;
  /** Linked into it. */
  readonly contains?: readonly Component[];
}

/**
 * Licences of Debian's source packages, less version and "cross" at their ends, as far as their files go into an
 * image: its tests and build files often come under others. Source: the copyright file of each; names are SPDX's.
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
  sysprof: 'BSD-2-Clause-Patent', // its libsysprof-capture, which GLib is linked with
  zlib: 'Zlib',
};

function licenceOf({ name }: Source): string | undefined {
  return licences[name.replace(/[-.\d]+(-cross)?$/, '')];
}

/** A package that qemu/fetch has unpacked into a folder. */
export async function ofPackage(folder: string): Promise<Component> {
  const control = parseControl(await fs.readFile(path.join(folder, 'control'), 'utf8'));
  return {
    ...ofDebian(control),
    copyright: await copyrightOf(folder, control),
    contains: control.builtUsing.map((each) => ofDebian({ ...each, source: each, architecture: 'source' })),
  };
}

/** The packages of a text with the control fields of each, an empty line after each. */
export function ofControls(text: string): Component[] {
  return text
    .trim()
    .split('\n\n')
    .map((each) => ofDebian(parseControl(each)));
}

function ofDebian({ name, version, architecture, source }: Omit<Package, 'builtUsing'>): Component {
  return { kind: 'deb', name, version, architecture, licence: licenceOf(source) };
}

/** Packages of one source share a copyright file: then the folder is a link to that of another package beside it. */
async function copyrightOf(folder: string, { name }: Package): Promise<string> {
  const docs = path.join(folder, 'usr/share/doc', name);
  const other = (await fs.lstat(docs)).isSymbolicLink() ? path.basename(await fs.readlink(docs)) : undefined;
  const place = other === undefined ? docs : path.join(folder, '..', other, 'usr/share/doc', other);
  return await fs.readFile(path.join(place, 'copyright'), 'utf8');
}

/** The npm packages of a bundle, from esbuild's metafile (its `inputs`), relative to the project's folder. */
export async function ofBundle(metafile: string, project: string): Promise<Component[]> {
  const { inputs } = (await fs.readJson(metafile)) as { inputs: Record<string, unknown> };
  const folders = new Set(
    Object.keys(inputs).flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  );
  return Promise.all([...folders].sort().map((folder) => ofNpmPackage(path.join(project, folder))));
}

async function ofNpmPackage(folder: string): Promise<Component> {
  const { name, version, license } = await fs.readJson(path.join(folder, 'package.json'));
  // Some have it in their README only.
  const files = (await fs.readdir(folder)).sort();
  const file = files.find((each) => /^licen[cs]e/i.test(each)) ?? files.find((each) => /^readme/i.test(each));
  if (file === undefined) throw new Error(`${name} has neither a licence file nor a README`);
  return {
    kind: 'npm',
    name,
    version,
    licence: license,
    copyright: await fs.readFile(path.join(folder, file), 'utf8'),
  };
}

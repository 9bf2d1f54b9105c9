/**
 * Collects the Node.js of an image: the published executable, or Debian's if none is published for the host, with its
 * loader and libraries. They go into the program's directory, where no other program finds them (src/native/main.c).
 *
 *   tsx image/runtime.ts --published DIR --packages DIR --tools PREFIX --out DIR --components FILE
 *
 * published   root file system of the published Node.js image; empty if there is none for the host
 * packages    directory of packages that qemu/fetch --with-dependencies has unpacked
 * tools       prefix of the binutils for the host: `aarch64-linux-gnu-`
 * out         root file system of the image
 * components  file to write the components to, for the SBOM (image/components.ts)
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import fs from 'fs-extra';
import minimist from 'minimist';
import { parseElf } from '../src/core/binfmt/elf.js';
import { type Component, packageComponent } from './components.js';
import { zeroLanguages } from './icu.js';

/** The directories that a loader searches, and their subdirectories, relative to the root. */
const libraryDirs = ['usr/lib', 'usr/lib64', 'lib', 'lib64'];

export interface Parts {
  readonly published: string;
  readonly packages: string;
  readonly tools: string;
  readonly out: string;
}

/** Throws if Node.js, or a library that it needs, is not among the parts. */
export async function collectRuntime({ published, packages, tools, out }: Parts): Promise<Component[]> {
  const programDir = path.join(out, 'usr/lib/binfmt');
  const node = await firstFile([
    path.join(published, 'usr/local/bin/node'),
    path.join(packages, 'nodejs/usr/bin/node'),
  ]);
  if (node === undefined) throw new Error(`no Node.js in ${published} nor in ${packages}`);
  await fs.emptyDir(programDir);
  const roots = await directoriesIn(packages);
  const used = new Set(roots.filter((root) => node.startsWith(`${root}/`)));

  const loader = loaderOf(node);
  const wanted = new Set([loader]);
  await copyStripped(node, path.join(programDir, 'node'), tools);
  for (const name of neededBy(node)) wanted.add(name);
  // A Set's iteration also visits what is added during it: the libraries that libraries need.
  for (const name of wanted) {
    const { root, file } = await findLibrary(name, roots);
    const taken = path.join(programDir, name === loader ? 'ld.so' : name);
    await copyStripped(file, taken, tools);
    used.add(root);
    for (const scripts of await copyScripts(taken, roots, out)) used.add(scripts);
    for (const next of neededBy(file)) wanted.add(next);
  }

  const components = await Promise.all([...used].sort().map((root) => packageComponent(root)));
  const all = node.startsWith(`${published}/`) ? [await publishedNode(node, published), ...components] : components;
  const version = all.find(({ name }) => ['node', 'nodejs'].includes(name))?.version ?? '';
  // Tells the entry program to add --no-expose-wasm: --jitless alone makes Node.js warn before version 24.
  if (Number.parseInt(version, 10) < 24) await fs.outputFile(path.join(programDir, 'no-expose-wasm'), '');
  return all;
}

/** Sorted paths; empty if there is no such directory. */
async function directoriesIn(dir: string): Promise<string[]> {
  const entries = await fs.readdir(dir, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => path.join(dir, name))
    .sort();
}

async function firstFile(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) if (await fs.pathExists(file)) return file;
  return undefined;
}

/** The file name of the loader that a program asks for: `ld-linux-aarch64.so.1`. */
function loaderOf(node: string): string {
  const fd = fs.openSync(node, 'r');
  const start = Buffer.alloc(4096);
  fs.readSync(fd, start, 0, start.length, 0);
  fs.closeSync(fd);
  const loader = parseElf(start)?.loader;
  if (loader === undefined) throw new Error(`${node} is not a dynamically linked program`);
  return path.basename(loader);
}

/** Names of the libraries that a file needs. readelf, unlike ldd, runs nothing, and reads all architectures. */
function neededBy(file: string): string[] {
  const text = execFileSync('readelf', ['--dynamic', '--wide', file], { encoding: 'utf8' });
  return [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name = '']) => name);
}

async function findLibrary(name: string, roots: readonly string[]): Promise<{ root: string; file: string }> {
  for (const root of roots) {
    for (const parent of libraryDirs.map((dir) => path.join(root, dir))) {
      const dirs = [parent, ...(await directoriesIn(parent))];
      const file = await firstFile(dirs.map((dir) => path.join(dir, name)));
      if (file !== undefined) return { root, file };
    }
  }
  throw new Error(`no package has the library ${name}`);
}

/** Copies a program or library without its symbols and language data. */
async function copyStripped(from: string, to: string, tools: string): Promise<void> {
  await fs.copy(from, to, { dereference: true });
  await fs.chmod(to, 0o755);
  execFileSync(`${tools}strip`, ['--strip-unneeded', to]);
  const bytes = await fs.readFile(to);
  if (zeroLanguages(bytes) > 0) await fs.writeFile(to, bytes);
}

/**
 * Debian's Node.js loads some of its own modules from scripts in other packages, and aborts if they are missing.
 * Copies the scripts that the library names, under the same paths. Returns the directories of their packages.
 */
async function copyScripts(library: string, roots: readonly string[], out: string): Promise<string[]> {
  const used: string[] = [];
  const names = (await fs.readFile(library)).toString('latin1').match(/\/usr\/share\/nodejs\/[\w./-]+js/g) ?? [];
  for (const name of new Set(names)) {
    const root = (await Promise.all(roots.map((dir) => fs.pathExists(path.join(dir, name))))).indexOf(true);
    const from = roots[root];
    if (from === undefined) continue;
    await fs.copy(path.join(from, name), path.join(out, name), { dereference: true });
    used.push(from);
  }
  return used;
}

/** The version of a published executable, which contains the URL of its source. */
export function nodeVersion(executable: Buffer): string {
  const at = executable.indexOf('/download/release/v');
  const version = /release\/v(\d+\.\d+\.\d+)\//.exec(executable.toString('latin1', at, at + 40))?.[1];
  if (at < 0 || version === undefined) throw new Error('the published Node.js does not contain its version');
  return version;
}

async function publishedNode(node: string, published: string): Promise<Component> {
  const licence = path.join(published, 'usr/local/LICENSE');
  return {
    kind: 'generic',
    name: 'node',
    version: nodeVersion(await fs.readFile(node)),
    licence: 'MIT',
    copyright: (await fs.pathExists(licence)) ? await fs.readFile(licence, 'utf8') : undefined,
  };
}

if (process.argv[1] === import.meta.filename) {
  const options = minimist(process.argv.slice(2), { string: ['published', 'packages', 'tools', 'out', 'components'] });
  const components = await collectRuntime(options as unknown as Parts);
  await fs.outputJson(options['components'], components);
  console.log(components.map(({ name, version }) => `${name} ${version}`).join(', '));
}

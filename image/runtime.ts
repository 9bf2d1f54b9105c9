/**
 * Puts together the Node.js of an image: the executable as published, or Debian's where none is published for the
 * host, with its own loader and libraries, as the program's alone (src/native/entry.c).
 *
 *   tsx image/runtime.ts --published DIR --packages DIR --tools PREFIX --out DIR --components FILE
 *
 * published   root file system of the published image, which may be empty
 * packages    what qemu/fetch --with-dependencies has unpacked
 * tools       binutils for the host: `aarch64-linux-gnu-`
 * components  where to write what it took (image/components.ts)
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import fs from 'fs-extra';
import minimist from 'minimist';
import { parseElf } from '../src/core/elf.js';
import { type Component, ofPackage } from './components.js';
import { withoutLanguages } from './icu.js';

/** The folders that a loader looks into, in a root file system. */
const libraryFolders = ['usr/lib', 'usr/lib64', 'lib', 'lib64'];

export interface Parts {
  readonly published: string;
  readonly packages: string;
  readonly tools: string;
  readonly out: string;
}

/** Throws where a library is in no package, or not even Node.js is. */
export async function collectRuntime({ published, packages, tools, out }: Parts): Promise<Component[]> {
  const folder = path.join(out, 'usr/lib/binfmt');
  const node = await firstFile([
    path.join(published, 'usr/local/bin/node'),
    path.join(packages, 'nodejs/usr/bin/node'),
  ]);
  if (node === undefined) throw new Error(`no Node.js in ${published} nor in ${packages}`);
  await fs.emptyDir(folder);
  const roots = await foldersIn(packages);
  const used = new Set(roots.filter((root) => node.startsWith(`${root}/`)));

  const loader = loaderOf(node);
  const wanted = new Set([loader]);
  await take(node, path.join(folder, 'node'), tools);
  for (const name of neededBy(node)) wanted.add(name);
  // What is added while it runs is visited too.
  for (const name of wanted) {
    const { root, file } = await findLibrary(name, roots);
    const taken = path.join(folder, name === loader ? 'ld.so' : name);
    await take(file, taken, tools);
    used.add(root);
    for (const each of await takeScripts(taken, roots, out)) used.add(each);
    for (const next of neededBy(file)) wanted.add(next);
  }

  const components = await Promise.all([...used].sort().map((root) => ofPackage(root)));
  const all = node.startsWith(`${published}/`) ? [await publishedNode(node, published), ...components] : components;
  const version = all.find(({ name }) => ['node', 'nodejs'].includes(name))?.version ?? '';
  // Tells the entry program which options this one takes.
  if (Number.parseInt(version, 10) < 24) await fs.outputFile(path.join(folder, 'no-expose-wasm'), '');
  return all;
}

/** Sorted; none where there is no such folder. */
async function foldersIn(dir: string): Promise<string[]> {
  const entries = await fs.readdir(dir, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((each) => each.isDirectory())
    .map(({ name }) => path.join(dir, name))
    .sort();
}

async function firstFile(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) if (await fs.pathExists(file)) return file;
  return undefined;
}

/** `ld-linux-aarch64.so.1` */
function loaderOf(node: string): string {
  const fd = fs.openSync(node, 'r');
  const start = Buffer.alloc(4096);
  fs.readSync(fd, start, 0, start.length, 0);
  fs.closeSync(fd);
  const loader = parseElf(start)?.loader;
  if (loader === undefined) throw new Error(`${node} is no dynamically linked program`);
  return path.basename(loader);
}

/** readelf, unlike ldd, runs nothing, and reads the programs of every machine. */
function neededBy(file: string): string[] {
  const text = execFileSync('readelf', ['--dynamic', '--wide', file], { encoding: 'utf8' });
  return [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name = '']) => name);
}

async function findLibrary(name: string, roots: readonly string[]): Promise<{ root: string; file: string }> {
  for (const root of roots) {
    for (const folder of libraryFolders.map((each) => path.join(root, each))) {
      const folders = [folder, ...(await foldersIn(folder))];
      const file = await firstFile(folders.map((each) => path.join(each, name)));
      if (file !== undefined) return { root, file };
    }
  }
  throw new Error(`no package has the library ${name}`);
}

/** Copies a program or library, without symbols and without languages. */
async function take(from: string, to: string, tools: string): Promise<void> {
  await fs.copy(from, to, { dereference: true });
  await fs.chmod(to, 0o755);
  execFileSync(`${tools}strip`, ['--strip-unneeded', to]);
  const bytes = await fs.readFile(to);
  if (withoutLanguages(bytes) > 0) await fs.writeFile(to, bytes);
}

/**
 * Debian's Node.js has parts of itself in other packages' scripts, and aborts where it does not find them: those
 * that the library names are copied to where it looks. Returns the folders of the packages that have them.
 */
async function takeScripts(library: string, roots: readonly string[], out: string): Promise<string[]> {
  const used: string[] = [];
  const names = (await fs.readFile(library)).toString('latin1').match(/\/usr\/share\/nodejs\/[\w./-]+js/g) ?? [];
  for (const name of new Set(names)) {
    const root = (await Promise.all(roots.map((each) => fs.pathExists(path.join(each, name))))).indexOf(true);
    const from = roots[root];
    if (from === undefined) continue;
    await fs.copy(path.join(from, name), path.join(out, name), { dereference: true });
    used.push(from);
  }
  return used;
}

/** The published executable names where its own source is to be downloaded from. */
export function nodeVersion(executable: Buffer): string {
  const at = executable.indexOf('/download/release/v');
  const version = /release\/v(\d+\.\d+\.\d+)\//.exec(executable.toString('latin1', at, at + 40))?.[1];
  if (at < 0 || version === undefined) throw new Error('the published Node.js does not tell its version');
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

/**
 * Makes the program in dist/: `npm run build:program`.
 *
 * - binfmt.cjs, which starts program.cjs
 * - program.cjs: what a status, an installation or a removal needs
 * - a part for everything else, which import() reads when it is needed
 * - probes/NAME, the probe of each architecture, made from the table; a directory that is also their root directory
 * - empty, a directory without files (src/system/install/relabel.ts)
 * - first-requests, what the launcher does while Node.js starts: it runs all of them (src/native/launcher.c)
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type BuildOptions, build, type Plugin, transform } from 'esbuild';
import { probeExecutable } from './core/binfmt/probe-executable.js';
import { architectures } from './core/platform/architectures.js';
import { firstRequests } from './system/probing/first-probes.js';

const SOURCE = path.resolve('src');
const MAIN = path.join(SOURCE, 'main.ts');

/** `parts`: files that are imported with import(). */
const readSource = (parts: ReadonlySet<string> = new Set()): Plugin => ({
  name: 'read-source',
  setup({ onLoad }) {
    onLoad({ filter: /\.[tj]s$/ }, ({ path: file }) => {
      // For a module of Node.js, esbuild makes a copy of its properties in every file that imports it: 1 ms at each start.
      const text = readFileSync(file, 'utf8').replace(/^import (\w+) from ('node:\w+');$/gm, (line, name, module) =>
        file.startsWith(SOURCE) ? `import ${name} = require(${module});` : line,
      );
      // esbuild puts what the same parts need into one file. If all of them need the main file, what that needs stays together.
      const contents = parts.has(file) ? `${text}\nimport ${JSON.stringify(MAIN)};` : text;
      return { contents, loader: file.endsWith('.ts') ? 'ts' : 'js' };
    });
  },
});

// What an earlier build has left. V8 would take the code cache of another program of the same length.
for (const name of existsSync('dist') ? readdirSync('dist') : [])
  if (/\.(cjs|code-cache)$/.test(name)) rmSync(path.join('dist', name));

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const target = {
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  // Code that is compiled by hand (src/start) has no import().
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
} as const;

// What starts the program, and what makes the code cache, with the Node.js that the program will have.
const start: BuildOptions = { ...target, bundle: true, format: 'cjs', plugins: [readSource()] };
await build({ ...start, entryPoints: ['src/start/start.ts'], outfile: 'dist/binfmt.cjs' });
await build({ ...start, entryPoints: ['src/start/write-code-cache.ts'], outfile: 'build/write-code-cache.cjs' });

const program: BuildOptions = {
  ...start,
  supported: {},
  format: 'esm',
  splitting: true,
  entryPoints: [MAIN],
  define: { VERSION: JSON.stringify(version), REVISION: JSON.stringify(process.env['REVISION'] ?? 'dev') },
  outdir: 'dist',
};
const result = { write: false, metafile: true } as const;
const first = await build({ ...program, ...result });
const parts = Object.values(first.metafile.outputs).flatMap(({ entryPoint }) => entryPoint ?? []);
const plugins = [readSource(new Set(parts.map((file) => path.resolve(file)).filter((file) => file !== MAIN)))];
const { outputFiles, metafile } = await build({ ...program, ...result, plugins });
const outputs = Object.entries(metafile.outputs);
const nameOf = (file: string) => path.basename(file, '.js');
const main = nameOf(outputs.find(([, { inputs }]) => 'src/main.ts' in inputs)?.[0] ?? '');
/** A function for everything that the main file exports: esbuild would make one for each name, at each start. */
const withLazyExports = (text: string) =>
  text
    .replaceAll(/"\.\/([\w-]+)\.js"/g, (_, part) => `"./${part === main ? 'program' : part}"`)
    .replace(
      /^import \{([^}]*)\} from "\.\/program";$/m,
      (_, names) => `const {${renamed(names)}} = require("./program")();`,
    )
    .replace(/^export \{([^}]*)\};$/m, (all, names) =>
      text.includes('\n// src/main.ts\n') ? `module.exports = () => ({${renamed(names, true)}});` : all,
    );
const renamed = (names: string, exported = false) =>
  names.replaceAll(/(\S+) as ([^\s,]+)/g, exported ? '$2: $1' : '$1: $2');
const asFunction = { banner: '(function (exports, require, module) {', footer: '})' };
for (const { path: file, text } of outputFiles) {
  const name = nameOf(file);
  // It imports the file with src/main.ts in it, and nothing else.
  if (name === 'main' && name !== main) continue;
  const { code } = await transform(withLazyExports(text), { ...target, ...asFunction, format: 'cjs' });
  writeFileSync(`dist/${name === main ? 'program' : name}.cjs`, code);
}

// image/sbom.ts reads from it which npm packages the program has.
mkdirSync('build', { recursive: true });
writeFileSync('build/bundle.json', JSON.stringify(metafile));

mkdirSync('dist/probes', { recursive: true });
mkdirSync('dist/empty', { recursive: true });
for (const architecture of architectures) {
  writeFileSync(`dist/probes/${architecture.name}`, probeExecutable(architecture), { mode: 0o755 });
}
writeFileSync('dist/first-requests', firstRequests(architectures));

/**
 * Makes the program in dist/: `npm run build:program`.
 *
 * - binfmt.cjs, which starts program.cjs
 * - http-client.cjs, which only the health check and --node load; host-files.cjs, which only an export and --persist load
 * - probes/NAME, the probe of each architecture, made from the table; a directory that is also their root directory
 * - empty, a directory without files (src/system/change/relabel.ts)
 * - first-requests, what the launcher does while Node.js starts: it runs all of them (src/native/launcher.c)
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { architectures } from './core/architectures.js';
import { probeExecutable } from './core/elf.js';
import { firstRequests } from './system/probing/first-probes.js';

/** For a module of Node.js, esbuild makes a copy of its properties in every file that imports it: 1 ms at each start. */
const importWithoutCopy: Plugin = {
  name: 'import-without-copy',
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/^import (\w+) from ('node:\w+');$/gm, 'import $1 = require($2);'),
      loader: 'ts',
    }));
  },
};

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const options: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minifySyntax: true,
  // Code that is compiled by hand (src/start) has no import().
  supported: { 'dynamic-import': false },
  plugins: [importWithoutCopy],
  outExtension: { '.js': '.cjs' },
  logLevel: 'warning',
};

const { metafile } = await build({
  ...options,
  entryPoints: {
    binfmt: 'src/start/start.ts',
    program: 'src/main.ts',
    'http-client': 'src/system/http-client.ts',
    'host-files': 'src/system/change/host-files.ts',
  },
  define: { VERSION: JSON.stringify(version), REVISION: JSON.stringify(process.env['REVISION'] ?? 'dev') },
  outdir: 'dist',
  metafile: true,
});
// Not a part of the program: it makes the code cache, with the Node.js that the program will have.
await build({ ...options, entryPoints: ['src/start/write-code-cache.ts'], outdir: 'build' });

// image/sbom.ts reads from it which npm packages the program has.
mkdirSync('build', { recursive: true });
writeFileSync('build/bundle.json', JSON.stringify(metafile));

// V8 would take the cache of another program of the same length.
rmSync('dist/code-cache', { force: true });

mkdirSync('dist/probes', { recursive: true });
mkdirSync('dist/empty', { recursive: true });
for (const architecture of architectures) {
  writeFileSync(`dist/probes/${architecture.name}`, probeExecutable(architecture), { mode: 0o755 });
}
writeFileSync('dist/first-requests', firstRequests(architectures));

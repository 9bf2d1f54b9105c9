/**
 * Makes the program in dist/: `npm run build:program`.
 *
 * - binfmt.cjs, and bundles of what few calls need: the health check's HTTP client, and writing exported files
 * - probes/NAME, the probe of each architecture, made from the table; a directory that is also their root directory
 * - first-requests, what the launcher does while Node.js starts: it runs all of them (src/native/launcher.c)
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { architectures } from './core/architectures.js';
import { probeExecutable } from './core/elf.js';
import { firstRequests } from './system/probing/first-probes.js';

const { metafile } = await build({
  entryPoints: {
    binfmt: 'src/main.ts',
    'http-client': 'src/system/watch/ask.ts',
    'write-export': 'src/system/change/write-export.ts',
  },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minifySyntax: true,
  define: { REVISION: JSON.stringify(process.env['REVISION'] ?? 'dev') },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  metafile: true,
  logLevel: 'warning',
});

// image/sbom.ts reads from it which npm packages the program has.
mkdirSync('build', { recursive: true });
writeFileSync('build/bundle.json', JSON.stringify(metafile));

mkdirSync('dist/probes', { recursive: true });
for (const architecture of architectures) {
  writeFileSync(`dist/probes/${architecture.name}`, probeExecutable(architecture), { mode: 0o755 });
}
writeFileSync('dist/first-requests', firstRequests(architectures));

/**
 * Bundles the program into dist/: `npm run build:program`. The health check's HTTP client is a bundle of its own, so
 * that no other call has to load it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { metafile } = await build({
  entryPoints: { binfmt: 'src/main.ts', 'http-client': 'src/system/watch/ask.ts' },
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

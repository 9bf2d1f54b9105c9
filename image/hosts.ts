/**
 * The hosts that the image is built for. docker-bake.hcl lists them, for `image-all`; the Dockerfile says how each is
 * built.
 */
import path from 'node:path';
import fs from 'fs-extra';

/** OCI architectures, in the order of the bake file. Throws if it lists none. */
export function imageHosts(): string[] {
  const text = fs.readFileSync(path.join(import.meta.dirname, '../docker-bake.hcl'), 'utf8');
  const [, list = ''] = /^target "image-all" \{[^}]*?^ *platforms *= \[([^\]]*)\]/m.exec(text) ?? [];
  const hosts = [...list.matchAll(/"linux\/([^"]+)"/g)].map(([, name = '']) => name);
  if (hosts.length === 0) throw new Error('docker-bake.hcl lists no platforms for image-all');
  return hosts;
}

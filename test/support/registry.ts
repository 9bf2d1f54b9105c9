/** A container registry. */
import fs from 'node:fs';
import path from 'node:path';
import { buildImage, docker, mustDocker, removeImages } from './docker.js';
import { scratch } from './scratch.js';

/**
 * Debian's docker-registry, which listens on loopback alone as it is started here. It keeps everything in memory (700 MB): with
 * files, it reads a tag while it writes it, and answers 500 to one push in six.
 */
const REGISTRY = 'binfmt-test-registry';
const registryFiles = {
  Dockerfile: `FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends docker-registry >/dev/null
COPY config.yml /config.yml
CMD ["docker-registry", "serve", "/config.yml"]
`,
  'config.yml': 'version: 0.1\nstorage: {inmemory: {}}\nhttp: {addr: ":5000"}\n',
};

/** Returns its address. */
export function startRegistry(): string {
  const dir = scratch();
  for (const [name, text] of Object.entries(registryFiles)) fs.writeFileSync(path.join(dir, name), text);
  buildImage(REGISTRY, dir);
  mustDocker('run', '--detach', '--rm', '--name', REGISTRY, '--publish', '127.0.0.1::5000', REGISTRY);
  return mustDocker('port', REGISTRY, '5000').trim();
}

/** `images`: names, without tags, under which the engine knows what was pushed. */
export function stopRegistry(images: readonly string[]): void {
  docker('rm', '--force', REGISTRY);
  removeImages(REGISTRY, ...images);
}

/**
 * Measures the size of images: `npm run size [-- TARGET...]`, targets of docker-bake.hcl (default: image-all, image-full).
 * Builds each one twice, compressed with gzip (as Docker loads it) and with zstd (as `release` pushes it), and prints the
 * sizes of its layers. Needs a Docker Engine with buildx, and takes some minutes; with EMULATORS=source an hour, if nothing
 * is cached. 1 MB is 10^6 bytes.
 */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import fs from 'fs-extra';

/** What each layer contains, in the order of the Dockerfile. */
const LAYERS = ['node', 'libraries', 'emulators', 'program'];

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

/** Bytes. */
interface Size {
  readonly unpacked: number;
  readonly gzip: number;
  readonly zstd: number;
}

/** Builds a target of the bake file, and returns the sizes of its layers by platform (`linux/arm64`). */
function sizesOf(target: string, dir: string): Map<string, Size[]> {
  const [gzip, zstd] = ['gzip', 'zstd,compression-level=22'].map((compression, i) => {
    const dest = path.join(dir, `${i}.tar`);
    const output = `type=oci,dest=${dest},force-compression=true,compression=${compression}`;
    const options = ['--progress=quiet', '--provenance=false', '--set', `${target}.output=${output}`];
    run('docker', ['buildx', 'bake', ...options, target]);
    return dest;
  });
  const unpacked = measureLayers(gzip ?? '', (digest) => unpackedSize(gzip ?? '', digest));
  const compressed = [gzip, zstd].map((archive) => measureLayers(archive ?? '', (_, size) => size));
  return new Map(
    [...unpacked].map(([platform, sizes]) => {
      const [asGzip = [], asZstd = []] = compressed.map((each) => each.get(platform) ?? []);
      return [platform, sizes.map((size, i) => ({ unpacked: size, gzip: asGzip[i] ?? 0, zstd: asZstd[i] ?? 0 }))];
    }),
  );
}

/** Calls `measure` for each layer in an OCI archive. Returns the results by platform. */
function measureLayers(archive: string, measure: (digest: string, size: number) => number): Map<string, number[]> {
  const blob = (digest: string) => run('tar', ['-xOf', archive, `blobs/${digest.replace(':', '/')}`]);
  const { manifests } = JSON.parse(run('tar', ['-xOf', archive, 'index.json'])) as { manifests: Descriptor[] };
  const inner = manifests.flatMap((each) => (each.platform ? [each] : manifestsOf(blob(each.digest), each)));
  return new Map(
    inner.map(({ digest, platform }) => {
      const { layers } = JSON.parse(blob(digest)) as { layers: Descriptor[] };
      if (layers.length !== LAYERS.length)
        throw new Error(`the image has ${layers.length} layers, but ${LAYERS.length} are known`);
      return [`${platform?.os}/${platform?.architecture}`, layers.map((each) => measure(each.digest, each.size))];
    }),
  );
}

/** The manifests of an index. An image for one platform has no index: then its only manifest is this one. */
function manifestsOf(text: string, self: Descriptor): Descriptor[] {
  const { manifests } = JSON.parse(text) as { manifests?: Descriptor[] };
  return manifests ?? [{ ...self, platform: { os: 'linux', architecture: os.arch().replace('x64', 'amd64') } }];
}

function unpackedSize(archive: string, digest: string): number {
  const script = 'tar -xOf "$1" "blobs/$2" | tar -tvz | awk \'{ sum += $3 } END { print sum }\'';
  return Number(run('bash', ['-euo', 'pipefail', '-c', script, 'bash', archive, digest.replace(':', '/')]));
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'inherit'] });
}

function row(name: string, { unpacked, gzip, zstd }: Size): string {
  const cells = [unpacked, gzip, zstd].map((bytes) => (bytes / 1e6).toFixed(1).padStart(9));
  return `${name.padEnd(26)}${cells.join('')}`;
}

function sum(sizes: readonly Size[]): Size {
  const of = (key: keyof Size) => sizes.reduce((total, each) => total + each[key], 0);
  return { unpacked: of('unpacked'), gzip: of('gzip'), zstd: of('zstd') };
}

const targets = process.argv.slice(2);
const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'binfmt-size-'));
try {
  console.log(`${'MB'.padEnd(26)} unpacked     gzip     zstd`);
  for (const target of targets.length > 0 ? targets : ['image-all', 'image-full']) {
    for (const [platform, sizes] of sizesOf(target, dir)) {
      console.log(row(`${target.replace('-all', '')} ${platform}`, sum(sizes)));
      for (const [i, size] of sizes.entries()) console.log(row(`  ${LAYERS[i]}`, size));
    }
  }
} finally {
  await fs.remove(dir);
}

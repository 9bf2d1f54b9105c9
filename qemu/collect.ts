/**
 * Collects the emulators of an image from an unpacked package (qemu/fetch), or from a directory like it that qemu/build
 * has made: copies those of a set, checks that each is a static program for the host, and writes the manifest.
 *
 *   tsx qemu/collect.ts --package DIR --set SET --out DIR [--components FILE]
 *
 * package     the unpacked package
 * set         which emulators: image, full, or a list (sets.ts)
 * out         root file system of the image; it is emptied first
 * components  file to write the package's description to, for the SBOM (image/components.ts)
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import fs from 'fs-extra';
import minimist from 'minimist';
import { packageComponent } from '../image/components.js';
import { parseControl } from '../image/packages.js';
import { type Elf, parseElf, sameMachine } from '../src/core/binfmt/elf.js';
import { probeExecutable } from '../src/core/binfmt/probe-executable.js';
import { type Architecture, emulatorName } from '../src/core/platform/architectures.js';
import { type EmulatorManifest, manifestEntry } from './manifest.js';
import { emulatorsFor, hostOf } from './sets.js';

/** Throws if a file is not a statically linked program for `host`. */
export function checkStatic(file: string, bytes: Uint8Array, host: Architecture): Elf {
  const elf = parseElf(bytes);
  const machine = parseElf(probeExecutable(host));
  if (!elf?.executable || !machine || !sameMachine(elf, machine))
    throw new Error(`${file}: not a program for ${host.name}`);
  if (elf.loader !== undefined) throw new Error(`${file}: dynamically linked, needs ${elf.loader}`);
  return elf;
}

export async function collect(unpacked: string, set: string, out: string): Promise<EmulatorManifest> {
  const origin = parseControl(await fs.readFile(path.join(unpacked, 'control'), 'utf8'));
  const host = hostOf(origin.architecture);
  const wanted = emulatorsFor(set, host);
  await fs.emptyDir(out);
  const emulators = [];
  for (const architecture of wanted) {
    const file = `usr/bin/${emulatorName(architecture)}`;
    const bytes = await fs.readFile(path.join(unpacked, file));
    const { buildId } = checkStatic(file, bytes, host);
    if (buildId === undefined) throw new Error(`${file}: has no build ID`);
    await fs.outputFile(path.join(out, file), bytes, { mode: 0o755 });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    emulators.push(manifestEntry(architecture, origin, { sha256, size: bytes.length, buildId }));
  }
  await fs.outputJson(path.join(out, 'usr/share/binfmt/manifest.json'), { emulators }, { spaces: 2 });
  return { emulators };
}

if (process.argv[1] === import.meta.filename) {
  const options = { string: ['package', 'set', 'out', 'components'] };
  const { package: unpacked, set, out, components } = minimist(process.argv.slice(2), options);
  const { emulators } = await collect(unpacked, set, out);
  if (components !== undefined) await fs.outputJson(components, [await packageComponent(unpacked)]);
  console.log(
    emulators.map(({ name, version }) => `${name} ${version}`).join(', ') ||
      'no emulator: the host needs none of these',
  );
}

/**
 * Collects the emulators of an image from an unpacked package (qemu/fetch): copies those of a set, checks that each
 * is a static program for the host, and writes the manifest.
 *
 *   tsx qemu/collect.ts --package DIR --set image|full --out DIR [--components FILE]
 *
 * package     the unpacked package
 * out         root file system of the image; it is emptied first
 * components  file to write the package's description to, for the SBOM (image/components.ts)
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import fs from 'fs-extra';
import minimist from 'minimist';
import { packageComponent } from '../image/components.js';
import { parseControl } from '../image/packages.js';
import { type Architecture, emulatorName } from '../src/core/architectures.js';
import { parseElf, probeExecutable, sameMachine } from '../src/core/elf.js';
import { parsePlatform } from '../src/core/platform.js';
import { type EmulatorManifest, manifestEntry } from './manifest.js';
import { setNamed } from './sets.js';

/** The architecture of a host from Debian's name for it (`arm64`, `ppc64el`). Throws if it is unknown. */
export function hostOf(debianName: string): Architecture {
  const parsed = parsePlatform(debianName);
  if (parsed.kind === 'unknown') throw new Error(JSON.stringify(parsed.error));
  return parsed.platform.architecture;
}

/** Throws if a file is not a statically linked program for `host`. */
export function checkStatic(file: string, bytes: Uint8Array, host: Architecture): void {
  const elf = parseElf(bytes);
  const machine = parseElf(probeExecutable(host));
  if (!elf?.executable || !machine || !sameMachine(elf, machine))
    throw new Error(`${file}: not a program for ${host.name}`);
  if (elf.loader !== undefined) throw new Error(`${file}: dynamically linked, needs ${elf.loader}`);
}

export async function collect(unpacked: string, set: string, out: string): Promise<EmulatorManifest> {
  const wanted = setNamed(set);
  const origin = parseControl(await fs.readFile(path.join(unpacked, 'control'), 'utf8'));
  const host = hostOf(origin.architecture);
  await fs.emptyDir(out);
  const emulators = [];
  for (const architecture of wanted.filter((each) => each !== host)) {
    const file = `usr/bin/${emulatorName(architecture)}`;
    const bytes = await fs.readFile(path.join(unpacked, file));
    checkStatic(file, bytes, host);
    await fs.outputFile(path.join(out, file), bytes, { mode: 0o755 });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    emulators.push(
      manifestEntry(architecture, origin, { sha256, size: bytes.length, buildId: parseElf(bytes)?.buildId }),
    );
  }
  await fs.outputJson(path.join(out, 'usr/share/binfmt/manifest.json'), { emulators }, { spaces: 2 });
  return { emulators };
}

if (process.argv[1] === import.meta.filename) {
  const options = { string: ['package', 'set', 'out', 'components'] };
  const { package: unpacked, set, out, components } = minimist(process.argv.slice(2), options);
  const { emulators } = await collect(unpacked, set, out);
  if (components !== undefined) await fs.outputJson(components, [await packageComponent(unpacked)]);
  console.log(`${emulators.length} static emulators of QEMU ${emulators[0]?.version}`);
}

/**
 * Puts together what an image carries of QEMU, out of an unpacked package (qemu/fetch): the emulators of a
 * set, each checked to be a static program for the right machine, and the manifest.
 *
 *   tsx qemu/collect.ts --package DIR --set image|full --out DIR [--components FILE]
 *
 * components  where to write what it took (components.ts)
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import fs from 'fs-extra';
import minimist from 'minimist';
import { ofPackage } from '../image/components.js';
import { parseControl } from '../image/packages.js';
import { type Architecture, architectures } from '../src/core/architectures.js';
import { parseElf, probeExecutable, sameMachine } from '../src/core/elf.js';
import { parsePlatform } from '../src/core/platform.js';
import { type Manifest, manifestEntry } from './manifest.js';
import { sets } from './sets.js';

/** The host's row, from Debian's name for it (`arm64`, `ppc64el`). */
export function hostOf(debianName: string): Architecture {
  const parsed = parsePlatform(debianName);
  if (parsed.kind === 'unknown') throw new Error(parsed.cause);
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

export async function collect(unpacked: string, set: string, out: string): Promise<Manifest> {
  const names = sets[set];
  if (names === undefined) throw new Error(`"${set}" is no set; there are ${Object.keys(sets).join(', ')}`);
  const origin = parseControl(await fs.readFile(path.join(unpacked, 'control'), 'utf8'));
  const host = hostOf(origin.architecture);
  const rows = architectures.filter((row) => names.includes(row.name) && row !== host);
  await fs.emptyDir(out);
  const emulators = [];
  for (const row of rows) {
    const file = `usr/bin/qemu-${row.target}`;
    const bytes = await fs.readFile(path.join(unpacked, file));
    checkStatic(file, bytes, host);
    await fs.outputFile(path.join(out, file), bytes, { mode: 0o755 });
    emulators.push(manifestEntry(row, origin, createHash('sha256').update(bytes).digest('hex')));
  }
  await fs.outputJson(path.join(out, 'usr/share/binfmt/manifest.json'), { emulators }, { spaces: 2 });
  return { emulators };
}

if (process.argv[1] === import.meta.filename) {
  const options = { string: ['package', 'set', 'out', 'components'] };
  const { package: unpacked, set, out, components } = minimist(process.argv.slice(2), options);
  const { emulators } = await collect(unpacked, set, out);
  if (components !== undefined) await fs.outputJson(components, [await ofPackage(unpacked)]);
  console.log(`${emulators.length} emulators, QEMU ${emulators[0]?.version}, all static`);
}

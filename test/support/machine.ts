/**
 * What this machine runs by itself, found out once, when a test run starts. Tests take their expectations from here:
 * one amd64 machine runs 386 programs and the next one does not, and the same holds for arm on arm64.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { probeExecutable, unmatchedExecutable } from '../../src/core/binfmt/probe-executable.js';
import { type Architecture, architectures, PROBE_SUCCESS } from '../../src/core/platform/architectures.js';
import { platformsUpTo } from '../../src/core/platform/platform.js';
import { row } from './architectures.js';
import { refused, refusedByKernel } from './refused.js';
import { scratch } from './scratch.js';

/** Node.js' names of processors, for those that have no other word in the table. */
const named: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', ia32: '386', mipsel: 'mipsle' };
const bigEndian = new Uint8Array(Uint16Array.of(1).buffer)[1] === 1;

/** The architecture that this machine's programs are for. */
export const own = row(
  process.arch === 'ppc64' ? (bigEndian ? 'ppc64' : 'ppc64le') : (named[process.arch] ?? process.arch),
);

/** The examples of the documentation are for this architecture. */
export const isLikeTheExamples = own.name === 'amd64';

/**
 * The architectures that the processor and the kernel run without an emulator, with the highest variant of those that
 * have variants: amd64 → 3, 386 → undefined. `own` is one of them.
 */
export const native: ReadonlyMap<Architecture, number | undefined> = runNatively();

/** Those of them that this machine runs beside its own: 386 on many amd64 machines, often none. */
export const alsoNative = [...native.keys()].filter((each) => each !== own);

/** All others, which need an emulator. */
export const foreign = architectures.filter((each) => !native.has(each));

/** The platforms that the status lists first: `linux/amd64`, `linux/amd64/v2`. */
export const ownPlatforms = platformsUpTo(own, native.get(own));

/** All platforms that it lists when nothing is registered. */
export const nativePlatforms = [own, ...alsoNative].flatMap((each) => platformsUpTo(each, native.get(each)));

/**
 * Starts each probe, with a header that the kernel's own loader takes and that no usual entry of binfmt_misc matches:
 * the machine may have emulators registered. Through bash, which does not take a foreign program for a script.
 */
function runNatively(): Map<Architecture, number | undefined> {
  const dir = scratch();
  for (const each of architectures) {
    const probe = refusedByKernel.includes(each) ? refused(probeExecutable(each)) : probeExecutable(each);
    const program = unmatchedExecutable(probe, []);
    if (program) fs.writeFileSync(path.join(dir, each.name), program, { mode: 0o755 });
  }
  const script = 'ulimit -c 0; for name in *; do ./"$name"; echo "$name $?"; done';
  const { stdout } = spawnSync('bash', ['-c', script], { cwd: dir, encoding: 'utf8' });
  const statuses = new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  const found = new Map<Architecture, number | undefined>();
  for (const each of architectures) {
    const status = Number(statuses.get(each.name));
    const level = each.levels?.[status];
    if (each.levels ? level !== undefined : status === PROBE_SUCCESS) found.set(each, level);
  }
  if (!found.has(own)) throw new Error(`programs of this machine, ${own.name}, do not run in ${dir}`);
  return found;
}

/** A foreign architecture as an example in a test, with the names that its emulator goes by. */
export interface Guest {
  readonly architecture: Architecture;
  /** `arm64` */
  readonly name: string;
  /** `linux/arm64` */
  readonly platform: string;
  /** `qemu-aarch64`: the file of the emulator, and the entry. */
  readonly emulator: string;
}

export function guestOf(architecture: Architecture): Guest {
  const { name, target } = architecture;
  return { architecture, name, platform: `linux/${name}`, emulator: `qemu-${target}` };
}

/** Four examples without variants that are foreign here. */
export const [guest, guest2, guest3, guest4] = ['arm64', 's390x', 'riscv64', 'ppc64le', 'loong64']
  .map(row)
  .filter((each) => foreign.includes(each))
  .map(guestOf) as [Guest, Guest, Guest, Guest];

/** An example with variants, two of them, and the exit status of its probe that tells the lower one. */
export const variantGuest = [
  { ...guestOf(row('arm')), lower: 6, higher: 7, lowerStatus: 70 },
  { ...guestOf(row('amd64')), lower: 2, higher: 3, lowerStatus: 66 },
].find(({ architecture }) => foreign.includes(architecture)) as Guest & {
  readonly lower: number;
  readonly higher: number;
  readonly lowerStatus: number;
};

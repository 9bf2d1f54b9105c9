/** Takes one Snapshot of the machine. */

import { emptyExecutable } from '../core/binfmt/elf.js';
import type { ProbeResult } from '../core/binfmt/probe.js';
import { type Emulator, matchingEntries, type Snapshot } from '../core/binfmt/snapshot.js';
import type { Architecture } from '../core/platform/architectures.js';
import { parseQemuVersion } from '../core/version.js';
import { readEntries } from './binfmt/entries.js';
import { findEmulators, readVersions } from './host/emulators.js';
import { PROBE_LIMIT } from './probing/first-probes.js';
import { type ExecutionOutcome, osNames } from './probing/launcher.js';
import { type Prober, probeResultOf } from './probing/prober.js';
import type { System } from './system.js';

export interface SnapshotOptions {
  /** The architectures to probe, except those that `known` has a result for. */
  readonly probes: readonly Architecture[];
  readonly known?: ReadonlyMap<Architecture, ProbeResult>;
  /** Also look at the emulators that come with this program, and ask for versions if an entry is registered. */
  readonly emulators?: boolean;
}

/** Makes an emulator print its version and exit, also if the kernel starts it. Source: QEMU, linux-user/main.c. */
const ASK_VERSION = ['QEMU_VERSION=1'];
/** The same for an emulator that is emulated itself: the outer one would answer otherwise. */
const ASK_INNER_VERSION = [`QEMU_SET_ENV=${ASK_VERSION}`];

export async function takeSnapshot(system: System, options: SnapshotOptions): Promise<Snapshot> {
  const { host, prober, binfmt, emulatorDirectory } = system;
  const probed = options.probes.filter((architecture) => !options.known?.has(architecture));
  // The probes run while the rest is read.
  const probing = prober.run(probed.map((architecture) => ({ architecture })));
  const entries = readEntries(binfmt);
  const versions = options.emulators ? readVersions(emulatorDirectory.path) : new Map();
  const emulators = options.emulators
    ? findEmulators(emulatorDirectory, host, versions)
    : new Map<Architecture, Emulator>();
  const registered = options.emulators
    ? probed.filter((architecture) => matchingEntries(architecture, entries).length > 0)
    : [];
  const first = await probing;
  // Somebody has just registered or removed an entry: the picture would contradict itself.
  const changed = probed.filter(
    (architecture, i) =>
      binfmt.kind !== 'unavailable' && contradicts(first[i], matchingEntries(architecture, entries).length > 0),
  );
  const again = new Map(zip(changed, await prober.run(changed.map((architecture) => ({ architecture })))));
  const outcomes = probed.flatMap((architecture, i) => again.get(architecture) ?? first[i] ?? []);
  const known = zip(
    probed,
    outcomes.map(({ buildId = '' }) => versions.get(buildId)?.version),
  );
  const unknown = registered.filter((architecture) => !known.some(([each]) => each === architecture));
  const answers = await prober.run(unknown.map((architecture) => ({ architecture, environment: ASK_VERSION })));
  const answered = zip(
    unknown,
    answers.map(({ output }) => parseQemuVersion(output)),
  );
  const results = zip(
    probed,
    probed.map((architecture, i) => probeResultOf(architecture, outcomes[i])),
  );
  const emulated = results.filter(([, { verdict, ranBy }]) => verdict.kind === 'runs' && ranBy !== 'processor');
  const trusted = options.emulators || emulated.length === 0 ? versions : readVersions(emulatorDirectory.path);
  const unknownOnes = new Set(probed.filter((_, i) => !trusted.has(outcomes[i]?.buildId ?? '')));
  const suspects = emulated.filter(([architecture]) => unknownOnes.has(architecture));
  return {
    own: host.own,
    emulatedOn: host.emulatedOn,
    kernel: host.kernel,
    binfmt,
    entries,
    emulators: await withVersions(emulators, registered, system),
    emulatorDirectory,
    probes: new Map([...(options.known ?? []), ...results, ...(await pretenders(suspects, prober))]),
    registeredVersions: new Map([...known.filter(([architecture]) => registered.includes(architecture)), ...answered]),
  };
}

/**
 * An emulator that is not known by its build ID must not run a program without code. Those that end with the right exit status
 * whatever they are to run, with that as their verdict.
 */
async function pretenders(
  suspects: readonly [Architecture, ProbeResult][],
  prober: Prober,
): Promise<[Architecture, ProbeResult][]> {
  const outcomes = await prober.run(
    suspects.map(([architecture]) => ({ architecture, program: emptyExecutable(architecture) })),
  );
  return suspects.flatMap(([architecture, result], i): [Architecture, ProbeResult][] => {
    const runs = probeResultOf(architecture, outcomes[i])?.verdict.kind === 'runs';
    return runs ? [[architecture, { ...result, verdict: { kind: 'pretended' } }]] : [];
  });
}

/** `matched`: an enabled entry takes the probe. */
function contradicts(outcome: ExecutionOutcome | undefined, matched: boolean): boolean {
  if (matched) return outcome?.kind === 'exec' && osNames.errno(outcome.number) === 'ENOEXEC';
  return outcome?.kind === 'exit' && outcome.ranBy !== 'processor';
}

/** Pairs, without those whose value is undefined. */
function zip<Key, Value>(keys: readonly Key[], values: readonly (Value | undefined)[]): [Key, Value][] {
  return keys.flatMap((key, i): [Key, Value][] => {
    const value = values[i];
    return value === undefined ? [] : [[key, value]];
  });
}

/** The emulators, with the version that each of the `asked` prints if it is not known yet. */
async function withVersions(
  emulators: ReadonlyMap<Architecture, Emulator>,
  asked: readonly Architecture[],
  system: Pick<System, 'launcher' | 'host'>,
): Promise<ReadonlyMap<Architecture, Emulator>> {
  const usable = asked.filter((architecture) => {
    const { unusable, version } = emulators.get(architecture) ?? {};
    return unusable === undefined && version === undefined;
  });
  const files = usable.flatMap((architecture) => emulators.get(architecture)?.path ?? []);
  const versions = new Map(zip(files, await askVersions(files, system)));
  return new Map(
    [...emulators].map(([key, emulator]) => [
      key,
      { ...emulator, version: emulator.version ?? versions.get(emulator.path) },
    ]),
  );
}

/** The version of each emulator file; undefined for a file that is not QEMU or does not start. */
export async function askVersions(
  files: readonly string[],
  { launcher, host }: Pick<System, 'launcher' | 'host'>,
): Promise<(string | undefined)[]> {
  const environment = host.emulatedOn ? ASK_INNER_VERSION : ASK_VERSION;
  const outcomes = await launcher.run(
    files.map((file) => ({ file, environment })),
    PROBE_LIMIT,
  );
  return (outcomes ?? []).map(({ output }) => parseQemuVersion(output));
}

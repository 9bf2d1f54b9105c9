/** Takes one Snapshot of the machine. */
import type { ProbeResult } from '../core/binfmt/probe.js';
import { emptyExecutable } from '../core/binfmt/probe-executable.js';
import { type Emulator, matchingEntries, type Snapshot } from '../core/binfmt/snapshot.js';
import type { Architecture } from '../core/platform/architectures.js';
import { parseQemuVersion } from '../core/version.js';
import { readEntries } from './binfmt/entries.js';
import { findEmulators, readVersions, type Versions } from './host/emulators.js';
import { PROBE_LIMIT } from './probing/first-probes.js';
import { type ExecutionOutcome, osNames } from './probing/launcher.js';
import type { ProbeRequest } from './probing/probe-directory.js';
import { type Prober, probeResultOf } from './probing/prober.js';
import type { System } from './system.js';

export interface SnapshotOptions {
  /** The architectures to probe, except those that `known` has a result for. */
  readonly probes: readonly Architecture[];
  readonly known?: ReadonlyMap<Architecture, ProbeResult>;
  /** Also look at the emulators that come with binfmt, and ask for versions if an entry is registered. */
  readonly emulators?: boolean;
}

/** Makes an emulator print its version and exit, also if the kernel starts it. Source: QEMU, linux-user/main.c. */
const ASK_VERSION = ['QEMU_VERSION=1'];
/** The same for an emulator that is emulated itself: the outer one would answer otherwise. */
const ASK_INNER_VERSION = [`QEMU_SET_ENV=${ASK_VERSION}`];

export async function takeSnapshot(system: System, options: SnapshotOptions): Promise<Snapshot> {
  const { host, prober, binfmt, emulatorDirectory } = system;
  const { known = new Map<Architecture, ProbeResult>(), emulators: complete = false } = options;
  const probed = options.probes.filter((architecture) => !known.has(architecture));
  // The probes run while the rest is read.
  const probing = runEach(probed, prober);
  const entries = readEntries(binfmt);
  const shipped = readVersions(emulatorDirectory.path);
  const emulators = complete ? findEmulators(emulatorDirectory, host, shipped) : new Map<Architecture, Emulator>();
  const isMatched = (architecture: Architecture) => matchingEntries(architecture, entries).length > 0;
  const outcomes = await probing;
  if (binfmt.kind !== 'unavailable') await repeatContradictions(outcomes, isMatched, prober);
  const registered = complete ? probed.filter(isMatched) : [];
  return {
    own: host.own,
    emulatedOn: host.emulatedOn,
    kernel: host.kernel,
    binfmt,
    entries,
    registeredVersions: await versionsOf(registered, outcomes, shipped, prober),
    emulators: await withVersions(emulators, registered, system),
    emulatorDirectory,
    probes: new Map([...known, ...(await resultsOf(outcomes, shipped, prober))]),
  };
}

type Outcomes = Map<Architecture, ExecutionOutcome>;

/** Runs the probe of each architecture, or what `request` says. Without those that could not be started at all. */
async function runEach(
  architectures: readonly Architecture[],
  prober: Prober,
  request: (architecture: Architecture) => Omit<ProbeRequest, 'architecture'> = () => ({}),
): Promise<Outcomes> {
  const requests = architectures.map((architecture) => ({ architecture, ...request(architecture) }));
  const outcomes = await prober.run(requests);
  return new Map(zip(architectures, outcomes));
}

/** Another process has just registered or removed an entry: the picture would contradict itself. */
async function repeatContradictions(
  outcomes: Outcomes,
  isMatched: (architecture: Architecture) => boolean,
  prober: Prober,
): Promise<void> {
  const contradicts = ([architecture, { kind, number, ranBy }]: [Architecture, ExecutionOutcome]) =>
    isMatched(architecture)
      ? kind === 'exec' && osNames.errno(number) === 'ENOEXEC'
      : kind === 'exit' && ranBy !== 'processor';
  const changed = [...outcomes].filter(contradicts).map(([architecture]) => architecture);
  for (const [architecture, outcome] of await runEach(changed, prober)) outcomes.set(architecture, outcome);
}

/** The version of the emulator behind each: by the build ID of the one that ran the probe, or else as it prints it. */
async function versionsOf(
  registered: readonly Architecture[],
  outcomes: Outcomes,
  shipped: Versions,
  prober: Prober,
): Promise<Map<Architecture, string>> {
  const byBuild = zip(
    registered,
    registered.map((architecture) => shipped.get(outcomes.get(architecture)?.buildId ?? '')?.version),
  );
  const known = new Map(byBuild);
  const unknown = registered.filter((architecture) => !known.has(architecture));
  const answers = await runEach(unknown, prober, () => ({ environment: ASK_VERSION }));
  const printed = unknown.map((architecture) => parseQemuVersion(answers.get(architecture)?.output ?? ''));
  return new Map([...known, ...zip(unknown, printed)]);
}

/**
 * What the outcomes say. An emulator that is not known by its build ID must not run a program without code, too: if it ends with
 * the right exit status whatever it is to run, that is its verdict.
 */
async function resultsOf(
  outcomes: Outcomes,
  shipped: Versions,
  prober: Prober,
): Promise<Map<Architecture, ProbeResult>> {
  const results = [...outcomes].map(([key, outcome]) => [key, probeResultOf(key, outcome)] as const);
  const suspects = results
    .filter(([, { verdict, ranBy }]) => verdict.kind === 'runs' && ranBy !== 'processor')
    .map(([architecture]) => architecture)
    .filter((architecture) => !shipped.has(outcomes.get(architecture)?.buildId ?? ''));
  const withoutCode = await runEach(suspects, prober, (architecture) => ({ program: emptyExecutable(architecture) }));
  const pretends = (architecture: Architecture) => {
    const outcome = withoutCode.get(architecture);
    return outcome !== undefined && probeResultOf(architecture, outcome).verdict.kind === 'runs';
  };
  return new Map(
    results.map(([key, result]) => [key, pretends(key) ? { ...result, verdict: { kind: 'pretended' } } : result]),
  );
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

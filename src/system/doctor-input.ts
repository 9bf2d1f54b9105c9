/** Collects what doctor looks at. Changes nothing that lasts. */
import path from 'node:path';
import type { Verdict } from '../core/binfmt/probe.js';
import { unmatchedExecutable } from '../core/binfmt/probe-executable.js';
import { BINFMT_DIRECTORY, parseConfinement, parsePageSize, typesMountedAt } from '../core/binfmt/procfs.js';
import { activeEntry, isOwnMount, matchingEntries, type Snapshot } from '../core/binfmt/snapshot.js';
import { type DoctorInput, entriesOf, type HostFacts, type Interpreter } from '../core/doctor/input.js';
import { configuredEntries } from '../core/persist/binfmt-d.js';
import { type Architecture, architectures } from '../core/platform/architectures.js';
import type { Platform } from '../core/platform/platform.js';
import { interpreterLimit, isSwitchedOff } from './binfmt/entries.js';
import { wouldVanish } from './binfmt/persistence.js';
import { readStart, readText } from './host/files.js';
import { type HostTree, openHostTree, readConfigurationFiles, readThroughLinks } from './host/host-tree.js';
import { inInitialUserNamespace, seesHost } from './host/namespaces.js';
import { BEGINNING } from './probing/launcher.js';
import { readProbe } from './probing/probe-directory.js';
import { probeResultOf } from './probing/prober.js';
import type { System } from './system.js';
import { takeSnapshot } from './take-snapshot.js';

export interface DoctorInputOptions {
  /**
   * Undefined: every platform that has an entry; if entries cannot be read, every one that runs through an emulator.
   */
  readonly platforms?: readonly Platform[];
  /** How often each probe is run. */
  readonly repeat: number;
  /** Called after each round of repeated probes. */
  readonly progress?: (done: number, total: number) => void;
}

export async function collectDoctorInput(system: System, options: DoctorInputOptions): Promise<DoctorInput> {
  const named = options.platforms && [...new Set(options.platforms.map(({ architecture }) => architecture))];
  const snapshot = await takeSnapshot(system, { probes: named ?? architectures, emulators: true });
  const chosen = named ?? withEntry(snapshot);
  const tree = openFilesOfHost(system);
  try {
    return {
      ...snapshot,
      platforms: options.platforms ?? chosen.map((architecture) => ({ architecture })),
      named: named !== undefined,
      interpreters: await findInterpreters(chosen, snapshot, { ...system, tree }),
      repeats: await repeatProbes(chosen.filter(isWorthRepeating(snapshot)), options, system),
      native: await findNative(chosen, snapshot, system),
      processorPrograms: system.host.processorPrograms,
      host: await collectHostFacts(system, snapshot, tree),
    };
  } finally {
    await tree?.close();
  }
}

function withEntry({ binfmt, entries, probes, own }: Snapshot): Architecture[] {
  return architectures.filter((architecture) => {
    if (entriesOf(architecture, entries).length > 0) return true;
    const probe = probes.get(architecture);
    const emulated = probe?.verdict.kind === 'runs' && probe.ranBy !== 'processor';
    return binfmt.kind === 'unavailable' && architecture !== own && emulated;
  });
}

/** After a timeout each repetition would take the whole limit again. */
function isWorthRepeating({ probes }: Snapshot): (architecture: Architecture) => boolean {
  return (architecture) => probes.get(architecture)?.verdict.kind !== 'timeout';
}

/** By entry: for the one that the kernel takes, the file that it starts; for the others, the file on the host. */
async function findInterpreters(
  wanted: readonly Architecture[],
  snapshot: Snapshot,
  { prober, tree }: System & { readonly tree?: HostTree },
): Promise<ReadonlyMap<string, Interpreter>> {
  const found = new Map<string, Interpreter>();
  const isShipped = (architecture: Architecture, beginning: Uint8Array) => {
    const shipped = snapshot.emulators.get(architecture);
    return Buffer.compare(readStart(shipped?.path ?? '', BEGINNING) ?? Buffer.alloc(0), beginning) === 0;
  };
  const started = await prober.inspect(wanted);
  for (const [i, architecture] of wanted.entries()) {
    const active = activeEntry(architecture, snapshot);
    const file = started[i];
    if (active && file) {
      found.set(active.name, { ...file, seen: 'started', shipped: isShipped(architecture, file.beginning) });
    }
    for (const { name, interpreter } of entriesOf(architecture, snapshot.entries)) {
      const onHost = found.has(name) ? undefined : await readHostFile(interpreter, tree);
      if (onHost) found.set(name, { ...onHost, seen: 'file', shipped: isShipped(architecture, onHost.beginning) });
    }
  }
  return found;
}

/** The host's files: those here, unless this is a container; through process 1 with --pid=host; else none. */
function openFilesOfHost({ invocation, launcher }: System): HostTree | undefined {
  if (invocation.kind === 'file') return openHostTree('/', launcher);
  return seesHost() ? openHostTree('/proc/1/root', launcher) : undefined;
}

type HostFile = Pick<Interpreter, 'path' | 'size' | 'beginning'>;

async function readHostFile(file: string, tree: HostTree | undefined): Promise<HostFile | undefined> {
  const found = tree && (await readThroughLinks(tree, path.resolve('/', file).slice(1), BEGINNING));
  return found && { path: file, size: found.size, beginning: found.bytes };
}

const AT_ONCE = 32;

async function repeatProbes(
  wanted: readonly Architecture[],
  { repeat, progress }: DoctorInputOptions,
  { prober }: System,
): Promise<ReadonlyMap<Architecture, readonly Verdict[]>> {
  const verdicts = new Map<Architecture, Verdict[]>(wanted.map((architecture) => [architecture, []]));
  const requests = Array.from({ length: repeat - 1 }, () => wanted.map((architecture) => ({ architecture }))).flat();
  for (let i = 0; i < requests.length; i += AT_ONCE) {
    const round = requests.slice(i, i + AT_ONCE);
    const outcomes = await prober.run(round);
    for (const [j, { architecture }] of round.entries()) {
      const outcome = outcomes[j];
      if (outcome) verdicts.get(architecture)?.push(probeResultOf(architecture, outcome).verdict);
    }
    progress?.(Math.min(i + AT_ONCE, requests.length), requests.length);
  }
  return verdicts;
}

/** A program that runs although no entry matches it is run by the processor. */
async function findNative(
  wanted: readonly Architecture[],
  { entries }: Snapshot,
  { prober }: System,
): Promise<ReadonlySet<Architecture>> {
  const requests = wanted
    .filter((architecture) => matchingEntries(architecture, entries).length > 0)
    .flatMap((architecture) => {
      const program = unmatchedExecutable(readProbe(architecture), entries);
      return program ? [{ architecture, program }] : [];
    });
  const outcomes = await prober.run(requests);
  const native = requests.flatMap(({ architecture }, i) => {
    const outcome = outcomes[i];
    return outcome && probeResultOf(architecture, outcome).verdict.kind === 'runs' ? [architecture] : [];
  });
  return new Set(native);
}

async function collectHostFacts(
  { binfmt, launcher, host, invocation }: System,
  { entries }: Snapshot,
  tree: HostTree | undefined,
): Promise<HostFacts> {
  // Entries that are there already are kept by another process.
  const testable = binfmt.kind === 'writable' && isOwnMount(binfmt) && entries.length === 0;
  return {
    emulatedOn: host.emulatedOn,
    initialUserNamespace: inInitialUserNamespace(),
    hostMounts: seesHost() ? typesMountedAt(BINFMT_DIRECTORY, readText('/proc/1/mountinfo')) : undefined,
    wouldVanish: testable ? await wouldVanish(binfmt, launcher) : undefined,
    switchedOff: binfmt.kind !== 'unavailable' && isSwitchedOff(binfmt.dir),
    configurations: configuredEntries(tree ? await readConfigurationFiles(tree) : []),
    randomization: {
      mode: readText('/proc/sys/kernel/randomize_va_space').trim(),
      bits: readText('/proc/sys/vm/mmap_rnd_bits').trim(),
    },
    pageSize: parsePageSize(readStart('/proc/self/smaps', FIRST_MAPPING)),
    interpreterLimit: interpreterLimit(),
    confinement: parseConfinement(readText('/proc/self/attr/current')),
    container: invocation.kind === 'image',
  };
}

const FIRST_MAPPING = 1 << 10; // bytes; the whole file is long

/** Collects what doctor looks at. Changes nothing that lasts. */
import fs from 'node:fs';
import path from 'node:path';
import { type Architecture, architectures } from '../../core/architectures.js';
import { BINFMT_D_DIRECTORIES, type ConfigurationFile, configuredEntries } from '../../core/binfmt-d.js';
import { type DoctorInput, entriesOf, type HostFacts, type Interpreter } from '../../core/doctor/input.js';
import { unmatchedExecutable } from '../../core/elf.js';
import { BINFMT_DIRECTORY } from '../../core/messages/mount-checks.js';
import type { Platform } from '../../core/platform.js';
import type { Verdict } from '../../core/probe.js';
import { parseConfinement, parsePageSize, typesMountedAt } from '../../core/procfs.js';
import { activeEntry, isOwnMount, matchingEntries, type Snapshot } from '../../core/snapshot.js';
import { interpreterLimit, isSwitchedOff } from '../binfmt/entries.js';
import { wouldVanish } from '../binfmt/persistence.js';
import { BEGINNING } from '../probing/launcher.js';
import { readProbe } from '../probing/probe-directory.js';
import { probeResultOf } from '../probing/prober.js';
import type { System } from '../system.js';
import { takeSnapshot } from '../take-snapshot.js';
import { readStart, readText } from './files.js';
import { inInitialUserNamespace, seesHost } from './namespaces.js';

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
  const root = hostRoot(system);
  return {
    ...snapshot,
    platforms: options.platforms ?? chosen.map((architecture) => ({ architecture })),
    named: named !== undefined,
    interpreters: await findInterpreters(chosen, snapshot, { ...system, root }),
    repeats: await repeatProbes(chosen.filter(isWorthRepeating(snapshot)), options, system),
    native: await findNative(chosen, snapshot, system),
    processorPrograms: system.host.processorPrograms,
    host: await collectHostFacts(system, snapshot, root),
  };
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
  { prober, root }: System & { readonly root?: string },
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
      const onHost = found.has(name) ? undefined : readHostFile(interpreter, root);
      if (onHost) found.set(name, { ...onHost, seen: 'file', shipped: isShipped(architecture, onHost.beginning) });
    }
  }
  return found;
}

/** Where the host's files are: here, unless this is a container; through process 1 with --pid=host; else nowhere. */
function hostRoot({ invocation }: System): string | undefined {
  if (invocation.kind === 'file') return '';
  return seesHost() ? '/proc/1/root' : undefined;
}

type HostFile = Pick<Interpreter, 'path' | 'size' | 'beginning'>;

function readHostFile(file: string, root: string | undefined): HostFile | undefined {
  if (root === undefined) return undefined;
  const beginning = readStart(path.join(root, file), BEGINNING);
  return beginning && { path: file, size: fs.statSync(path.join(root, file)).size, beginning };
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
      const result = probeResultOf(architecture, outcomes[j]);
      if (result) verdicts.get(architecture)?.push(result.verdict);
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
  const native = requests.filter(
    ({ architecture }, i) => probeResultOf(architecture, outcomes[i])?.verdict.kind === 'runs',
  );
  return new Set(native.map(({ architecture }) => architecture));
}

async function collectHostFacts(
  { binfmt, launcher, host, invocation }: System,
  { entries }: Snapshot,
  root: string | undefined,
): Promise<HostFacts> {
  // Entries that are there already are kept by somebody.
  const testable = binfmt.kind === 'writable' && isOwnMount(binfmt) && entries.length === 0;
  return {
    emulatedOn: host.emulatedOn,
    initialUserNamespace: inInitialUserNamespace(),
    hostMounts: seesHost() ? typesMountedAt(BINFMT_DIRECTORY, readText('/proc/1/mountinfo')) : undefined,
    wouldVanish: testable ? await wouldVanish(binfmt, launcher) : undefined,
    switchedOff: binfmt.kind !== 'unavailable' && isSwitchedOff(binfmt.dir),
    configurations: configuredEntries(readConfigurations(root)),
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
const LONGEST_CONFIGURATION = 1 << 16; // bytes, more than any has

/** The files from which the host registers entries at boot. One that cannot be read still masks others of its name. */
function readConfigurations(root = ''): ConfigurationFile[] {
  return BINFMT_D_DIRECTORIES.flatMap((directory) =>
    listConfigurations(path.join(root, directory)).map((name) => {
      const text = readStart(path.join(root, directory, name), LONGEST_CONFIGURATION) ?? '';
      return { directory, name, text };
    }),
  );
}

function listConfigurations(directory: string): string[] {
  try {
    return fs.readdirSync(directory).filter((name) => name.endsWith('.conf'));
  } catch {
    return [];
  }
}

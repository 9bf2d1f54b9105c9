/** Collects one Snapshot. */
import type { Architecture } from '../core/architectures.js';
import type { Probe } from '../core/probe.js';
import type { Program } from '../core/program.js';
import { type Emulator, matchingEntries, type Registry, type Snapshot } from '../core/snapshot.js';
import { parseQemuVersion } from '../core/version.js';
import { readEntries } from './binfmt-fs.js';
import { type EmulatorFolder, findEmulators } from './emulators.js';
import type { Launcher } from './launcher.js';
import type { Machine } from './machine.js';
import { type Prober, probeOf } from './prober.js';

/** What the rest of `src/system` needs to look at the machine and to change it. */
export interface System {
  readonly machine: Machine;
  readonly launcher: Launcher;
  readonly prober: Prober;
  readonly folder: EmulatorFolder;
  readonly registry: Registry;
  readonly program: Program;
}

export interface Wanted {
  /** Architectures to be probed; those that `known` has a probe of are not probed again. */
  readonly probes: readonly Architecture[];
  readonly known?: ReadonlyMap<Architecture, Probe>;
  /** Also look at the emulators at hand, and ask the versions of those of which an entry is registered. */
  readonly emulators?: boolean;
}

/** Makes an emulator print its version and exit, also through the kernel. Source: QEMU, linux-user/main.c. */
const ASK_VERSION = ['QEMU_VERSION=1'];
/** The same through another emulator, which otherwise would answer itself. */
const HAVE_VERSION_ASKED = [`QEMU_SET_ENV=${ASK_VERSION}`];

export async function takeSnapshot(system: System, wanted: Wanted): Promise<Snapshot> {
  const { machine, prober, registry, folder } = system;
  const rows = wanted.probes.filter((row) => !wanted.known?.has(row));
  // Started first: what follows is read while they run.
  const probing = prober.run(rows.map((architecture) => ({ architecture })));
  const entries = readEntries(registry);
  const emulators = wanted.emulators ? findEmulators(folder, machine) : new Map<Architecture, Emulator>();
  const registered = wanted.emulators ? rows.filter((row) => matchingEntries(row, entries).length > 0) : [];
  const outcomes = await probing;
  const versions = await prober.run(registered.map((architecture) => ({ architecture, environment: ASK_VERSION })));
  return {
    own: machine.own,
    kernel: machine.kernel,
    registry,
    entries,
    emulators: await withVersions(emulators, registered, system),
    probes: new Map([
      ...(wanted.known ?? []),
      ...rows.flatMap((row, i): [Architecture, Probe][] => (outcomes[i] ? [[row, probeOf(row, outcomes[i])]] : [])),
    ]),
    registeredVersions: new Map(
      registered.flatMap((row, i): [Architecture, string][] => {
        const version = parseQemuVersion(versions[i]?.output ?? '');
        return version === undefined ? [] : [[row, version]];
      }),
    ),
  };
}

/** The emulators, those of `rows` with the version that each answers itself. */
async function withVersions(
  emulators: ReadonlyMap<Architecture, Emulator>,
  rows: readonly Architecture[],
  system: Pick<System, 'launcher' | 'machine'>,
): Promise<ReadonlyMap<Architecture, Emulator>> {
  const asked = rows.filter((row) => emulators.get(row)?.unusable === undefined);
  const versions = await askVersions(
    asked.map((row) => emulators.get(row)?.path ?? ''),
    system,
  );
  return new Map(
    [...emulators].map(([row, emulator]) => {
      const version = versions[asked.indexOf(row)];
      return [row, version === undefined ? emulator : { ...emulator, version }];
    }),
  );
}

/** The version of each emulator file; undefined for what is not QEMU or does not start. */
export async function askVersions(
  files: readonly string[],
  { launcher, machine }: Pick<System, 'launcher' | 'machine'>,
): Promise<(string | undefined)[]> {
  const environment = machine.emulatedOn ? HAVE_VERSION_ASKED : ASK_VERSION;
  const outcomes = await launcher.run(
    files.map((file) => ({ file, environment })),
    2000,
  );
  return (outcomes ?? []).map(({ output }) => parseQemuVersion(output));
}

/** `binfmt --install LIST`: makes platforms run, and says of each how. */
import { type Architecture, architectures } from '../core/architectures.js';
import type { InstallOptions } from '../core/plan.js';
import { formatPlatform } from '../core/platform.js';
import type { Probe } from '../core/probe.js';
import { parseSelection, selectPlatforms } from '../core/selection.js';
import { establish } from '../system/apply.js';
import { type System, takeSnapshot } from '../system/snapshot.js';
import { type Item, type Report, reportBatch } from './report.js';

export interface InstallReport extends Report {
  /** Probes that hold after the installation. */
  readonly probes: ReadonlyMap<Architecture, Probe>;
  /** Something was registered, and needs its mount. */
  readonly registered: boolean;
}

export interface InstallArguments {
  /** Platforms, or `all`. */
  readonly words: readonly string[];
  readonly options: InstallOptions;
}

export async function install({ words, options }: InstallArguments, system: System): Promise<InstallReport> {
  const selection = parseSelection(words);
  const { platforms, unknown, all } = selection;
  const probes = all ? architectures : platforms.map(({ architecture }) => architecture);
  const before = await takeSnapshot(system, { probes, emulators: true });
  const wanted = selectPlatforms(selection, before);
  const { results, after } = await establish(wanted, options, { before, lasting: true, system });
  const items: Item[] = [
    ...unknown.map((failure) => ({ subject: failure.subject, failure })),
    ...(all && before.emulators.size === 0 ? [nothingAtHand(system)] : []),
    ...results.map(({ platform, failure, note, registered }) => ({
      subject: platform.architecture.name,
      failure,
      note: registered ? noteOf(note, system) : note,
    })),
  ];
  const registered = results.some((result) => result.registered !== undefined);
  return { ...reportBatch('installing', items), probes: after.probes, registered };
}

/** A second emulator finds the first by its path, which only this container has. */
function noteOf(note: string | undefined, { machine }: System): string | undefined {
  if (!machine.emulatedOn) return note;
  const alone = `in this container alone, as this program is emulated itself, on ${formatPlatform(machine.emulatedOn)}`;
  return note === undefined ? alone : `${note}; ${alone}`;
}

function nothingAtHand({ folder }: System): Item {
  const cause = `no emulator is in ${folder.dir}`;
  const when = `set QEMU_BINARY_PATH to the folder of statically linked ${folder.prefix}qemu-* programs`;
  return { subject: 'all', failure: { code: 'no-emulator', subject: folder.dir, cause, remedies: [{ when }] } };
}

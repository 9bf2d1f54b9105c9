/** `--install LIST`: what was asked for, and a line for each of it. */
import type { Snapshot } from '../../core/binfmt/snapshot.js';
import { noEmulators } from '../../core/install/emulator-problems.js';
import { architecturesOf, parseSelection, selectPlatforms } from '../../core/install/selection.js';
import { engineWithoutEntries } from '../../core/namespaces/rootless-problems.js';
import type { Note } from '../../core/note.js';
import { architectures } from '../../core/platform/architectures.js';
import { formatPlatform } from '../../core/platform/platform.js';
import { isProblem, type Problem, problemOf } from '../../core/problem.js';
import { joined, reportBatch } from '../../core/report/render.js';
import type { Item, Line, Report } from '../../core/report/report-lines.js';
import { findOtherNames } from '../../system/host/emulators.js';
import { type Installation, type InstallRequest, installPlatforms } from '../../system/install/install.js';
import type { TargetHost } from '../../system/persist/persist.js';
import type { System } from '../../system/system.js';
import { takeSnapshot } from '../../system/take-snapshot.js';
import type { Arguments } from './arguments.js';

export interface InstallReport {
  readonly report: Report;
  readonly after: Snapshot;
  /** Something was registered, and needs its mount. */
  readonly registered: boolean;
  /** Something was not registered only because the rootless engine has no entries of its own. */
  readonly withoutEntries: boolean;
}

/** What was removed, and what was installed. */
export interface Changes {
  readonly removed?: Report;
  readonly installed?: InstallReport;
}

/** `host`: on this host too. */
export async function install(
  words: readonly string[],
  { options, after: front }: Pick<Arguments, 'options' | 'after'>,
  system: System,
  host?: TargetHost,
): Promise<InstallReport> {
  const selection = parseSelection(words);
  const before = await takeSnapshot(system, { probes: architecturesOf(selection, architectures), emulators: true });
  const platforms = selectPlatforms(selection, before);
  const request = { platforms, options, before, lasting: 'yes' } as const;
  const { results, after, problem, persisted } = await carryOut(request, front, system, host);
  const items: Item[] = [
    ...selection.unknown.map((problem) => ({ subject: problem.subject, problem })),
    ...(selection.all && before.emulators.size === 0 ? [noEmulatorsItem(system)] : []),
    ...(problem ? [{ subject: front ?? '', problem }] : []),
    ...results.map(({ platform, problem, note, registered }) => ({
      subject: platform.architecture.name,
      problem,
      note: registered === undefined ? note : noteOn(note, system),
    })),
  ];
  const report = joined({ lines: otherNames(words, system), exit: 0 }, reportBatch('installing', items));
  return {
    report: persisted ? joined(report, persisted) : report,
    after,
    registered: results.some(({ registered }) => registered !== undefined),
    withoutEntries: results.some(({ problem }) => problem && isProblem(engineWithoutEntries, problem)),
  };
}

interface Done extends Installation {
  readonly problem?: Problem;
  readonly persisted?: Report;
}

async function carryOut(
  request: InstallRequest,
  front: string | undefined,
  system: System,
  host?: TargetHost,
): Promise<Done> {
  if (host) return (await import('../../system/persist/persist.js')).persistPlatforms(request, host, system);
  if (front === undefined) return installPlatforms(request, system);
  return (await import('../../system/install/install-behind.js')).installBehind(front, request, system);
}

/** A user who came from another tool may have meant such a file to be used. */
export function otherNames(words: readonly string[], { host, emulatorDirectory }: System): Line[] {
  const processor = host.emulatedOn ?? host.own;
  const wanted = architecturesOf(parseSelection(words), architectures).filter((each) => each !== processor);
  const note = findOtherNames(wanted, emulatorDirectory);
  return note ? [{ kind: 'note', note }] : [];
}

/** If binfmt is emulated itself, its emulator finds other emulators by their paths, in this container only. */
function noteOn(note: Note | undefined, { host }: System): Note | undefined {
  if (!host.emulatedOn) return note;
  return { kind: 'this-container-only', platform: formatPlatform({ architecture: host.emulatedOn }), note };
}

function noEmulatorsItem({ emulatorDirectory: { path, prefix } }: System): Item {
  const problem = problemOf(noEmulators, path, { directory: path, prefix }, [
    { do: 'consider', what: 'set-emulator-directory' },
  ]);
  return { subject: 'all', problem };
}

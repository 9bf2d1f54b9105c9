/** What `binfmt export` writes, and where. */
import path from 'node:path';
import type { Advice } from '../../core/advice.js';
import { runnerOf, type Snapshot } from '../../core/binfmt/snapshot.js';
import { noEmulator } from '../../core/install/emulator-problems.js';
import { wantedFlags } from '../../core/install/plan.js';
import {
  archiveUnread,
  exportChanged,
  exportFailed,
  nothingToExport,
  terminalOutput,
} from '../../core/install/request-problems.js';
import { parseSelection, selectPlatforms } from '../../core/install/selection.js';
import { type ExportedEmulator, exportedFiles } from '../../core/persist/entry-files.js';
import { type ExportFormat, nextStep } from '../../core/persist/formats.js';
import { architectures, emulatorName } from '../../core/platform/architectures.js';
import { formatPlatform } from '../../core/platform/platform.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { outputFailed } from '../../core/report/program-problems.js';
import { reportBatch, reportProblem } from '../../core/report/render.js';
import type { Item, Report } from '../../core/report/report-lines.js';
import type { EmulatorDirectory } from '../../system/host/emulators.js';
import { createDirectory } from '../../system/host/files.js';
import { openHostTree } from '../../system/host/host-tree.js';
import { writeFiles } from '../../system/persist/host-files.js';
import type { HostFailure } from '../../system/persist/host-write.js';
import { lockHost } from '../../system/persist/target-host.js';
import { writeTar } from '../../system/persist/write-tar.js';
import { openMachine, type System } from '../../system/system.js';
import { takeSnapshot } from '../../system/take-snapshot.js';
import type { Context } from '../command.js';

export interface ExportArguments {
  readonly format: ExportFormat;
  /** Platforms, or `all`. */
  readonly words: readonly string[];
  /** The root directory to write to; undefined: a tar archive on standard output. */
  readonly root?: string;
  /** Also overwrite files that no export has written. */
  readonly force: boolean;
}

export async function exportEmulators(args: ExportArguments, context: Context): Promise<Report> {
  if (args.root === undefined && (await context.isTerminal(1)))
    return reportProblem(problemOf(terminalOutput, 'machine', {}));
  // What is written does not depend on the entries of this machine.
  const unread = nothing([], context.setup.emulatorDirectory);
  return exportFiles(
    args,
    { ...openMachine(context.setup), binfmt: { kind: 'unavailable', problem: unread } },
    context,
  );
}

async function exportFiles(args: ExportArguments, system: System, context: Context): Promise<Report> {
  const selection = parseSelection(args.words);
  const snapshot = await takeSnapshot(system, { probes: architectures, emulators: true });
  const chosen = selectPlatforms(selection, snapshot).map((platform) => choose(platform.architecture, snapshot));
  const items: Item[] = [
    ...selection.unknown.map((problem) => ({ subject: problem.subject, problem })),
    ...chosen.map(({ item }) => item),
  ];
  const report = reportBatch('exporting', items);
  const emulators = chosen.flatMap(({ emulator }) => emulator ?? []);
  // Half of what was asked for, unpacked at /, would be worse than nothing.
  if (report.exit !== 0) return report;
  const problem =
    emulators.length === 0 ? nothing(items, system.emulatorDirectory) : await write(args, emulators, system, context);
  if (problem) return { lines: [...report.lines, ...reportProblem(problem).lines], exit: 1 };
  const step = nextStep(
    args.format,
    emulators.map(({ architecture }) => emulatorName(architecture)),
  );
  return { lines: [...report.lines, { kind: 'note', note: { kind: 'next-step', step } }], exit: 0 };
}

interface Choice {
  readonly item: Item;
  readonly emulator?: ExportedEmulator;
}

function choose(architecture: ExportedEmulator['architecture'], snapshot: Snapshot): Choice {
  const subject = architecture.name;
  const emulator = snapshot.emulators.get(architecture);
  if (architecture === snapshot.own || runnerOf(architecture, snapshot).kind === 'processor') {
    return { item: { subject, note: { kind: 'native-left-out' } } };
  }
  if (emulator === undefined) {
    const { path, prefix } = snapshot.emulatorDirectory;
    const facts = { emulator: prefix + emulatorName(architecture), directory: path };
    const advice = [{ do: 'consider', what: 'set-emulator-directory' }] as const;
    return { item: { subject, problem: problemOf(noEmulator, formatPlatform({ architecture }), facts, advice) } };
  }
  if (emulator.unusable) return { item: { subject, problem: emulator.unusable } };
  const flags = wantedFlags({ credentials: true, preserveArgv0: true }, snapshot.kernel);
  return { item: { subject }, emulator: { architecture, source: emulator.path, flags } };
}

/** `items`: platforms that the machine runs by itself. */
function nothing(items: readonly Item[], { path, prefix }: EmulatorDirectory): Problem {
  const facts = { native: items.map(({ subject }) => subject), directory: path, prefix };
  const advice: Advice[] = items.length > 0 ? [] : [{ do: 'consider', what: 'set-emulator-directory' }];
  return problemOf(nothingToExport, 'machine', facts, advice);
}

async function write(
  { format, root, force }: ExportArguments,
  emulators: readonly ExportedEmulator[],
  { launcher }: System,
  context: Context,
): Promise<Problem | undefined> {
  const files = exportedFiles(format, emulators);
  if (root === undefined) {
    const errno = writeTar(files, (bytes) => context.write(1, bytes));
    if (errno === 'EPIPE') return problemOf(archiveUnread, 'machine', {});
    return errno === undefined ? undefined : problemOf(outputFailed, 'binfmt', { errno });
  }
  const errno = createDirectory(root);
  if (errno) return problemOf(exportFailed, root, { directory: root, errno, half: false });
  const tree = openHostTree(path.resolve(root), launcher);
  try {
    const failure = (await lockHost(tree, true)) ?? (await writeFiles(tree, files, force));
    return failure && ('definition' in failure ? failure : problemWith(failure, root));
  } finally {
    await tree.close();
  }
}

function problemWith(failure: HostFailure, root: string): Problem {
  if (failure.kind === 'changed') {
    return problemOf(exportChanged, 'machine', { files: failure.files.map((file) => path.join(root, file)) });
  }
  const directory = path.join(root, failure.directory);
  return problemOf(exportFailed, directory, { directory, errno: failure.errno, half: failure.half });
}

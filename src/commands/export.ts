/** `binfmt export FORMAT LIST`: the emulators as files for a host, which then needs no container at boot. */
import { architectures } from '../core/architectures.js';
import { type Exported, exportedFiles, exportFormats } from '../core/export.js';
import type { Failure } from '../core/failure.js';
import { wantedFlags } from '../core/plan.js';
import { parseSelection, selectPlatforms } from '../core/selection.js';
import { runnerOf } from '../core/snapshot.js';
import { type ExportFailure, prepareFile, type Write, writeFiles, writeTar } from '../system/exporting.js';
import { type System, takeSnapshot } from '../system/snapshot.js';
import { type Item, type Report, reportBatch } from './report.js';

export interface ExportArguments {
  readonly format: string;
  /** Platforms, or `all`. */
  readonly words: readonly string[];
  /** The root directory to write to; undefined: a tar stream. */
  readonly root?: string | undefined;
  /** Overwrite also what is not ours. */
  readonly force: boolean;
}

export async function exportFiles(args: ExportArguments, system: System, write: Write): Promise<Report> {
  const { format, words, root, force } = args;
  const selection = parseSelection(words);
  const before = await takeSnapshot(system, { probes: architectures, emulators: true });
  const emulators: Exported[] = [];
  const items: Item[] = selection.unknown.map((failure) => ({ subject: failure.subject, failure }));
  const flags = wantedFlags({ credentials: true, preserveArgv0: true }, before.kernel);
  for (const { architecture } of selectPlatforms(selection, before)) {
    const emulator = before.emulators.get(architecture);
    const { name: subject } = architecture;
    if (architecture === before.own || runnerOf(architecture, before).kind === 'native') {
      items.push({ subject, note: 'this machine runs it natively, left out' });
    } else if (emulator === undefined || emulator.unusable) {
      items.push({ subject, failure: emulator?.unusable ?? missing(subject) });
    } else {
      emulators.push({ architecture, source: emulator.path, flags });
      items.push({ subject });
    }
  }
  const report = reportBatch('exporting', items);
  // Half of what was asked for, unpacked at /, is worse than nothing.
  if (report.exit !== 0 || emulators.length === 0) return { ...report, exit: report.exit || 1 };
  const ready = exportedFiles(format, emulators).map(prepareFile);
  const failure =
    root === undefined ? writeTar(ready, write) : await writeFiles(ready, { root, force }, system.launcher);
  if (failure) return { lines: [...report.lines, `binfmt: ${describe(failure)}`], exit: 1 };
  const names = emulators.map(({ architecture }) => `qemu-${architecture.target}`);
  return { lines: [...report.lines, ...(exportFormats[format]?.next(names) ?? [])], exit: 0 };
}

function describe(failure: ExportFailure): string {
  switch (failure.kind) {
    case 'changed': {
      const names = failure.files.map((file) => `"${file}"`).join(', ');
      return `${names} is not as an export has left it, and not overwritten; to do it all the same: --force`;
    }
    case 'write-failed':
      return `cannot write to "${failure.dir}": ${failure.errno}`;
    case 'unread':
      return 'the archive was not read to its end';
  }
}

function missing(subject: string): Failure {
  return { code: 'no-emulator', subject, cause: 'there is no emulator for it here' };
}

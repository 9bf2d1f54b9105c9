/** `binfmt run COMMAND`: a command for which foreign programs run, and nothing changes for anybody else. */
import fs from 'node:fs';
import { architectures } from '../core/architectures.js';
import { type Failure, oneLine } from '../core/failure.js';
import type { InstallOptions } from '../core/plan.js';
import type { Platform } from '../core/platform.js';
import { parseSelection, selectPlatforms } from '../core/selection.js';
import { establish } from '../system/apply.js';
import { enterNamespace, furnish, returnToOwnIds } from '../system/namespace.js';
import { type System, takeSnapshot } from '../system/snapshot.js';
import { type Report, reportBatch } from './report.js';

export interface RunArguments {
  /** Platforms; none: every one that has an emulator at hand. */
  readonly platforms: readonly string[];
  readonly command: readonly string[];
  /** Its root directory; it is root in there. */
  readonly root?: string | undefined;
}

const OPTIONS: InstallOptions = { credentials: true, preserveArgv0: true, force: false, keep: false };

/** With exit status 0 the launcher becomes the command when this program has ended. */
export async function run(
  { platforms, command, root }: RunArguments,
  outside: Omit<System, 'registry'>,
): Promise<Report> {
  if (root !== undefined && !isDirectory(root))
    return failed({ code: 'no-namespace', subject: root, cause: `"${root}" is no directory` }, 1);
  const entered = await enterNamespace(outside.launcher, { root: root !== undefined });
  if ('code' in entered) return failed(entered, 3);
  const system: System = { ...outside, registry: entered.registry };
  const selection = parseSelection(platforms.length > 0 ? platforms : ['all']);
  const rows = selection.all ? architectures : selection.platforms.map(({ architecture }) => architecture);
  const before = await takeSnapshot(system, { probes: rows, emulators: true });
  const { results } = await establish(selectPlatforms(selection, before), OPTIONS, { before, lasting: false, system });
  const report = reportBatch(
    'registering',
    results.flatMap(({ platform, failure }) => (failure ? [{ subject: nameOf(platform), failure }] : [])),
  );
  // What was not asked for by its name is not missed.
  if (!selection.all && report.exit !== 0) return report;
  const hindered = root === undefined ? await returnToOwnIds(system.launcher) : await furnish(root, system.launcher);
  if (hindered) return failed(hindered, 3);
  await system.launcher.become(command, root);
  return { lines: [...report.lines, ...entered.notes], exit: 0 };
}

function nameOf({ architecture }: Platform): string {
  return architecture.name;
}

function isDirectory(dir: string): boolean {
  return fs.statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true;
}

function failed(failure: Failure, exit: 1 | 3): Report {
  return { lines: [`binfmt: ${oneLine(failure)}`], exit };
}

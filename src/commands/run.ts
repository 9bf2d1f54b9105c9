/** `binfmt run COMMAND`: a command for which foreign programs run, and nothing changes for anybody else. */
import fs from 'node:fs';
import { architectures } from '../core/architectures.js';
import { HEADER_SIZE, matches } from '../core/entry.js';
import { type Failure, oneLine } from '../core/failure.js';
import type { InstallOptions } from '../core/plan.js';
import { callPrivileged } from '../core/program.js';
import { parseSelection, selectPlatforms } from '../core/selection.js';
import { establish } from '../system/apply.js';
import { readStart } from '../system/machine.js';
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
export async function run(args: RunArguments, outside: Omit<System, 'registry'>): Promise<Report> {
  const { command, root, platforms } = args;
  if (root !== undefined && !fs.statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    return failed({ code: 'no-namespace', subject: root, cause: `"${root}" is no directory` }, 1);
  }
  const entered = await enterNamespace(outside.launcher, { root: root !== undefined });
  if ('code' in entered) {
    const instead = { when: 'for the whole machine', command: callPrivileged(outside.program, '--install all') };
    return failed({ ...entered, remedies: [...(entered.remedies ?? []), instead] }, 3);
  }
  const system: System = { ...outside, registry: entered.registry };
  const registered = await register(platforms, system);
  if (registered.exit !== 0) return registered;
  const unfit = root === undefined ? await unfitProgram(command, system) : undefined;
  if (unfit) return failed(unfit, 1);
  const hindered = root === undefined ? await returnToOwnIds(system.launcher) : await furnish(root, system.launcher);
  if (hindered) return failed(hindered, 3);
  await system.launcher.become(command, root);
  return { lines: [...registered.lines, ...entered.notes], exit: 0 };
}

/** What was not asked for by its name is not missed, but told. */
async function register(words: readonly string[], system: System): Promise<Report> {
  const selection = parseSelection(words.length > 0 ? words : ['all']);
  const probes = selection.all ? architectures : selection.platforms.map(({ architecture }) => architecture);
  const before = await takeSnapshot(system, { probes, emulators: true });
  const { results } = await establish(selectPlatforms(selection, before), OPTIONS, { before, lasting: false, system });
  const report = reportBatch(
    'registering',
    results.flatMap(({ platform, failure }) => (failure ? [{ subject: platform.architecture.name, failure }] : [])),
  );
  return selection.all ? { ...report, exit: 0 } : report;
}

/** Why the kernel would refuse a command that is given by its path: it is another machine's. */
async function unfitProgram([file = '']: readonly string[], system: System): Promise<Failure | undefined> {
  const header = file.includes('/') ? readStart(file, HEADER_SIZE) : undefined;
  const row = header && architectures.find((each) => matches(each, header));
  if (row === undefined || row === system.machine.own) return undefined;
  const { probes } = await takeSnapshot(system, { probes: [row] });
  if (probes.get(row)?.verdict.kind === 'runs') return undefined;
  const cause = `${file} is a program of linux/${row.name}, which was not registered`;
  return { code: 'no-emulator', subject: file, cause, remedies: [{ command: `run ${row.name} -- ${file}` }] };
}

function failed(failure: Failure, exit: 1 | 3): Report {
  return { lines: [`binfmt: ${oneLine(failure)}`], exit };
}

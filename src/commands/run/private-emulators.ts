/** What `binfmt run` does before its command starts. */
import { HEADER_SIZE } from '../../core/binfmt/entry.js';
import type { InstallOptions } from '../../core/install/plan.js';
import { notADirectory, unregisteredProgram } from '../../core/install/request-problems.js';
import { architecturesOf, parseSelection, selectPlatforms } from '../../core/install/selection.js';
import { architectures } from '../../core/platform/architectures.js';
import { formatPlatform } from '../../core/platform/platform.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { reportBatch, reportProblem } from '../../core/report/render.js';
import type { Line, Report } from '../../core/report/report-lines.js';
import { isDirectory, readStart } from '../../system/host/files.js';
import { architectureOf } from '../../system/host/host.js';
import { installPlatforms } from '../../system/install/install.js';
import { bindHostFilesystems, enterNamespace, returnToOwnIds } from '../../system/namespaces/namespace.js';
import { openMachine, type System } from '../../system/system.js';
import { takeSnapshot } from '../../system/take-snapshot.js';
import type { Context } from '../command.js';

export interface RunArguments {
  /** Platforms; none: every one that has an emulator here. */
  readonly platforms: readonly string[];
  readonly command: readonly string[];
  /** The command's root directory, in which it is root. */
  readonly root?: string;
}

const OPTIONS: InstallOptions = { credentials: true, preserveArgv0: true, force: false, keep: false };

/** With exit status 0 the launcher becomes the command as soon as binfmt has ended. */
export async function runIn({ command, root, platforms }: RunArguments, { setup }: Context): Promise<Report> {
  if (root !== undefined && !isDirectory(root)) {
    return reportProblem(problemOf(notADirectory, root, { path: root }));
  }
  const machine = openMachine(setup);
  const entered = await enterNamespace(machine.launcher, { root: root !== undefined });
  if (entered.kind === 'refused') return reportProblem(entered.problem);
  const system: System = { ...machine, binfmt: entered.binfmt };
  const registered = await register(platforms, system);
  if (registered.exit !== 0) return registered;
  const problem = (root === undefined && (await findUnregistered(command, system))) || (await settle(root, system));
  if (problem) return reportProblem(problem);
  await system.launcher.become(command, root);
  const { missing } = entered;
  const notes: Line[] = missing ? [{ kind: 'note', note: { kind: 'one-user-only', missing } }] : [];
  return { lines: [...registered.lines, ...notes], exit: 0 };
}

/** A platform that was not named may fail; that is reported, and the command runs all the same. */
async function register(words: readonly string[], system: System): Promise<Report> {
  const selection = parseSelection(words.length > 0 ? words : ['all']);
  const before = await takeSnapshot(system, { probes: architecturesOf(selection, architectures), emulators: true });
  const platforms = selectPlatforms(selection, before);
  const { results } = await installPlatforms({ platforms, options: OPTIONS, before, lasting: 'no' }, system);
  const report = reportBatch(
    'registering',
    results.flatMap(({ platform, problem }) => (problem ? [{ subject: platform.architecture.name, problem }] : [])),
  );
  return selection.all ? { ...report, exit: 0 } : report;
}

/** A command that is given by its path, and that the kernel would refuse because its platform is not registered. */
async function findUnregistered([file = '', ...args]: readonly string[], system: System): Promise<Problem | undefined> {
  const architecture = file.includes('/') ? architectureOf(readStart(file, HEADER_SIZE)) : undefined;
  if (architecture === undefined || architecture === system.host.own) return undefined;
  const { probes } = await takeSnapshot(system, { probes: [architecture] });
  if (probes.get(architecture)?.verdict.kind === 'runs') return undefined;
  const facts = { file, platform: formatPlatform({ architecture }) };
  const advice = { do: 'run', platforms: [architecture.name], command: [file, ...args] } as const;
  return problemOf(unregisteredProgram, file, facts, [advice]);
}

/** The last step before the command starts: its user ids, or what its root directory lacks. */
function settle(root: string | undefined, { launcher }: System): Promise<Problem | undefined> {
  return root === undefined ? returnToOwnIds(launcher) : bindHostFilesystems(root, launcher);
}

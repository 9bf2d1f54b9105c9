/** `--uninstall LIST --install LIST`: uninstalls, then installs, then reports the status. */
import { joined, reportBatch, reportProblem } from '../../core/render.js';
import type { Line, Report } from '../../core/report-lines.js';
import { closeBinfmt } from '../../system/binfmt/mount.js';
import { removeLeftovers } from '../../system/change/leftovers.js';
import { takeBack } from '../../system/change/take-back.js';
import { formatOf, type HostOptions, lockHost, openHost, otherProcessor } from '../../system/change/target-host.js';
import { openSystem, type System } from '../../system/system.js';
import type { Context } from '../command.js';
import { refusal } from '../mount-options.js';
import type { Arguments } from './arguments.js';
import { type InstallReport, install } from './install-list.js';
import { status } from './report-status.js';
import { uninstall } from './uninstall-list.js';

export async function change(args: Arguments, context: Context): Promise<Report> {
  const toChange = args.install !== undefined || args.uninstall !== undefined;
  const open = (change: boolean) => openSystem(context.setup, { ...args.mount, toChange: change });
  let system = await open(toChange && args.mount.rootless === undefined);
  const refused = refusal(system.binfmt, args.mount);
  if (refused) return refused;
  if (toChange) await removeLeftovers(system);
  const changes = await (args.persist ? changeHost(args, args.persist, system, context) : changeEntries(args, system));
  const { removed } = changes;
  let { installed } = changes;
  if (args.install && installed?.withoutEntries) {
    // Only now it gets a binfmt_misc of its own, which hides the host's entries.
    system = await open(true);
    installed = await install(args.install, args, system);
  }
  const now = await status(system, installed?.after);
  if (!installed?.registered) await closeBinfmt(system.binfmt, system.launcher);
  const steps = [removed, installed?.report].filter((report) => report !== undefined);
  // A step that failed because of binfmt_misc has already said why the entries cannot be read.
  const unread = steps.some(({ exit }) => exit === 3) ? [] : now.lines;
  const { binfmt } = system;
  const elsewhere: Line[] =
    binfmt.kind === 'writable' && binfmt.insteadOf
      ? [{ kind: 'problem', problem: { ...binfmt.insteadOf, severity: 'warning' } }]
      : [];
  const said = new Map(
    [...elsewhere, ...unread, ...steps.flatMap((step) => step.lines)].map((line) => [JSON.stringify(line), line]),
  );
  const lines = [...said.values()];
  const exit = Math.max(0, ...steps.map((step) => step.exit)) as Report['exit'];
  // Some callers show only the last line.
  return { stdout: now.stdout, lines: [...lines.filter((line) => !isFailure(line)), ...lines.filter(isFailure)], exit };
}

interface Changes {
  readonly removed?: Report;
  readonly installed?: InstallReport;
}

async function changeEntries(args: Arguments, system: System): Promise<Changes> {
  const removed = args.uninstall === undefined ? undefined : uninstall(args.uninstall, system);
  // What ran before says nothing any more.
  if (removed) await system.prober.forget();
  return { removed, installed: args.install && (await install(args.install, args, system)) };
}

/** The same with the files of the host. */
async function changeHost(args: Arguments, options: HostOptions, system: System, context: Context): Promise<Changes> {
  const opened = openHost(options, system);
  if (opened.kind === 'unreachable') return { removed: reportProblem(opened.problem) };
  const { tree } = opened;
  try {
    const found = otherProcessor(system) ?? (await formatOf(tree, options));
    const busy = await lockHost(tree, args.install !== undefined && !('id' in found));
    if (busy) return { removed: reportProblem(busy) };
    const files = await context.loadHostFiles();
    const items = args.uninstall === undefined ? [] : await takeBack(args.uninstall, { tree, files }, system);
    const removed = reportBatch('uninstalling', items);
    if (args.install === undefined) return { removed };
    if ('id' in found) return { removed: joined(removed, reportProblem(found)) };
    const host = { ...found, tree, files, chosen: options.format !== 'any' };
    return { removed, installed: await install(args.install, args, system, host) };
  } finally {
    await tree.close();
  }
}

const isFailure = (line: Line) =>
  line.kind === 'failed' || (line.kind === 'problem' && line.problem.severity === 'problem');

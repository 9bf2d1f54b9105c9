/** `--uninstall LIST --install LIST`: uninstalls, then installs, then reports the status. */
import type { Line, Report } from '../../core/report/report-lines.js';
import { closeBinfmt } from '../../system/binfmt/mount.js';
import { removeLeftovers } from '../../system/install/leftovers.js';
import { openSystem, type System } from '../../system/system.js';
import type { Context } from '../command.js';
import { refusal } from '../shared-options.js';
import type { Arguments } from './arguments.js';
import { type Changes, install } from './install-list.js';
import { status } from './report-status.js';
import { uninstall } from './uninstall-list.js';

export async function change(args: Arguments, context: Context): Promise<Report> {
  const toChange = args.install !== undefined || args.uninstall !== undefined;
  const open = (change: boolean) => openSystem(context.setup, { ...args.mount, toChange: change });
  let system = await open(toChange && args.mount.rootless === undefined);
  const refused = refusal(system.binfmt, args.mount);
  if (refused) return refused;
  if (toChange) await removeLeftovers(system);
  const changes = args.persist
    ? await (await import('./change-host.js')).changeHost(args, args.persist, system)
    : await changeEntries(args, system);
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

async function changeEntries(args: Arguments, system: System): Promise<Changes> {
  const removed = args.uninstall === undefined ? undefined : uninstall(args.uninstall, system);
  // What ran before says nothing any more.
  if (removed) await system.prober.forget();
  return { removed, installed: args.install && (await install(args.install, args, system)) };
}

const isFailure = (line: Line) =>
  line.kind === 'failed' || (line.kind === 'problem' && line.problem.severity === 'problem');

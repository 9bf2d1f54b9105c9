/** `--install LIST --watch`: installs, and stays until a signal comes. */
import { reportProblem } from '../../core/report/render.js';
import type { Report } from '../../core/report/report-lines.js';
import { findCluster } from '../../system/cluster/find-cluster.js';
import { removeLeftovers } from '../../system/install/leftovers.js';
import { engineEnds } from '../../system/namespaces/rootless.js';
import { openSystem } from '../../system/system.js';
import { runService } from '../../system/watch/service.js';
import type { Context } from '../command.js';
import { refusal } from '../shared-options.js';
import type { Arguments, Service } from './arguments.js';
import { otherNames } from './install-list.js';
import { uninstall } from './uninstall-list.js';

export async function watch(args: Arguments, service: Service, context: Context): Promise<Report> {
  const found = service.node && findCluster(context.cluster);
  if (found?.kind === 'none') return reportProblem(found.problem);
  const open = () => openSystem(context.setup, { ...args.mount, toChange: true });
  const system = await open();
  const refused = refusal(system.binfmt, args.mount);
  if (refused) return refused;
  await removeLeftovers(system);
  const words = args.install ?? [];
  const removed = args.uninstall === undefined ? [] : uninstall(args.uninstall, system).lines;
  context.print([...removed, ...otherNames(words, system)]);
  const node = found && service.node && { ...service.node, ...found.cluster };
  const options = { ...service, node, words, options: args.options };
  return runService(options, { open, opened: system, broken: engineEnds(system.binfmt) }, context);
}

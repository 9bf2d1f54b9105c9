/** `--uninstall LIST --install LIST --persist`: the same with the files of the host. */
import { joined, reportBatch, reportProblem } from '../../core/report/render.js';
import { takeBack } from '../../system/persist/take-back.js';
import { formatOf, type HostOptions, lockHost, openHost, otherProcessor } from '../../system/persist/target-host.js';
import type { System } from '../../system/system.js';
import type { Arguments } from './arguments.js';
import { type Changes, install } from './install-list.js';

export async function changeHost(args: Arguments, options: HostOptions, system: System): Promise<Changes> {
  const opened = openHost(options, system);
  if (opened.kind === 'unreachable') return { removed: reportProblem(opened.problem) };
  const { tree } = opened;
  try {
    const found = otherProcessor(system) ?? (await formatOf(tree, options));
    const busy = await lockHost(tree, args.install !== undefined && !('definition' in found));
    if (busy) return { removed: reportProblem(busy) };
    const items = args.uninstall === undefined ? [] : await takeBack(args.uninstall, tree, system);
    const removed = reportBatch('uninstalling', items);
    if (args.install === undefined) return { removed };
    if ('definition' in found) return { removed: joined(removed, reportProblem(found)) };
    const host = { ...found, tree, chosen: options.format !== 'any' };
    return { removed, installed: await install(args.install, args, system, host) };
  } finally {
    await tree.close();
  }
}

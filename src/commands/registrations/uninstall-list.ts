/** `--uninstall LIST`, without the files of a host. */
import { planRemoval, splitRemovals } from '../../core/install/removal.js';
import { engineWithoutEntries } from '../../core/namespaces/rootless-problems.js';
import { isProblem } from '../../core/problem.js';
import { reportBatch } from '../../core/report/render.js';
import type { Item, Report } from '../../core/report/report-lines.js';
import { readEntries, unregister } from '../../system/binfmt/entries.js';
import type { System } from '../../system/system.js';

export function uninstall(list: string, { binfmt, emulatorDirectory }: System): Report {
  if (binfmt.kind !== 'writable') {
    const nothing = isProblem(engineWithoutEntries, binfmt.problem);
    const item = nothing ? { note: { kind: 'not-registered' } as const } : { problem: binfmt.problem };
    return reportBatch('uninstalling', [{ subject: list, ...item }]);
  }
  const items = splitRemovals(list, readEntries(binfmt)).flatMap((word): Item[] => {
    const removal = planRemoval(word, readEntries(binfmt), emulatorDirectory.prefix);
    if (removal.kind === 'unknown') return [{ subject: word, problem: removal.problem }];
    if (removal.names.length === 0) return [{ subject: word, note: { kind: 'not-registered' } }];
    return removal.names.map((subject) => ({ subject, problem: unregister(binfmt.dir, subject) }));
  });
  return reportBatch('uninstalling', items);
}

/** `binfmt --uninstall LIST`: removes entries. */
import { planUninstall } from '../core/uninstall.js';
import { readEntries, unregister } from '../system/binfmt-fs.js';
import type { System } from '../system/snapshot.js';
import { type Item, type Report, reportBatch } from './report.js';

export function uninstall(words: readonly string[], { registry, folder }: System): Report {
  if (registry.kind !== 'writable') return reportBatch('', [{ subject: '', failure: registry.failure }]);
  const items = words.flatMap((word): Item[] => {
    const removal = planUninstall(word, readEntries(registry), folder.prefix);
    if (removal.kind === 'unknown') return [{ subject: word, failure: removal.failure }];
    if (removal.names.length === 0) return [{ subject: word, note: 'not registered' }];
    return removal.names.map((subject) => ({ subject, failure: unregister(registry.dir, subject) }));
  });
  return reportBatch('uninstalling', items);
}

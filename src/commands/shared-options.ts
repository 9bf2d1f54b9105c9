/** Options that several commands share. */
import { type Address, parseAddress } from '../core/address.js';
import type { BinfmtMount } from '../core/binfmt/snapshot.js';
import { engines } from '../core/namespaces/rootless-engine.js';
import { engineWithoutEntries } from '../core/namespaces/rootless-problems.js';
import { isProblem } from '../core/problem.js';
import { reportProblem } from '../core/report/render.js';
import type { Report } from '../core/report/report-lines.js';
import { NO_STATUS } from '../core/report/status.js';
import type { UsageError } from '../core/report/usage-text.js';
import type { OpenOptions } from '../system/system.js';
import { flag, type Option, optionalChoice, parsed, text, type ValuesOf } from './command.js';

export const mountOptions = {
  mount: text(
    'DIR',
    'where binfmt_misc is mounted, or where to mount it (default: /proc/sys/fs/binfmt_misc)',
    'a directory',
  ),
  'allow-userns': flag('mount binfmt_misc even in a user namespace, for that namespace only'),
  rootless: optionalChoice(
    'ENGINE',
    'work on the entries of your own rootless podman or docker (default: the one that is running)',
    engines,
  ),
} as const;

export function readMountOptions(values: ValuesOf<typeof mountOptions>, report: (error: UsageError) => void) {
  const { mount: dir, 'allow-userns': allowUserNamespace, rootless } = values;
  for (const other of ['mount', 'allow-userns'] as const) {
    if (rootless !== undefined && values[other]) report({ kind: 'excludes', option: 'rootless', other });
  }
  return { dir, allowUserNamespace, rootless } satisfies Omit<OpenOptions, 'toChange'>;
}

/** Why nothing can be said or done: --mount names a directory that must not be used, or --rootless finds no engine. */
export function refusal(binfmt: BinfmtMount, { rootless }: Pick<OpenOptions, 'rootless'>): Report | undefined {
  if (binfmt.kind !== 'unavailable') return undefined;
  const report = reportProblem(binfmt.problem);
  if (report.exit === 2) return report;
  if (isProblem(engineWithoutEntries, binfmt.problem)) return undefined;
  // The probes say what runs here, which is not what was asked.
  return rootless === undefined ? undefined : { ...report, stdout: NO_STATUS };
}

/** `description` says whose address it is. */
export function listenOption(description: string): Option<Address | undefined> {
  return parsed(
    'ADDRESS',
    `${description}: [HOST:]PORT (default host: 127.0.0.1) or unix:PATH`,
    '[HOST:]PORT or unix:PATH',
    parseAddress,
  );
}

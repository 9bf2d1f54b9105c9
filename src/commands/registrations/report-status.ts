/** The status JSON, which comes last. */
import type { Snapshot } from '../../core/binfmt/snapshot.js';
import { engineWithoutEntries } from '../../core/namespaces/rootless-problems.js';
import { architectures } from '../../core/platform/architectures.js';
import { isProblem } from '../../core/problem.js';
import type { Line, Report } from '../../core/report/report-lines.js';
import { formatStatus, statusOf } from '../../core/report/status.js';
import type { System } from '../../system/system.js';
import { takeSnapshot } from '../../system/take-snapshot.js';

/** Works without privileges too, because it believes the probes. `latest`: a picture that is still true. */
export async function status(system: System, latest?: Snapshot): Promise<Report> {
  const complete = architectures.every((architecture) => latest?.probes.has(architecture));
  const snapshot =
    complete && latest ? latest : await takeSnapshot(system, { probes: architectures, known: latest?.probes });
  const { binfmt } = snapshot;
  const lines: Line[] =
    binfmt.kind === 'unavailable' && !isProblem(engineWithoutEntries, binfmt.problem)
      ? [{ kind: 'note', note: { kind: 'entries-unreadable', problem: binfmt.problem } }]
      : [];
  return { stdout: formatStatus(statusOf(snapshot)), lines, exit: 0 };
}

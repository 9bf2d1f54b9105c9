/** `binfmt`: what this machine can run, as JSON. */
import { type Architecture, architectures } from '../core/architectures.js';
import { oneLine } from '../core/failure.js';
import type { Probe } from '../core/probe.js';
import { formatStatus, statusOf } from '../core/status.js';
import { type System, takeSnapshot } from '../system/snapshot.js';
import type { Report } from './report.js';

/** Answers without privileges too, from probes alone. `known`: what was probed a moment ago. */
export async function status(system: System, known?: ReadonlyMap<Architecture, Probe>): Promise<Report> {
  const snapshot = await takeSnapshot(system, { probes: architectures, known });
  const { registry } = snapshot;
  const unread = registry.kind === 'closed' ? [`binfmt: entries cannot be read: ${oneLine(registry.failure)}`] : [];
  return { stdout: formatStatus(statusOf(snapshot)), lines: unread, exit: 0 };
}

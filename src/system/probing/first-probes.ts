/**
 * The probes that the launcher starts by itself while Node.js starts: one of each architecture, in the directory that the
 * build made for them, which is also their root directory. The build writes the requests for it to a file.
 */
import type { Architecture } from '../../core/platform/architectures.js';

/** The longest time that a probe may take, in milliseconds. */
export const PROBE_LIMIT = 2000;

/** Beside the program. */
export const PROBES = 'probes';

/** The file that src/native/main.c gives to the launcher. "@" stands for the directory of the file. */
export function firstRequests(architectures: readonly Architecture[]): string {
  const runs = architectures.map(({ name }) => `run\t@${PROBES}\t/${name}\n`);
  return `${runs.join('')}run-queued\t${PROBE_LIMIT}\n`;
}

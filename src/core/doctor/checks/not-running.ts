/** What the checks of platforms that do not run have in common. */
import type { Severity } from '../../problem.js';
import { listed } from '../../text.js';
import type { PlatformFacts } from '../input.js';

export const FORMAT_ERROR = 'exec /bin/sh: exec format error';
export const NO_SUCH_FILE = 'exec /bin/sh: no such file or directory';
export const CRASH = 'qemu: uncaught target signal 11 (Segmentation fault) - core dumped';

export const doNotRun = (subjects: readonly string[], where = '') =>
  `${listed(subjects)} ${subjects.length > 1 ? 'do' : 'does'} not run${where}`;

export const refusedWith = (errno: string, { verdict }: PlatformFacts) =>
  verdict.kind === 'refused' && verdict.errno === errno;

/** A warning if it runs here, because it may still not run in a container. */
export const severityOf = ({ runs }: PlatformFacts): Severity => (runs ? 'warning' : 'problem');

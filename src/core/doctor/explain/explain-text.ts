/** The words of `doctor --explain`. */
import type { ProblemDefinition } from '../../problem.js';
import { listed, printable, quote, shortened } from '../../text.js';
import type { Build } from '../../version.js';
import type { DoctorReport, PlatformLine } from '../report.js';
import type { Explanation, Here } from './explain.js';

/** What holds on this machine, a paragraph each. `found`: a cause that doctor finds. */
export function describeHere({ row, here = [], standing, others }: Explanation, found?: string): string[] {
  const applies = (answer: Here['applies']) => here.filter((each) => each.applies === answer);
  if (found) return [found];
  switch (standing) {
    case 'shown':
      return here.length > 0 && !row.where?.largePages
        ? [`this applies to ${few(applies('yes'))}`]
        : ['this applies here'];
    case 'told':
      return [];
    case 'possible':
      if (applies('unknown').length > 0) return [`this may apply to ${few(applies('unknown'))}`];
      return row.checks
        ? [
            `doctor finds none of its causes on this machine${others ? '; to check a platform, add its name to the command' : ''}`,
          ]
        : [];
    case 'harmless':
      return [];
    case 'elsewhere': {
      const emulated = here.filter(({ entry }) => entry !== undefined);
      return [`this does not apply here${emulated.length > 0 ? `: ${few(emulated)}` : ''}`];
    }
    case 'impossible':
      return [
        `this cannot happen on this machine, only ${row.where?.host ? `on ${row.where.host} ones` : 'with larger pages'}`,
      ];
  }
}

const MOST_PLATFORMS = 3;

function few(all: readonly Here[]): string {
  const more = all.length - MOST_PLATFORMS;
  return listed([...all.slice(0, MOST_PLATFORMS).map(describe), ...(more > 0 ? [`${more} more`] : [])]);
}

function describe({ platform, entry, version }: Here): string {
  if (entry === undefined) return platform;
  return `${platform} (${entry}, ${version === undefined ? 'unknown version' : `QEMU ${version}`})`;
}

export const unknownMessage: ProblemDefinition<{ message: string }> = {
  id: 'unknown-message',
  title: () => 'unknown message',
  cause: ({ message }) =>
    `${quote(message)} is not a message that binfmt knows. What doctor finds on this machine is on standard output; if that explains nothing, report the message with the last line there, and with the output of doctor --json --verbose`,
};

/** One line to paste into an issue: what was seen, and on which machine. */
export function describeForIssue(
  message: string,
  { platforms }: DoctorReport,
  { build, kernel, processor }: { build: Build; kernel: string; processor?: string },
): string {
  const machine = `binfmt ${build.version} (${build.revision}), Linux ${kernel}, ${processor ?? 'unknown processor'}`;
  const runs = platforms.map(describePlatform);
  return `To report it, paste: ${printable([shortened(message, 300), machine, ...runs].join(' | '))}\n`;
}

function describePlatform({ platform, runs, entry, version, flags, why }: PlatformLine): string {
  const emulator =
    entry === null ? '' : ` (${entry}, ${version === null ? 'unknown version' : `QEMU ${version}`}, ${flags})`;
  return `${platform} ${runs ? 'runs' : `does not run: ${why}`}${emulator}`;
}

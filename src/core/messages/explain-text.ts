/** The words of `doctor --explain`. */
import type { Explanation, Here } from '../doctor/explain.js';
import { defineProblem } from '../problem.js';
import { listed, quote } from '../text.js';

/** What holds on this machine, a paragraph each. */
export function describeHere({ here, findings, others }: Explanation): string[] {
  const ids = [...new Set(findings.filter(({ severity }) => severity !== 'note').map(({ id }) => id))];
  const found = ids.length > 0 ? [`doctor finds the cause on this machine: ${listed(ids)} (below)`] : [];
  if (here === undefined) {
    const first = found.length > 0 ? found : ['doctor finds none of its causes on this machine'];
    return others
      ? [
          ...first,
          'platforms that are not in the list below have no emulator; to check one, add its name to the command',
        ]
      : first;
  }
  const applies = (answer: Here['applies']) => here.filter((each) => each.applies === answer);
  const [yes, unknown] = [applies('yes'), applies('unknown')];
  if (yes.length > 0) return [`this applies to ${listed(yes.map(describe))}`, ...found];
  if (unknown.length > 0) return [`this may apply to ${listed(unknown.map(describe))}`, ...found];
  if (found.length > 0) return found;
  const emulated = here.filter(({ entry }) => entry !== undefined);
  return [`this does not apply here${emulated.length > 0 ? `: ${listed(emulated.map(describe))}` : ''}`];
}

function describe({ platform, entry, version }: Here): string {
  if (entry === undefined) return platform;
  return `${platform} (${entry}, ${version === undefined ? 'unknown version' : `QEMU ${version}`})`;
}

export const unknownMessage = defineProblem<{ message: string }>({
  id: 'unknown-message',
  summary: 'doctor --explain was given a message that it does not know',
  title: () => 'unknown message',
  cause: ({ message }) =>
    `${quote(message)} is not a message that this program knows. What doctor finds on this machine is on standard output; if that explains nothing, report the message, with the output of doctor --json --verbose`,
});

export const explainProblems = [unknownMessage];

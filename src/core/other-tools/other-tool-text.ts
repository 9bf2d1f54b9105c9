/** What is said about the command line of another tool: what it is here, and why a word of it means nothing. */
import { callPrivileged, type Invocation, words } from '../invocation.js';
import { describeDescriptor } from '../report/usage-text.js';
import { printable, quote } from '../text.js';
import type { OtherTool, Refused, ToolDifference, Translation } from './other-tools.js';

/** A line for the translation, and one for each difference. `typed`: what was translated. */
export function describeTranslation(
  { tool, words: ours, differences }: Extract<Translation, { kind: 'translated' }>,
  typed: readonly string[],
  invocation: Invocation,
): string[] {
  return [
    `${quote(words(typed))} is a call of ${tool}; binfmt carries it out as: ${callPrivileged(invocation, ours)}`,
    ...differences.map((difference) => differenceText[difference](tool, typed)),
  ].map(printable);
}

const differenceText: Readonly<Record<ToolDifference, (tool: OtherTool, typed: readonly string[]) => string>> = {
  'always-persistent': () =>
    'the kernel keeps each emulator open (flag F), as with -p yes: containers use it even if they have one of their own',
  descriptor: (_, typed) => {
    const word = /\S*$/.exec(typed.join(' ').trim())?.[0] ?? '';
    return `${quote(word)} is left out; ${describeDescriptor(word)}`;
  },
  'more-flags': (tool) =>
    `${tool} sets the flags C and P only if you ask for them; here they are set: --no-credentials and --no-preserve-argv0 leave them out`,
};

/** One line. */
export function describeRefusal(tool: OtherTool, { word, value, because }: Refused): string {
  const typed = value === undefined ? word : `${word} ${value}`;
  switch (because) {
    case 'writes-files':
      return `${quote(typed)} of ${tool} writes files for the boot of a host; use "binfmt export FORMAT" or "binfmt --install LIST --persist" for that`;
    case 'other-emulators':
      return `${quote(typed)} of ${tool} means other emulators than those of binfmt; leave it out, or set QEMU_BINARY_PATH to a directory with files such as qemu-aarch64`;
    case 'shell':
      return `${quote(typed)} of ${tool} starts a shell, and binfmt has none`;
    case 'yes-or-no':
      return `${quote(word)} of ${tool} takes yes or no${value === undefined ? '' : `, not ${quote(value)}`}`;
    case 'no-value':
      return `${quote(word)} of ${tool} needs a value`;
    case 'unknown':
      return `${quote(word)} does not go with the other words, which are those of ${tool}`;
  }
}

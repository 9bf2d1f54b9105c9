/** What is wrong with a command line, as data and in words; and the words around the usage text. */
import { describePlatformError } from '../install/request-problems.js';
import type { PlatformError } from '../platform/platform.js';
import { listed, quote, shortened } from '../text.js';

export type UsageError =
  /** `command`: the one that has this option; empty for the call without a command. */
  | { readonly kind: 'unknown-option'; readonly word: string; readonly command?: string; readonly suggestion?: string }
  | { readonly kind: 'no-value-expected'; readonly option: string; readonly value: string }
  | { readonly kind: 'bad-value'; readonly option: string; readonly value?: string; readonly expects: string }
  | { readonly kind: 'needs-option'; readonly option: string; readonly other: string | readonly string[] }
  | { readonly kind: 'excludes'; readonly option: string; readonly other: string }
  | { readonly kind: 'unexpected-argument'; readonly word: string; readonly suggestion?: string }
  /** What a shell makes of `2&>`. */
  | { readonly kind: 'descriptor'; readonly word: string }
  | { readonly kind: 'command-not-first'; readonly command: string }
  | {
      readonly kind: 'format';
      readonly word?: string;
      readonly formats: readonly string[];
      readonly suggestion?: string;
    }
  | { readonly kind: 'unknown-check'; readonly word: string; readonly suggestion?: string }
  | { readonly kind: 'missing-command' }
  | { readonly kind: 'platform'; readonly error: PlatformError }
  /** A word of another tool that means nothing here. */
  | { readonly kind: 'untranslated'; readonly text: string }
  | {
      readonly kind: 'bad-environment';
      readonly variable: string;
      readonly value: string;
      readonly has: 'slash' | 'control';
    };

/** What a shell passes on for `2&>`, which is no redirection. */
export const isDescriptor = (word: string) => /^[0-2]$/.test(word);

export const describeDescriptor = (word: string) =>
  `if you typed "${word}&>", the shell took the ${word} for an argument; type "${word}>" or "&>"`;

const meant = (suggestion?: string) => (suggestion === undefined ? '' : `; did you mean ${suggestion}?`);

/** One line. */
export function describeUsageError(error: UsageError): string {
  switch (error.kind) {
    case 'unknown-option': {
      const where = error.command === undefined ? '' : ` (use it with "binfmt${error.command && ` ${error.command}`}")`;
      return `unknown option ${quote(error.word)}${where}${meant(error.suggestion)}`;
    }
    case 'no-value-expected':
      return `--${error.option} takes no value, but you gave ${quote(error.value)}`;
    case 'bad-value':
      return `--${error.option} takes ${error.expects}${error.value ? `, not ${quote(error.value)}` : ''}`;
    case 'needs-option':
      return `--${error.option} needs --${[error.other].flat().join(' or --')}`;
    case 'excludes':
      return `--${error.option} and --${error.other} cannot be used together`;
    case 'command-not-first':
      return `${quote(error.command)} has to be the first word: binfmt ${error.command} ...`;
    case 'unexpected-argument':
      return `unexpected argument ${quote(error.word)}${meant(error.suggestion && shortened(error.suggestion))}`;
    case 'descriptor':
      return `unexpected argument ${quote(error.word)}; ${describeDescriptor(error.word)}`;
    case 'format':
      return error.word === undefined
        ? `export: missing FORMAT (one of ${error.formats.join(', ')})`
        : `export: unknown format ${quote(error.word)} (one of ${error.formats.join(', ')})${meant(error.suggestion)}`;
    case 'unknown-check':
      return `--check: unknown check ${quote(error.word)} (doctor --list-checks lists them)${meant(error.suggestion)}`;
    case 'missing-command':
      return 'run: missing COMMAND, such as: run arm64 -- ./program';
    case 'platform':
      return describePlatformError(error.error);
    case 'untranslated':
      return error.text;
    case 'bad-environment':
      return error.has === 'slash'
        ? `${error.variable}=${quote(error.value)} must not contain a slash, because it is the beginning of file names`
        : `${error.variable}=${quote(error.value)} must not contain a tab or a line break`;
  }
}

/** Behind an error. `call`: what prints the options. */
export const seeHelp = (call: string) => `For all options: ${call}`;

export const ABOUT = 'Runs programs of other CPU architectures, through QEMU and the Linux kernel (binfmt_misc).';
export type ExitStatusRow = readonly [status: number | string, meaning: string];

export const exitStatuses: readonly ExitStatusRow[] = [
  [0, 'success'],
  [1, 'a request failed (the others were done), or doctor found a problem'],
  [2, 'usage error; nothing was done'],
  [3, 'binfmt_misc is not usable here: missing, not permitted, read-only, switched off, or entries would vanish'],
];
export const exitStatusesOfRun: readonly ExitStatusRow[] = [
  ['any', 'COMMAND ran; this is its exit status'],
  [1, 'a platform that you asked for does not run, or COMMAND is for a platform that was not registered'],
  [2, 'usage error; nothing was done'],
  [3, 'user namespaces are forbidden, or the kernel has no private binfmt_misc (before Linux 6.7)'],
  [126, 'COMMAND cannot be started'],
  [127, 'COMMAND was not found'],
];
export const HELP = 'print this text (also -h)';

/** What a number option takes. */
export function numberExpectation(unit: string, least: number, most: number): string {
  return `${unit} from ${least} to ${most}`;
}

export function choiceExpectation(choices: readonly string[]): string {
  return listed(choices, 'or');
}

export const NODE_EXPECTATION = 'the name of a node, in lower case';
export const PREFIX_EXPECTATION = 'a DNS name in lower case, such as example.com';
export const TAINT_EXPECTATION = 'the key of a taint without value and effect, such as example.com/starting';

/** While doctor repeats probes. */
export function describeProgress(done: number, total: number): string {
  return `probes: ${done} of ${total}`;
}

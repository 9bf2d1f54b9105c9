/**
 * Lines that people paste, and the rows of the table that they match. Logs dress a line in numbers, names, times,
 * colours and escapes: a row matches somewhere in the line, whose plain text has lower case, and no quotation marks.
 */
import type { KnownProblem } from '../known-problem.js';

export interface KnownLine {
  readonly row: KnownProblem;
  /** The first line that the row matches. */
  readonly line: string;
}

/** They are about emulating a whole machine, or come from a Mac itself. */
const OTHERS = /\bqemu-system-|vzerrordomain|\bdynamic translator buffer/;

/** Of a line that is longer than messages are, its beginning and its end are read. */
const LONGEST_END = 2000;

/** The rows that match, each with its line, in the order of the table. */
export function findKnown(text: string, rows: readonly KnownProblem[]): readonly KnownLine[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const read = lines.map((line) => plainText(withoutMiddle(line)));
  const last = read.findLastIndex((line) => line !== '');
  // One search in the whole text for each pattern is much faster than one in each line.
  const whole = read.join('\n');
  return rows.flatMap((row) => {
    const found = row.hangs ? matchIn(read[last] ?? '', row) : matchIn(whole, row);
    if (found === undefined) return [];
    return [{ row, line: (row.hangs ? lines[last] : lines[found]) ?? '' }];
  });
}

function withoutMiddle(line: string): string {
  return line.length > 2 * LONGEST_END ? `${line.slice(0, LONGEST_END)} ${line.slice(-LONGEST_END)}` : line;
}

/** The number of the first line that the row matches. */
function matchIn(text: string, { messages, kinds = [], unless }: KnownProblem): number | undefined {
  const patterns = [...messages.map(patternOf), ...kinds.map(({ source }) => source)];
  for (const { index } of text.matchAll(new RegExp(patterns.join('|'), 'gm'))) {
    const end = text.indexOf('\n', index);
    const line = text.slice(text.lastIndexOf('\n', index - 1) + 1, end < 0 ? undefined : end);
    if (!OTHERS.test(line) && unless?.test(line) !== true) return text.slice(0, index).split('\n').length - 1;
  }
  return undefined;
}

/** `…` stands for anything within a line. */
function patternOf(message: string): string {
  const parts = plainText(message).split('…');
  return parts.map((part) => part.trim().replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*');
}

/** Without colours, escapes, quotation marks, and differences in case, dashes and spaces. */
function plainText(text: string): string {
  return text
    .replace(/(\p{Cc}|\^\[|\\(e|033|x1b|u001b))\[[0-9;?]*[a-z]/giu, ' ')
    .replace(/\\[nrt]/g, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .replace(/["'`´\\\p{Pi}\p{Pf}„‚]/gu, '')
    .replace(/[\p{Pd}−]/gu, '-')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}

/** The emulator's name at the beginning of its own line; elsewhere it is a file that is looked for. */
const begins = (name: string) =>
  new RegExp(`(?<![\\w/.-])(/(?!proc/)\\S*/)?${name}:(?! (no such file|not found|permission denied|file exists))`);

/** Whose emulator begins its lines in this way. */
export const speakers: readonly { readonly prefix: string; readonly pattern: RegExp; readonly who: string }[] = [
  {
    prefix: '.buildkit_qemu_emulator:',
    pattern: /\bbuildkit[-_]qemu[-_]\w+/,
    who: "BuildKit's own emulator: none is registered on the host of the builder",
  },
  {
    prefix: 'x86_64-binfmt-P:',
    pattern: begins('\\w+-binfmt-p'),
    who: 'the emulator of a package of Debian or Ubuntu',
  },
  {
    prefix: 'qemu-x86_64-static:',
    pattern: begins('qemu-\\w+-static'),
    who: 'the emulator of multiarch/qemu-user-static, dbhi/qus, or a package qemu-user-static',
  },
  {
    prefix: 'qemu-x86_64:',
    pattern: begins('qemu-(?!system)\\w+'),
    who: 'the emulator of binfmt, of tonistiigi/binfmt, or of a package qemu-user',
  },
];

/** Whose emulator spoke; undefined if its name does not tell. */
export function speakerOf(line: string): string | undefined {
  const plain = plainText(line);
  return speakers.find(({ pattern }) => pattern.test(plain))?.who;
}

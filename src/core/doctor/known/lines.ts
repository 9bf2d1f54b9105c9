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

/** The rows that match, each with its line, in the order of the table. */
export function findKnown(text: string, rows: readonly KnownProblem[]): readonly KnownLine[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => ({ line: line.trim(), plain: plainText(line) }))
    .filter(({ plain }) => plain !== '');
  return rows.flatMap((row) => {
    const patterns = row.messages.map((message) => plainText(message).split('…'));
    const matches = ({ plain }: { plain: string }) =>
      !OTHERS.test(plain) &&
      row.unless?.test(plain) !== true &&
      (patterns.some((parts) => hasParts(plain, parts)) || row.kinds?.some((kind) => kind.test(plain)));
    const found = (row.hangs ? lines.slice(-1) : lines).find(matches);
    return found ? [{ row, line: found.line }] : [];
  });
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

/** Has the line these parts, one after the other? */
function hasParts(line: string, parts: readonly string[]): boolean {
  let at = 0;
  for (const part of parts) {
    const found = line.indexOf(part.trim(), at);
    if (found < 0) return false;
    at = found + part.trim().length;
  }
  return true;
}

/** The emulator's name at the beginning of its own line; elsewhere it is a file that somebody looks for. */
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
    who: 'the emulator of this program, of tonistiigi/binfmt, or of a package qemu-user',
  },
];

/** Whose emulator spoke; undefined if its name does not tell. */
export function speakerOf(line: string): string | undefined {
  const plain = plainText(line);
  return speakers.find(({ pattern }) => pattern.test(plain))?.who;
}

/** The doctor's answer as text for people. */
import type { Invocation } from '../invocation.js';
import type { Problem } from '../problem.js';
import type { RenderedAdvice } from '../report/call-again.js';
import { adviceFor, textOf } from '../report/render.js';
import { printable } from '../text.js';
import { groupByCause } from './diagnose.js';
import type { DoctorReport } from './report.js';
import {
  describeEmulator,
  describeInactive,
  describeMatches,
  describeRuns,
  describeState,
  ENTRY_COLUMNS,
  PLATFORM_COLUMNS,
} from './report-text.js';

/** `verbose`: also a table of all entries. */
export function formatReport(report: DoctorReport, invocation: Invocation, verbose: boolean): string {
  const parts = [
    ...(report.platforms.length > 0 ? [formatPlatforms(report)] : []),
    ...(verbose && report.entries.length > 0 ? [formatEntries(report)] : []),
    ...groupByCause(report.problems).map((group) => formatGroup(group, invocation)),
  ];
  return parts.join('\n').split('\n').map(printable).join('\n');
}

function formatPlatforms({ platforms, entries }: DoctorReport): string {
  const rows = platforms.flatMap((line) => {
    const { platform, entry, flags } = line;
    const others = entries.filter(({ name, matches }) => name !== entry && matches.includes(withoutVariant(platform)));
    return [
      [platform, describeRuns(line), entry ?? '-', describeEmulator(line), flags ?? ''],
      ...others.map((other) => ['', '', other.name, describeInactive(other, line), other.flags]),
    ];
  });
  return table([PLATFORM_COLUMNS, ...rows]);
}

function withoutVariant(platform: string): string {
  return platform.split('/').slice(0, 2).join('/');
}

function formatEntries({ entries }: DoctorReport): string {
  const rows = entries.map((entry) => {
    const isActive = (platform: string) => entry.active.some((each) => withoutVariant(each) === platform);
    return [entry.name, describeState(entry), entry.interpreter, entry.flags, describeMatches(entry, isActive)];
  });
  return table([ENTRY_COLUMNS, ...rows]);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

const INDENT = '  ';
const LABEL_WIDTH = 11;
const LINE_WIDTH = 110;

/** One paragraph for everything that has the same problem for the same reason. */
export function formatGroup(group: readonly Problem[], invocation: Invocation): string {
  const [first] = group as [Problem, ...Problem[]];
  const subjects = group.map(({ subject }) => subject);
  const { title, symptom, cause } = textOf(first, subjects);
  const evidence = new Set(group.flatMap((problem) => evidenceOf(problem, group.length > 1)));
  const advice = adviceFor(
    group.flatMap((problem) => problem.advice),
    invocation,
  );
  const lines = [
    ...(symptom ? labelled('you see', [symptom]) : []),
    ...labelled('because', [`${cause}.`]),
    ...labelled('evidence', [...evidence]),
    ...labelled('do', paragraphsOf(advice)),
  ];
  const severity = first.severity === 'problem' ? '' : `${first.severity}: `;
  return `${severity}${title}  [${first.definition.id}]\n${lines.map((line) => `${line}\n`).join('')}`;
}

export function paragraphsOf(advice: readonly RenderedAdvice[]): (string | { readonly command: string })[] {
  return advice.flatMap(({ label, command }) => [
    ...(label === undefined ? [] : [command === undefined ? label : `${label}:`]),
    ...(command === undefined ? [] : [{ command }]),
  ]);
}

/** In a group the lines say which platform they are about, unless they are the same for all. */
function evidenceOf(problem: Problem, inGroup: boolean): readonly string[] {
  const { evidence } = textOf(problem);
  const names = inGroup && problem.subject !== 'machine';
  return names ? evidence.map((line) => `${problem.subject}: ${line}`) : evidence;
}

/** Words are wrapped; a command never is, so that it can be pasted. */
export function labelled(label: string, paragraphs: readonly (string | { readonly command: string })[]): string[] {
  const room = LINE_WIDTH - INDENT.length - LABEL_WIDTH;
  const lines = paragraphs.flatMap((each) => (typeof each === 'string' ? wrapped(each, room) : [each.command]));
  return lines.map((line, i) => `${INDENT}${(i === 0 ? label : '').padEnd(LABEL_WIDTH)}${line}`);
}

function wrapped(text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

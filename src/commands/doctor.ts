/** `binfmt doctor`: what runs, through what, and of what does not why, and what to type. */
import { type Chart, chartOf, formatChart } from '../core/doctor/chart.js';
import { checks, diagnose } from '../core/doctor/diagnose.js';
import { oneLine } from '../core/failure.js';
import { parseSelection, selectPlatforms } from '../core/selection.js';
import { examine } from '../system/examine.js';
import { type System, takeSnapshot } from '../system/snapshot.js';
import type { Report } from './report.js';

export interface DoctorArguments {
  /** Platforms, or `all`; none: every one that has an entry. */
  readonly words: readonly string[];
  readonly json: boolean;
  readonly verbose: boolean;
  readonly repeat: number;
  /** Names of checks; undefined: all. */
  readonly checks?: readonly string[] | undefined;
}

export async function doctor(args: DoctorArguments, system: System): Promise<Report> {
  const selection = parseSelection(args.words);
  const { unknown, all } = selection;
  const failures = unknown.map((failure) => `binfmt: ${oneLine(failure)}`);
  if (unknown.length > 0 && unknown.length === args.words.length) {
    const nothing: Chart = { platforms: [], handlers: [], findings: [] };
    return { stdout: args.json ? formatJson(nothing) : '', lines: failures, exit: 1 };
  }
  const known = all ? await takeSnapshot(system, { probes: [], emulators: true }) : undefined;
  const platforms = known ? selectPlatforms(selection, known) : selection.platforms;
  const examination = await examine(system, {
    platforms: args.words.length > 0 ? platforms : undefined,
    repeat: args.repeat,
  });
  const findings = diagnose(examination, { names: args.checks, verbose: args.verbose });
  const chart = chartOf(examination, findings);
  const problem = findings.some(({ severity }) => severity === 'problem');
  return {
    stdout: args.json ? formatJson(chart) : formatChart(chart, args.verbose),
    lines: failures,
    exit: problem || unknown.length > 0 ? 1 : 0,
  };
}

/** The names of the checks, and what each looks for. */
export function listChecks(json: boolean): Report {
  if (json) return { stdout: formatJson(checks.map(({ name, text }) => ({ name, text }))), lines: [], exit: 0 };
  const width = Math.max(...checks.map(({ name }) => name.length));
  return { stdout: checks.map(({ name, text }) => `${name.padEnd(width)}  ${text}\n`).join(''), lines: [], exit: 0 };
}

function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** What `binfmt doctor` looks at, and what it says. */
import { checks } from '../../core/doctor/definitions.js';
import { diagnose } from '../../core/doctor/diagnose.js';
import { checksFor, explain, platformsOf } from '../../core/doctor/explain/explain.js';
import { describeForIssue, unknownMessage } from '../../core/doctor/explain/explain-text.js';
import { formatAnswer } from '../../core/doctor/explain/format-answer.js';
import { formatReport } from '../../core/doctor/format.js';
import { knownProblems } from '../../core/doctor/known/index.js';
import { findKnown } from '../../core/doctor/known/lines.js';
import { doctorReport, EMPTY_REPORT, jsonExplanations, jsonReport } from '../../core/doctor/report.js';
import { parseSelection, selectPlatforms } from '../../core/install/selection.js';
import { problemOf } from '../../core/problem.js';
import type { Line, Report } from '../../core/report/report-lines.js';
import { describeProgress } from '../../core/report/usage-text.js';
import { closest } from '../../core/text.js';
import { closeBinfmt } from '../../system/binfmt/mount.js';
import { collectDoctorInput } from '../../system/doctor-input.js';
import { readStandardInput } from '../../system/host/files.js';
import { type OpenOptions, openSystem, type System } from '../../system/system.js';
import { takeSnapshot } from '../../system/take-snapshot.js';
import type { Context } from '../command.js';
import { refusal } from '../shared-options.js';

export interface DoctorArguments {
  /** Platforms, or `all`; none: every platform that has an entry. */
  readonly words: readonly string[];
  readonly json: boolean;
  readonly verbose: boolean;
  readonly repeat: number;
  readonly only?: readonly string[];
  /** Explain this message; `-`: what standard input has. */
  readonly message?: string;
  readonly listChecks: boolean;
  readonly mount: Omit<OpenOptions, 'toChange'>;
}

export async function doctor(args: DoctorArguments, context: Context): Promise<Report> {
  const ids = checks.map(({ id }) => id);
  const unknown = args.only?.find((word) => !ids.includes(word));
  if (unknown !== undefined) {
    return {
      lines: [],
      exit: 2,
      usageError: { kind: 'unknown-check', word: unknown, suggestion: closest(unknown, ids) },
    };
  }
  if (args.listChecks) return listChecks(args.json);
  const system = await openSystem(context.setup, { ...args.mount, toChange: false });
  const refused = refusal(system.binfmt, args.mount);
  if (refused) return { ...refused, stdout: '' };
  try {
    return await examine(args, system, context);
  } finally {
    await closeBinfmt(system.binfmt, system.launcher);
  }
}

async function examine(args: DoctorArguments, system: System, context: Context): Promise<Report> {
  const { json, verbose, repeat } = args;
  const { invocation } = system;
  const message = args.message === '-' ? readStandardInput() : args.message;
  const known = message === undefined ? undefined : findKnown(message, knownProblems);
  const words = args.words.length > 0 || !known ? args.words : platformsOf(known, message ?? '');
  const selection = parseSelection(words, { variants: true });
  const { unknown } = selection;
  const lines = unknown.map((problem): Line => ({ kind: 'problem', problem }));
  if (unknown.length > 0 && unknown.length === words.length) {
    const report = { ...EMPTY_REPORT, problems: unknown };
    return { stdout: json ? formatJson(jsonReport(report, invocation)) : '', lines, exit: 1 };
  }
  const emulators = selection.all ? await takeSnapshot(system, { probes: [], emulators: true }) : undefined;
  const named = emulators ? selectPlatforms(selection, emulators) : selection.platforms;
  const input = await collectDoctorInput(system, {
    platforms: words.length > 0 ? named : undefined,
    repeat,
    progress: await progressOn(context),
  });
  const problems = diagnose(input, { only: args.only ?? checksFor(known ?? []), verbose });
  const explanations = known && explain(known, input, problems);
  const unexplained = explanations?.length === 0 ? unknownMessageProblem(message ?? '') : [];
  const report = doctorReport(input, problems);
  const all = { ...report, problems: [...unknown, ...problems, ...unexplained] };
  const failed = all.problems.some(({ severity }) => severity === 'problem');
  const text = explanations
    ? formatAnswer(explanations, report, invocation, verbose)
    : formatReport(report, invocation, verbose);
  const machine = { build: context.build, kernel: input.kernel, processor: input.own?.name };
  const toReport = unexplained.map(({ facts }) => describeForIssue(String(facts['message']), report, machine));
  return {
    stdout: json
      ? formatJson({ ...jsonExplanations(explanations, invocation), ...jsonReport(all, invocation) })
      : [text, ...toReport].join('\n'),
    lines: [...lines, ...unexplained.map((problem): Line => ({ kind: 'problem', problem }))],
    exit: failed ? 1 : 0,
  };
}

function unknownMessageProblem(message: string) {
  const [first = ''] = message.split('\n').filter((line) => line.trim() !== '');
  return [
    problemOf(unknownMessage, 'message', { message: first }, [{ do: 'examine', options: ['--json', '--verbose'] }]),
  ];
}

/** A line that counts, on a terminal only, and that is gone when it is done. */
async function progressOn(context: Context): Promise<((done: number, total: number) => void) | undefined> {
  if (!(await context.isTerminal(2))) return undefined;
  return (done, total) => {
    const line = done < total ? describeProgress(done, total) : '';
    context.write(2, `\r\x1b[K${line}`);
  };
}

function listChecks(json: boolean): Report {
  const list = checks.map(({ id, summary }) => ({ id, summary }));
  const width = Math.max(...list.map(({ id }) => id.length));
  const stdout = json ? formatJson(list) : list.map(({ id, summary }) => `${id.padEnd(width)}  ${summary}\n`).join('');
  return { stdout, lines: [], exit: 0 };
}

function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

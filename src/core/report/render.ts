/**
 * Problems, notes and advice as lines for a terminal. This is where data becomes English: once, when it is printed, for
 * the way in which the program was called.
 */
import { type Advice, mergeAdvice } from '../advice.js';
import { describeKept, describeNotRunning } from '../binfmt/verdict-text.js';
import type { Invocation } from '../invocation.js';
import { ENTRY_KEPT, type ExitStatus, type Problem } from '../problem.js';
import { printable, shortened } from '../text.js';
import { renderAdvice } from './advice-text.js';
import type { RenderedAdvice } from './call-again.js';
import { describeNote } from './note-text.js';
import type { Action, Item, Line, Report } from './report-lines.js';

/** What a problem says, in English. */
export interface ProblemText {
  readonly title: string;
  /** The message that people see elsewhere. */
  readonly symptom?: string;
  /** The first word begins in lower case, and there is no full stop at the end. */
  readonly cause: string;
  readonly evidence: readonly string[];
}

/** `subjects`: everything that has the problem for the same reason. */
export function textOf(problem: Problem, subjects: readonly string[] = [problem.subject]): ProblemText {
  const { definition, facts } = problem;
  return {
    title: definition.title(facts, subjects),
    symptom: definition.symptom?.(facts),
    cause: definition.cause(facts),
    evidence: definition.evidence?.(facts) ?? [],
  };
}

/** The advice that applies to this call, in words. */
export function adviceFor(advice: readonly Advice[], invocation: Invocation): RenderedAdvice[] {
  return mergeAdvice(advice).flatMap((each) => renderAdvice(each, invocation) ?? []);
}

/** Cause and advice of a problem in one line, which is all that some callers show. */
export function oneLine(problem: Problem, invocation: Invocation): string {
  const ways = adviceFor(problem.advice, invocation).map(({ label, command }) =>
    [label, command].filter((part) => part !== undefined).join(': '),
  );
  return printable([causeOf(problem), ways.join('; or ')].filter((part) => part !== '').join('; '));
}

/** Its cause. For a platform that does not run: that it does not, and the first thing that was measured. */
export function causeOf(problem: Problem): string {
  const { cause, evidence } = textOf(problem);
  const kept = problem.facts[ENTRY_KEPT] === true;
  if (problem.definition.scope === 'platform') return describeNotRunning(cause, evidence[0], kept);
  return kept ? describeKept(cause) : cause;
}

/** Where an unexpected error happened, a line for each function, if the caller wants to know. */
export function stackLines({ facts }: Problem, { debug }: Invocation): string {
  const stack = debug && Array.isArray(facts['stack']) ? facts['stack'] : [];
  return stack.map((frame) => `${printable(String(frame))}\n`).join('');
}

/** One line of standard error, without a line break at its end; before it, what BINFMT_DEBUG shows. */
export function renderLine(line: Line, invocation: Invocation): string {
  switch (line.kind) {
    case 'done': {
      const note = line.note && describeNote(line.note, causeOf);
      return printable(`${line.action}: ${shortened(line.subject)} OK${note === undefined ? '' : ` (${note})`}`);
    }
    case 'failed':
      return `${line.action}: ${shortened(line.subject)} ${oneLine(line.problem, invocation)}`;
    case 'problem':
      return `${stackLines(line.problem, invocation)}binfmt: ${oneLine(line.problem, invocation)}`;
    case 'note':
      return `${line.note.kind === 'next-step' ? 'next' : 'binfmt'}: ${describeNote(line.note, causeOf)}`;
  }
}

/** The highest exit status of all: 0 if there is no problem. */
export function exitStatusOf(problems: readonly Problem[]): ExitStatus {
  return Math.max(0, ...problems.map(statusOf)) as ExitStatus;
}

function statusOf(problem: Problem): ExitStatus {
  return problem.definition.exitStatus ?? 1;
}

/** A line for each item, successes first; a problem of the whole machine only once. */
export function reportBatch(action: Action, items: readonly Item[]): Report {
  const done = items.filter(({ problem }) => problem === undefined);
  const failed = items.flatMap(({ subject, problem }) => (problem ? [{ subject, problem }] : []));
  const whole = new Map<string, Line>();
  for (const { subject, problem } of failed) {
    const line: Line =
      statusOf(problem) > 1 ? { kind: 'problem', problem } : { kind: 'failed', action, subject, problem };
    whole.set(JSON.stringify(line), line);
  }
  return {
    lines: [...done.map(({ subject, note }): Line => ({ kind: 'done', action, subject, note })), ...whole.values()],
    exit: exitStatusOf(failed.map(({ problem }) => problem)),
  };
}

/** A report of one problem, and nothing else. */
export function reportProblem(problem: Problem): Report {
  return { lines: [{ kind: 'problem', problem }], exit: exitStatusOf([problem]) };
}

/** Two reports as one; standard output is not part of it. */
export function joined(one: Report, other: Report): Report {
  return { lines: [...one.lines, ...other.lines], exit: Math.max(one.exit, other.exit) as ExitStatus };
}

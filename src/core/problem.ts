/**
 * What is not as it should be, as data: what kind of problem it is, a subject, facts, and
 * advice. Install, status, watch, run and doctor share it. No code reads English: the definition makes sentences from the
 * facts when they are printed (src/core/report/render.ts). Machines get its id in the definition's place.
 */
import type { Advice } from './advice.js';

/**
 * problem: something that is wanted does not run, or will stop running. warning: it runs, but not as well as it could.
 * note: worth knowing.
 */
export type Severity = 'problem' | 'warning' | 'note';

/** Anything that JSON can hold. */
export type Fact = string | number | boolean | undefined | readonly Fact[] | Facts;
export type Facts = { readonly [name: string]: Fact };

export interface Problem {
  readonly definition: ProblemDefinition;
  /** What it is about: a platform (`linux/arm64`), an entry, a file, what the user typed, or `machine`. */
  readonly subject: string;
  readonly severity: Severity;
  /** What was measured or asked for: errno, entry, version and so on. */
  readonly facts: Facts;
  /** What to do about it. Any one of them is enough. */
  readonly advice: readonly Advice[];
}

/** One kind of problem: everything that the program says about it, made from its facts. */
export interface ProblemDefinition<F extends Facts = Facts> {
  /** For machines that read JSON, such as `no-entry`; `doctor --check` takes it too. */
  readonly id: string;
  /** What a check of doctor looks at. */
  readonly scope?: 'machine' | 'platform';
  /** 3 if the machine cannot do what is asked, 2 if the command line is wrong; default: 1. */
  readonly exitStatus?: 2 | 3;
  /** A headline. `subjects`: everything that has this problem for the same reason. */
  title(facts: F, subjects: readonly string[]): string;
  /** The message that people see elsewhere, and search for. */
  symptom?(facts: F): string | undefined;
  /** One or more sentences. The first begins in lower case, and the last has no full stop. */
  cause(facts: F): string;
  /** What was measured, a line each. */
  evidence?(facts: F): readonly string[];
}

/** A problem of this kind. A `severity` other than `problem` is the exception. */
export function problemOf<F extends Facts>(
  definition: ProblemDefinition<F>,
  subject: string,
  facts: F,
  advice: readonly Advice[] = [],
  severity: Severity = 'problem',
): Problem {
  return { definition, subject, severity, facts, advice };
}

/** Is it of this kind? */
export function isProblem(definition: Pick<ProblemDefinition, 'id'>, problem: Problem | undefined): boolean {
  return problem?.definition.id === definition.id;
}

/** What identifies it for machines: its id and its facts. */
export const keyOf = ({ definition, facts }: Problem) => JSON.stringify([definition.id, facts]);

/** 0: everything that was asked for is done. 1: some of it is not. 2: the command line is wrong. 3: the machine cannot. */
export type ExitStatus = 0 | 1 | 2 | 3;

/** A fact of a problem with a new emulator: the existing entry works, and was kept. */
export const ENTRY_KEPT = 'entryKept';

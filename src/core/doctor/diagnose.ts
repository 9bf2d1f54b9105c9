/** Runs the checks over what doctor looked at. */
import { type Facts, type Problem, problemOf, type Severity } from '../problem.js';
import type { Check, Found } from './check.js';
import { checks } from './definitions.js';
import { type DoctorInput, platformFacts } from './input.js';

export interface DiagnoseOptions {
  /** Only these checks, including those that otherwise need `verbose`. */
  readonly only?: readonly string[];
  readonly verbose?: boolean;
}

const order: readonly Severity[] = ['problem', 'warning', 'note'];

/** Everything that the checks find: problems first, and within a severity in the order of the checks. */
export function diagnose(input: DoctorInput, { only, verbose = false }: DiagnoseOptions = {}): readonly Problem[] {
  const chosen = checks.filter(
    ({ id, verbose: needsVerbose }) => only?.includes(id) ?? (verbose || needsVerbose !== true),
  );
  const isQuiet = (check: Check, { severity }: Problem) => check.verbose === 'notes' && severity === 'note';
  const platforms = platformFacts(input);
  const findAll = (check: Check): Problem[] => {
    if (check.scope === 'machine') return finding(check, 'machine', check.find(input));
    return platforms.flatMap((platform) => finding(check, platform.name, check.find(platform, input)));
  };
  // Whether the fallback reports something must not depend on which checks were chosen.
  const before = checks.slice(
    0,
    checks.findIndex(({ fallback }) => fallback),
  );
  const explained = new Set(
    before
      .filter(({ scope }) => scope === 'platform')
      .flatMap(findAll)
      .filter(({ severity }) => severity === 'problem')
      .map(({ subject }) => subject),
  );
  const found = chosen.flatMap((check) =>
    findAll(check).filter(
      (problem) =>
        (!check.fallback || !explained.has(problem.subject)) && (verbose || only || !isQuiet(check, problem)),
    ),
  );
  return found.sort((one, other) => order.indexOf(one.severity) - order.indexOf(other.severity));
}

function finding(check: Check, subject: string, found: Found<Facts> | undefined): Problem[] {
  return found ? [problemOf(check, subject, found.facts, found.advice, found.severity)] : [];
}

/** Problems that say the same, but for their subject, advice and evidence; in the order of the first of each. */
export function groupByCause(problems: readonly Problem[]): Problem[][] {
  const groups = new Map<string, Problem[]>();
  for (const problem of problems) {
    const { definition, severity, facts } = problem;
    const { id, title, cause, symptom } = definition;
    const key = [severity, id, title(facts, ['']), cause(facts), symptom?.(facts)].join('\n');
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(problem);
  }
  return [...groups.values()];
}

/** Every kind of problem that the program reports, and the doctor's checks in the order in which they report. */
import type { Check } from '../doctor/check.js';
import type { Problem, ProblemDefinition } from '../problem.js';
import { machineChecks } from './machine-checks.js';
import { namespaceProblems } from './namespace-problems.js';
import { notRunningChecks } from './not-running-checks.js';
import { requestProblems } from './request-problems.js';
import { runningChecks } from './running-checks.js';

/** The first problem about a platform is reported as the cause. */
export const checks: readonly Check[] = [...machineChecks, ...notRunningChecks, ...runningChecks] as readonly Check[];

const definitions: ReadonlyMap<string, ProblemDefinition> = new Map(
  ([...checks, ...Object.values(requestProblems), ...namespaceProblems] as ProblemDefinition[]).map((definition) => [
    definition.id,
    definition,
  ]),
);

/** Everything that can be said about a problem of this kind. */
export function definitionOf({ id }: Pick<Problem, 'id'>): ProblemDefinition {
  const definition = definitions.get(id);
  if (definition === undefined) throw new Error(`there is no problem "${id}"`);
  return definition;
}

export const problemIds: readonly string[] = [...definitions.keys()];

/** Every kind of problem that the program reports, and the doctor's checks in the order in which they report. */
import type { Check } from '../doctor/check.js';
import type { Problem, ProblemDefinition } from '../problem.js';
import { clusterProblems } from './cluster-problems.js';
import { emulatorChecks } from './emulator-checks.js';
import { emulatorProblems } from './emulator-problems.js';
import { entryChecks } from './entry-checks.js';
import { explainProblems } from './explain-text.js';
import { frontProblems } from './front-problems.js';
import { knownProblemChecks } from './known-problem-checks.js';
import { machineChecks } from './machine-checks.js';
import { mountChecks } from './mount-checks.js';
import { namespaceProblems } from './namespace-problems.js';
import { persistProblems } from './persist-problems.js';
import { programProblems } from './program-problems.js';
import { requestProblems } from './request-problems.js';
import { rootlessProblems } from './rootless-problems.js';
import { runningChecks } from './running-checks.js';

/** The first problem about a platform is reported as the cause. */
export const checks = [
  ...mountChecks,
  ...machineChecks,
  ...entryChecks,
  ...emulatorChecks,
  ...knownProblemChecks,
  ...runningChecks,
] as readonly Check[];

const all = [
  ...checks,
  ...requestProblems,
  ...persistProblems,
  ...explainProblems,
  ...emulatorProblems,
  ...frontProblems,
  ...namespaceProblems,
  ...rootlessProblems,
  ...clusterProblems,
  ...programProblems,
] as readonly ProblemDefinition[];

const definitions = new Map(all.map((definition) => [definition.id, definition]));

/** Everything that can be said about a problem of this kind. */
export function definitionOf({ id }: Pick<Problem, 'id'>): ProblemDefinition {
  const definition = definitions.get(id);
  if (definition === undefined) throw new Error(`there is no problem "${id}"`);
  return definition;
}

export const problemIds: readonly string[] = [...definitions.keys()];

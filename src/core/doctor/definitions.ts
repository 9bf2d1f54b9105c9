/** Every kind of problem that the program reports, and the doctor's checks in the order in which they report. */
import { clusterProblems } from '../cluster/cluster-problems.js';
import { emulatorProblems } from '../install/emulator-problems.js';
import { frontProblems } from '../install/front-problems.js';
import { requestProblems } from '../install/request-problems.js';
import { namespaceProblems } from '../namespaces/namespace-problems.js';
import { rootlessProblems } from '../namespaces/rootless-problems.js';
import { persistProblems } from '../persist/persist-problems.js';
import type { ProblemDefinition } from '../problem.js';
import { programProblems } from '../report/program-problems.js';
import type { Check } from './check.js';
import { emulatorChecks } from './checks/emulator-checks.js';
import { entryChecks } from './checks/entry-checks.js';
import { knownProblemChecks } from './checks/known-problem-checks.js';
import { machineChecks } from './checks/machine-checks.js';
import { mountChecks } from './checks/mount-checks.js';
import { runningChecks } from './checks/running-checks.js';
import { explainProblems } from './explain/explain-text.js';

/** The first problem about a platform is reported as the cause. */
export const checks = [
  ...mountChecks,
  ...machineChecks,
  ...entryChecks,
  ...emulatorChecks,
  ...knownProblemChecks,
  ...runningChecks,
] as readonly Check[];

export const problemDefinitions: readonly ProblemDefinition[] = [
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
];

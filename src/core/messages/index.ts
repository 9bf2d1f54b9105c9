/** Every kind of problem that the program reports, and the doctor's checks in the order in which they report. */
import type { Check } from '../doctor/check.js';
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
];

export const problemIds: readonly string[] = all.map(({ id }) => id);

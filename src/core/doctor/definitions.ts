/** The doctor's checks, in the order in which they report. */
import type { Check } from './check.js';
import { emulatorChecks } from './checks/emulator-checks.js';
import { entryChecks } from './checks/entry-checks.js';
import { knownProblemChecks } from './checks/known-problem-checks.js';
import { machineChecks } from './checks/machine-checks.js';
import { mountChecks } from './checks/mount-checks.js';
import { runningChecks } from './checks/running-checks.js';

/** The first problem about a platform is reported as the cause. */
export const checks = [
  ...mountChecks,
  ...machineChecks,
  ...entryChecks,
  ...emulatorChecks,
  ...knownProblemChecks,
  ...runningChecks,
] as readonly Check[];

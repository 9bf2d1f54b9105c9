/** All checks, and what they find. The order is the order of telling: the first problem is the cause. */
import { type Examination, patientsOf } from './examination.js';
import type { Check, Finding } from './finding.js';
import { machineChecks } from './machine.js';
import { notRunningChecks } from './not-running.js';
import { runningChecks } from './running.js';

export const checks: readonly Check[] = [...machineChecks, ...notRunningChecks, ...runningChecks];

/** A finding, by whom, and what about. */
export interface Diagnosis extends Finding {
  readonly check: string;
  /** `linux/arm64`, or `machine`. */
  readonly subject: string;
}

const order = ['problem', 'warning', 'note'];

/** `names`: only these checks, also the ones that are otherwise told with `verbose` only. */
export function diagnose(
  examination: Examination,
  { names, verbose = false }: { names?: readonly string[] | undefined; verbose?: boolean } = {},
): readonly Diagnosis[] {
  const patients = patientsOf(examination);
  const chosen = checks.filter((check) => (names ? names.includes(check.name) : verbose || !check.verbose));
  const found = chosen.flatMap((check): (Diagnosis | undefined)[] => {
    if (check.about === 'machine') return [of(check, 'machine', check.find(examination))];
    return patients.map((patient) => of(check, patient.name, check.find(patient, examination)));
  });
  return found
    .filter((each) => each !== undefined)
    .sort((one, other) => order.indexOf(one.severity) - order.indexOf(other.severity));
}

function of({ name: check }: Check, subject: string, finding: Finding | undefined): Diagnosis | undefined {
  return finding && { check, subject, ...finding };
}

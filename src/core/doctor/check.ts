/**
 * What a doctor check is: one object that holds what it looks for, and everything that is said about it. Checks live
 * in src/core/doctor/checks; each takes what doctor looked at, and returns facts or nothing.
 */
import type { Advice } from '../advice.js';
import type { Facts, ProblemDefinition, Severity } from '../problem.js';
import type { DoctorInput, PlatformFacts } from './input.js';

/** What a check found. Without a severity it is a problem. */
export interface Found<F extends Facts> {
  readonly facts: F;
  readonly severity?: Severity;
  readonly advice: readonly Advice[];
}

interface CheckOptions {
  /** What it looks for, in one line; `doctor --list-checks` prints it. */
  readonly summary: string;
  /** Reported only with --verbose, or if the check is named with --check. `notes`: that holds for its notes alone. */
  readonly verbose?: boolean | 'notes';
  /** Runs only for a platform about which no check before it in the list has found a problem. */
  readonly fallback?: boolean;
}

export interface MachineCheck<F extends Facts = Facts> extends ProblemDefinition<F>, CheckOptions {
  readonly scope: 'machine';
  find(input: DoctorInput): Found<F> | undefined;
}

export interface PlatformCheck<F extends Facts = Facts> extends ProblemDefinition<F>, CheckOptions {
  readonly scope: 'platform';
  find(platform: PlatformFacts, input: DoctorInput): Found<F> | undefined;
}

export type Check = MachineCheck | PlatformCheck;

/** A check of the machine as a whole; its facts have the type F. */
export function machineCheck<F extends Facts>(check: Omit<MachineCheck<F>, 'scope'>): MachineCheck<F> {
  return { scope: 'machine', ...check };
}

/** A check of each platform; its facts have the type F. */
export function platformCheck<F extends Facts>(check: Omit<PlatformCheck<F>, 'scope'>): PlatformCheck<F> {
  return { scope: 'platform', ...check };
}

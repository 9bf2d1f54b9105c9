/** What a check finds: symptom, cause with its evidence, and what to type. */
import type { Remedy } from '../failure.js';
import type { Examination, Patient } from './examination.js';

/** problem: something that is wanted does not run, or will not. warning: it runs, with less than it could. */
export type Severity = 'problem' | 'warning' | 'note';

export interface Finding {
  readonly severity: Severity;
  /** One line. */
  readonly title: string;
  /** The message that people see, and search for. */
  readonly see?: string;
  /** One or more sentences. */
  readonly because: string;
  /** What was measured, a line each. */
  readonly evidence: readonly string[];
  readonly remedies: readonly Remedy[];
}

interface Named {
  readonly name: string;
  /** One line: what it looks for. */
  readonly text: string;
  /** Told only where it is asked for: with --verbose, or by the name of the check. */
  readonly verbose?: boolean;
}

/** A pure function of the examination to a finding or nothing: of the machine, or of each platform. */
export type Check = Named &
  (
    | { readonly about: 'machine'; find(examination: Examination): Finding | undefined }
    | { readonly about: 'platform'; find(patient: Patient, examination: Examination): Finding | undefined }
  );

/** Expected failures are values: a stable code, what it is about, the cause, and what to do. */

export type FailureCode =
  | 'unknown-platform'
  | 'unknown-entry'
  | 'no-emulator'
  | 'emulator-unusable'
  | 'own-architecture'
  | 'not-registered'
  | 'does-not-run'
  | 'binfmt-missing'
  | 'no-permission'
  | 'read-only'
  | 'would-vanish'
  | 'disabled';

export interface Failure {
  readonly code: FailureCode;
  /** The platform, entry, file or directory that it is about. */
  readonly subject: string;
  /** One line, without a full stop. */
  readonly cause: string;
  /** What to do, to be pasted where that is possible. */
  readonly hint?: string;
}

/** The machine can't, whatever is asked of it. */
const machine: ReadonlySet<FailureCode> = new Set([
  'binfmt-missing',
  'no-permission',
  'read-only',
  'would-vanish',
  'disabled',
]);

export type ExitStatus = 0 | 1 | 2 | 3;

/** 0: all is so now. 1: something is not. 3: the machine can't. (2, a wrong command line, is the parser's.) */
export function exitStatus(failures: readonly Failure[]): ExitStatus {
  if (failures.some(({ code }) => machine.has(code))) return 3;
  return failures.length > 0 ? 1 : 0;
}

/** Cause and remedy in one line. */
export function oneLine({ cause, hint }: Failure): string {
  return hint === undefined ? cause : `${cause}; ${hint}`;
}

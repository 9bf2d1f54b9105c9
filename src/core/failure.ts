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
  | 'disabled'
  | 'no-namespace';

/** What to do: a command to be pasted, and where it is right; or words alone, where there is nothing to paste. */
export interface Remedy {
  readonly when?: string;
  readonly command?: string;
}

export interface Failure {
  readonly code: FailureCode;
  /** The platform, entry, file or directory that it is about. */
  readonly subject: string;
  /** One line, without a full stop. */
  readonly cause: string;
  /** Any one of them. */
  readonly remedies?: readonly Remedy[];
}

/** The machine can't, whatever is asked of it. */
const machine: ReadonlySet<FailureCode> = new Set([
  'binfmt-missing',
  'no-permission',
  'read-only',
  'would-vanish',
  'disabled',
  'no-namespace',
]);

export type ExitStatus = 0 | 1 | 2 | 3;

/** 0: all is so now. 1: something is not. 3: the machine can't. (2, a wrong command line, is the parser's.) */
export function exitStatus(failures: readonly Failure[]): ExitStatus {
  if (failures.some(({ code }) => machine.has(code))) return 3;
  return failures.length > 0 ? 1 : 0;
}

/** What a terminal takes for more than text is replaced: causes quote what programs and files say. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}

/** Cause and remedies in one line. */
export function oneLine({ cause, remedies = [] }: Failure): string {
  const ways = remedies.map(({ when, command }) => [when, command].filter((part) => part !== undefined).join(': '));
  return printable(ways.length === 0 ? cause : `${cause}; ${ways.join('; or ')}`);
}

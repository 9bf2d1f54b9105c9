/** What a command hands to main.ts: everything that is to be printed, and the exit status. */
import { type ExitStatus, exitStatus, type Failure, oneLine } from '../core/failure.js';

export interface Report {
  /** The result, for standard output. */
  readonly stdout?: string;
  /** For standard error: progress, then what is not as it was asked for, the last cause last. */
  readonly lines: readonly string[];
  readonly exit: ExitStatus;
}

/** How it went with one item of a batch. `subject`: as scripts look for it in the line. */
export interface Item {
  readonly subject: string;
  readonly failure?: Failure;
  /** What is worth knowing about a success. */
  readonly note?: string;
}

/** One line an item, `installing: arm64 OK`; what concerns the machine as a whole is told once. */
export function reportBatch(doing: string, items: readonly Item[]): Report {
  const good = items.filter(({ failure }) => failure === undefined);
  const failures = items.flatMap(({ failure }) => failure ?? []);
  const failed = items.flatMap(({ subject, failure }) => {
    if (failure === undefined) return [];
    return exitStatus([failure]) === 3 ? `binfmt: ${oneLine(failure)}` : `${doing}: ${subject} ${oneLine(failure)}`;
  });
  return {
    lines: [
      ...good.map(({ subject, note }) => `${doing}: ${subject} OK${note === undefined ? '' : ` (${note})`}`),
      ...new Set(failed),
    ],
    exit: exitStatus(failures),
  };
}

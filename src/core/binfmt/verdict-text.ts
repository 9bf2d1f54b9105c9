/** What a probe did, in words, and as facts of a problem. */
import { shortened } from '../text.js';
import { interpreterOf, type ProbeResult, STARVED, type Verdict } from './probe.js';

/** The outcome of a probe as facts. `interpreter`: what the kernel started for it. */
export type ProbeFacts = {
  readonly result: Verdict['kind'];
  readonly level?: number;
  readonly errno?: string;
  readonly status?: number;
  readonly signal?: string;
  readonly output?: string;
  readonly interpreter?: string;
};

export function probeFacts({ verdict, probe }: { verdict: Verdict; probe?: ProbeResult }): ProbeFacts {
  return factsOf(verdict, probe);
}

export function factsOf({ kind, ...details }: Verdict, probe?: ProbeResult): ProbeFacts {
  return { result: kind, ...details, interpreter: interpreterOf(probe) };
}

const refusals: Readonly<Record<string, string>> = {
  ENOEXEC: 'exec format error (ENOEXEC): no enabled entry matches the program',
  ENOENT: 'no such file or directory (ENOENT): the emulator or its loader is missing',
  ELOOP: 'too many levels of symbolic links (ELOOP): the emulator needs an emulator itself',
  EACCES: 'permission denied (EACCES): the kernel refuses to execute the emulator',
};

export const describeShortage = (errno: string) => (errno === STARVED ? 'processor time' : errno);

/** Why a test program does not run, in one line. */
export function describeFailure({ result, errno = '', status, signal }: ProbeFacts): string {
  switch (result) {
    case 'refused':
      return refusals[errno] ?? `the kernel refused to start it (${errno})`;
    case 'exit':
      return `the emulator exited with status ${status}`;
    case 'signal':
      return `the emulator was killed by ${signal}`;
    case 'timeout':
      return 'it did not end in time';
    case 'pretended':
      return 'the emulator returns the right exit status without running the program';
    case 'untried':
      return `it could not be tried, because this machine lacks a resource at the moment (${describeShortage(errno)})`;
    case 'runs':
      return 'it runs';
  }
}

/** Why a platform does not run, in one line. Its test program may run, and not up to the variant that is wanted. */
export function describeVerdict(verdict: Verdict): string {
  return verdict.kind === 'runs' ? `runs up to v${verdict.level} only` : describeFailure(factsOf(verdict));
}

/** `measured`: the first thing that shows it. `kept`: an existing entry was kept, because of the new emulator. */
export function describeNotRunning(cause: string, measured: string | undefined, kept: boolean): string {
  const consequence = kept ? 'kept the existing entry, because the new emulator ' : '';
  return `${consequence}does not run: ${cause}${measured === undefined ? '' : ` (${measured})`}`;
}

export const describeKept = (cause: string) => `kept the existing entry: ${cause}`;

/** One line of evidence. */
export function probeLine(facts: ProbeFacts): string {
  const { result, level, errno, status, signal, output, interpreter } = facts;
  const outcomes: Readonly<Record<Verdict['kind'], string | undefined>> = {
    runs: level === undefined ? 'runs' : `runs up to v${level}`,
    refused: errno,
    untried: errno,
    exit: `exit status ${status}`,
    signal,
    timeout: 'timeout',
    pretended: 'the expected exit status, but also for a program that has no code',
  };
  const through = interpreter ? `, started through ${interpreter}` : '';
  return `probe: ${outcomes[result]}${firstLine(output)}${through}`;
}

/** The path of the emulator at its beginning may take a good part of it. */
const LONGEST_OUTPUT = 200;

function firstLine(output = ''): string {
  const [line = ''] = output.trim().split('\n');
  return line === '' ? '' : `: "${shortened(line, LONGEST_OUTPUT)}"`;
}

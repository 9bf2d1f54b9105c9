/**
 * What the run of a probe says about the machine. Only an exit status that the row of the
 * architecture names counts as running.
 */
import { type Architecture, PROBE_SUCCESS } from './architectures.js';

/** How a program ended, as the launcher reports it. */
export interface Outcome {
  readonly kind: 'exit' | 'signal' | 'timeout' | 'chroot' | 'exec';
  /** Exit status, signal number, 0, or errno, by `kind`. */
  readonly number: number;
  /** From fork to end. */
  readonly microseconds: number;
  /** What ran the program: /proc/PID/exe after execve; empty where it could not be seen. */
  readonly exe: string;
  /** The first bytes of standard output and error. */
  readonly output: string;
}

export type Verdict =
  /** `level`: the highest variant, for architectures that have some. */
  | { readonly kind: 'runs'; readonly level?: number }
  | { readonly kind: 'refused'; readonly errno: string }
  | { readonly kind: 'exit'; readonly status: number; readonly output: string }
  | { readonly kind: 'signal'; readonly signal: string; readonly output: string }
  | { readonly kind: 'timeout' }
  /** It could not be tried: the machine is short of something. */
  | { readonly kind: 'untried'; readonly errno: string };

export interface Probe {
  readonly verdict: Verdict;
  /** The file that ran the program, as the kernel names it; undefined where it could not be seen. */
  readonly interpreter?: string;
  /** The processor itself ran it, with no interpreter; undefined where that could not be seen. */
  readonly native?: boolean;
  readonly microseconds: number;
}

/** Names of errnos and signals by number, which differ from machine to machine. */
export interface Names {
  errno(number: number): string;
  signal(number: number): string;
}

/** They say something of the moment, and nothing of the emulator. */
export const SHORTAGES: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ENOSPC', 'ETXTBSY']);

export function verdictOf(architecture: Architecture, outcome: Outcome, names: Names): Verdict {
  const { kind, number, output } = outcome;
  switch (kind) {
    case 'exec':
    case 'chroot': {
      const errno = names.errno(number);
      return { kind: SHORTAGES.has(errno) ? 'untried' : 'refused', errno };
    }
    case 'signal':
      return { kind: 'signal', signal: names.signal(number), output };
    case 'timeout':
      return { kind: 'timeout' };
    case 'exit': {
      const level = architecture.levels?.[number];
      if (level !== undefined) return { kind: 'runs', level };
      if (architecture.levels === undefined && number === PROBE_SUCCESS) return { kind: 'runs' };
      return { kind: 'exit', status: number, output };
    }
  }
}

/** Up to a variant, if one was asked for. */
export function runsUpTo(verdict: Verdict | undefined, level = 0): boolean {
  return verdict?.kind === 'runs' && (verdict.level ?? 0) >= level;
}

const refusals: Readonly<Record<string, string>> = {
  ENOEXEC: 'exec format error (ENOEXEC): no enabled entry matches it',
  ENOENT: 'no such file or directory (ENOENT): its emulator, or the loader of its emulator, is not there',
  ELOOP: 'too many levels (ELOOP): its emulator is a program that runs through an entry itself',
  EACCES: 'permission denied (EACCES): its emulator may not be executed',
};

/** One line: why a test program does not run. */
export function describeVerdict(verdict: Exclude<Verdict, { kind: 'runs' }>): string {
  switch (verdict.kind) {
    case 'refused':
      return refusals[verdict.errno] ?? verdict.errno;
    case 'exit':
      return `its emulator exited with status ${verdict.status}${quoted(verdict.output)}`;
    case 'signal':
      return `its emulator was killed by ${verdict.signal}${quoted(verdict.output)}`;
    case 'timeout':
      return 'it did not end in time';
    case 'untried':
      return `it could not be tried, as this machine is short of something (${verdict.errno})`;
  }
}

function quoted(output: string): string {
  const [line = ''] = output.trim().split('\n');
  return line === '' ? '' : `: "${line}"`;
}

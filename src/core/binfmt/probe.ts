/**
 * What a probe says about the machine: a probe is a tiny program of one architecture, and only an exit status that the
 * table names for it counts as running.
 */
import { type Architecture, PROBE_SUCCESS } from '../platform/architectures.js';
import { categoriesOf } from './selinux-label.js';

/** How a program ended, as the launcher reports it. */
export interface Outcome {
  readonly kind: 'exit' | 'signal' | 'timeout' | 'starved' | 'chroot' | 'exec';
  /** Exit status, signal number, 0, or errno, depending on `kind`. */
  readonly number: number;
  /** From fork to end. */
  readonly microseconds: number;
  /** The first bytes of standard output and error. */
  readonly output: string;
}

export type Verdict =
  /** `level`: the highest variant that runs, for architectures with variants. */
  | { readonly kind: 'runs'; readonly level?: number }
  | { readonly kind: 'refused'; readonly errno: string }
  | { readonly kind: 'exit'; readonly status: number; readonly output: string }
  | { readonly kind: 'signal'; readonly signal: string; readonly output: string }
  | { readonly kind: 'timeout' }
  /** The exit status was the right one, and is so for a program without any code too. */
  | { readonly kind: 'pretended' }
  /** It could not be tried, because the machine lacks a resource at the moment. */
  | { readonly kind: 'untried'; readonly errno: string };

/** Who ran a program: the processor itself, an interpreter that an entry names, or it could not be seen. */
export type RanBy = 'processor' | 'unknown' | { readonly interpreter: string };

export interface ProbeResult {
  readonly verdict: Verdict;
  readonly ranBy: RanBy;
  readonly microseconds: number;
  /** The label of the interpreter, if SELinux keeps containers apart by labels. */
  readonly label?: string;
}

/** The path of the interpreter that was seen; undefined if there was none, or none was seen. */
export function interpreterOf(result: ProbeResult | undefined): string | undefined {
  return typeof result?.ranBy === 'object' ? result.ranBy.interpreter : undefined;
}

/** Names of errno values and signals by number, which differ between architectures. */
export interface OsNames {
  errno(number: number): string;
  signal(number: number): string;
}

/** The machine lacks a resource at the moment: that says nothing about the emulator. */
export const SHORTAGES: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ENOSPC', 'ETXTBSY']);

/** What a C library says for EAGAIN: an emulator could not start a thread, for example, and ended because of that. */
const TRY_AGAIN = /Resource temporarily unavailable/;

/** It got no time of a processor, for which no system call fails. The kernel uses this errno for timers. */
export const STARVED = 'ETIME';

export function verdictOf(architecture: Architecture, outcome: Outcome, osNames: OsNames): Verdict {
  const { kind, number, output } = outcome;
  switch (kind) {
    case 'exec':
    case 'chroot': {
      const errno = osNames.errno(number);
      return { kind: SHORTAGES.has(errno) ? 'untried' : 'refused', errno };
    }
    case 'signal':
      return shortageIn(output) ?? { kind: 'signal', signal: osNames.signal(number), output };
    case 'timeout':
      return { kind: 'timeout' };
    case 'starved':
      return { kind: 'untried', errno: STARVED };
    case 'exit':
      return runsWith(architecture, number) ?? shortageIn(output) ?? { kind: 'exit', status: number, output };
  }
}

function shortageIn(output: string): Verdict | undefined {
  return TRY_AGAIN.test(output) ? { kind: 'untried', errno: 'EAGAIN' } : undefined;
}

function runsWith({ levels }: Architecture, status: number): Verdict | undefined {
  if (levels === undefined) return status === PROBE_SUCCESS ? { kind: 'runs' } : undefined;
  const level = levels[status];
  return level === undefined ? undefined : { kind: 'runs', level };
}

/** Does it run in every container, up to the variant `level` if one was asked for? */
export function runsEverywhere(probe: ProbeResult | undefined, level?: number): boolean {
  return runsUpTo(probe?.verdict, level) && categoriesOf(probe?.label) === undefined;
}

/** Does it run here, up to the variant `level` if one was asked for? */
export function runsUpTo(verdict: Verdict | undefined, level = 0): boolean {
  return verdict?.kind === 'runs' && (verdict.level ?? 0) >= level;
}

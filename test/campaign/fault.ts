/** What a campaign tries: one kind of fault, with random input, and what came of one try. */
import type fc from 'fast-check';
import type { Architecture } from '../../src/core/architectures.js';

/** One call of the program under a fault. */
export interface Attempt {
  /** For the message, if a promise is broken. */
  readonly call: string;
  /** null if a signal ended it. */
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What it was asked to install. */
  readonly wanted: readonly Architecture[];
  /** It prints a status if it ends by itself. */
  readonly prints: 'status' | 'other';
  /** What the last line of standard error says if it fails: a cause that this fault really provokes. */
  readonly cause: RegExp;
  /** SIGKILL hit all of it, so that it could not clean up: the next call has to. */
  readonly unclean?: boolean;
}

export interface Fault<Input = unknown> {
  /** In the table. */
  readonly name: string;
  readonly how: string;
  /** An older QEMU is registered before each try. */
  readonly earlier?: boolean;
  readonly tries: { readonly short: number; readonly long: number };
  readonly input: fc.Arbitrary<Input>;
  attempt(input: Input): Promise<readonly Attempt[]>;
}

export function defineFault<Input>(fault: Fault<Input>): Fault {
  return fault as unknown as Fault;
}

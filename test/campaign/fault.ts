/** What a campaign tries: one kind of fault, and what came of one try. */
import type fc from 'fast-check';
import type { Architecture } from '../../src/core/platform/architectures.js';

/** One call of the program under a fault. */
export interface Attempt {
  /** For the message, if a promise is broken. */
  readonly call: string;
  /** null if a signal ended it, or if it owes no answer. */
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What has to run if it succeeds. */
  readonly wanted: readonly Architecture[];
  /** What standard output has to be if the call ends by itself. A report of doctor is an answer, whatever the exit status. */
  readonly prints: 'status' | 'report' | 'other';
  /** What the last line of standard error says if it fails: a cause that this fault really provokes. */
  readonly cause: RegExp;
  /** SIGKILL hit all of it, so that it could not clean up: the next call has to. */
  readonly unclean?: boolean;
}

/** One of the ways in which a fault is provoked. */
export interface Condition {
  readonly name: string;
}

export interface Fault<C extends Condition = Condition, Input = unknown> {
  /** In the table. */
  readonly name: string;
  readonly how: string;
  /** `container`: it is provoked in a container of the image, on the host's own binfmt_misc. */
  readonly in?: 'container';
  /** An older QEMU is registered before each try. */
  readonly earlier?: boolean;
  readonly conditions: readonly C[];
  /** How often each condition is provoked. */
  readonly tries: { readonly short: number; readonly long: number };
  readonly input: fc.Arbitrary<Input>;
  /** Prepares the machine for the fault, before it is looked at. Returns how to undo that. */
  arrange?(input: Input, condition: C): () => void;
  attempt(input: Input, condition: C): Promise<readonly Attempt[]>;
}

/** Forgets the types that only the fault itself needs to know. */
export function defineFault<C extends Condition, Input>(fault: Fault<C, Input>): Fault {
  return fault as unknown as Fault;
}

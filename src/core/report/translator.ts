/** What a part gives that understands the calls of other tools. src/cli/translators.ts lists these parts. */
import type { Invocation } from '../invocation.js';
import type { UsageError } from './usage-text.js';

/** A call in our words. */
export interface Translation {
  readonly words: readonly string[];
  /** Lines about it. `typed`: what was translated. */
  describe(typed: readonly string[], invocation: Invocation): string[];
  /** An environment variable that the call depends on, and whose value cannot be used. */
  errorIn(variables: NodeJS.ProcessEnv): UsageError | undefined;
}

export interface Translator {
  /** Whether the other tool has this word, whatever its value is. */
  knows(word: string): boolean;
  /** Undefined if the words are not those of the other tool. */
  translate(typed: readonly string[]): Translation | { readonly error: UsageError } | undefined;
}

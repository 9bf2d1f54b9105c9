/** The parts that understand the calls of other tools. Each can be taken off: delete its folder, and its two lines here. */
import { otherTools } from '../core/other-tools/index.js';
import type { Translation, Translator } from '../core/report/translator.js';
import type { UsageError } from '../core/report/usage-text.js';

const translators: readonly Translator[] = [
  otherTools, // src/core/other-tools
];

export function translate(typed: readonly string[]): Translation | { readonly error: UsageError } | undefined {
  for (const translator of translators) {
    const translation = translator.translate(typed);
    if (translation) return translation;
  }
  return undefined;
}

export const isOtherToolWord = (word: string) => translators.some((translator) => translator.knows(word));

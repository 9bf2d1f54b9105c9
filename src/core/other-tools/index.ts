/** This part as src/cli/translators.ts lists it. */
import type { Translator } from '../report/translator.js';
import { describeRefusal, describeTranslation } from './other-tool-text.js';
import { emulatorPaths } from './other-tool-words.js';
import { isOtherToolWord, type OtherTool, type Refused, translate } from './other-tools.js';

const refusal = (tool: OtherTool, refused: Refused) => ({
  kind: 'untranslated' as const,
  text: describeRefusal(tool, refused),
});

export const otherTools: Translator = {
  knows: isOtherToolWord,
  translate(typed) {
    const translation = translate(typed);
    switch (translation?.kind) {
      case undefined:
        return undefined;
      case 'unknown-platform':
        return { error: { kind: 'platform', error: translation.error } };
      case 'refused':
        return { error: refusal(translation.tool, translation) };
      case 'translated':
        return {
          words: translation.words,
          describe: (words, invocation) => describeTranslation(translation, words, invocation),
          // Only these tools have this variable.
          errorIn: ({ QEMU_BIN_DIR = '' }) =>
            QEMU_BIN_DIR === '' || emulatorPaths.includes(QEMU_BIN_DIR)
              ? undefined
              : refusal(translation.tool, { word: `QEMU_BIN_DIR=${QEMU_BIN_DIR}`, because: 'other-emulators' }),
        };
    }
  },
};

/** `binfmt export FORMAT [PLATFORM]...`: the emulators as files for a host, which then needs no container at boot. */
import { exportFormatNames } from '../core/persist/formats.js';
import { closest } from '../core/text.js';
import { defineCommand, flag, splitList, text } from './command.js';
import type { ExportArguments } from './export/write-export.js';

export const exportCommand = defineCommand({
  name: 'export',
  synopsis: 'FORMAT [OPTION]... [PLATFORM]...',
  summary: `Write a tar archive of the files that a host needs to have the emulators at every boot.
FORMAT: ${exportFormatNames.join(', ')}.`,
  example: 'binfmt export systemd arm64 | sudo tar -x -C /',
  words: 'any',
  options: {
    root: text('DIR', 'write the files into DIR instead of an archive', 'a directory'),
    force: flag('with --root: also overwrite files that were changed, or that binfmt did not write'),
  },
  parse(values, given, report): ExportArguments {
    const [word, ...words] = splitList(given.words);
    const format = exportFormatNames.find((name) => name === word);
    if (format === undefined) {
      const suggestion = word === undefined ? undefined : closest(word, exportFormatNames);
      report({ kind: 'format', word, formats: exportFormatNames, suggestion });
    }
    if (values.force && values.root === undefined) {
      report({ kind: 'needs-option', option: 'force', other: 'root DIR' });
    }
    return {
      format: format ?? 'none',
      words: words.length > 0 ? words : ['all'],
      root: values.root,
      force: values.force,
    };
  },
  run: async (args, context) => (await import('./export/write-export.js')).exportEmulators(args, context),
});

/** `binfmt run COMMAND`: runs a command with emulators registered in a private namespace. */
import { type ParsedPlatform, parsePlatform } from '../core/platform/platform.js';
import { exitStatusesOfRun, type UsageError } from '../core/report/usage-text.js';
import { defineCommand, splitList, text } from './command.js';
import type { RunArguments } from './run/private-emulators.js';

export const runCommand = defineCommand({
  name: 'run',
  synopsis: '[OPTION]... [PLATFORM,...] [--] COMMAND...',
  summary: 'Run COMMAND with emulators registered in a private namespace. Needs no root; changes\nnothing on the host.',
  example: 'binfmt run arm64 -- ./program',
  exitStatuses: exitStatusesOfRun,
  words: 'command',
  options: {
    root: text('DIR', 'run COMMAND as root inside DIR (such as an unpacked image)', 'a directory'),
  },
  parse(values, given, report): RunArguments {
    return { root: values.root, ...splitCommand(given.words, report) };
  },
  run: async (args, context) => (await import('./run/private-emulators.js')).runIn(args, context),
});

/** The first word is a list of platforms only if every item is a known platform, and another word follows. */
function splitCommand(words: readonly string[], report: (error: UsageError) => void) {
  const [first = '', ...rest] = words;
  const platforms = splitList([first]);
  const unknown = platforms
    .filter((word) => word !== 'all')
    .map((word) => parsePlatform(word))
    .find((each): each is Extract<ParsedPlatform, { kind: 'unknown' }> => each.kind === 'unknown');
  const isList = rest.length > 0 && first !== '--' && (unknown === undefined || rest[0] === '--');
  if (isList && unknown) report({ kind: 'platform', error: unknown.error });
  const remaining = isList ? rest : words;
  const command = remaining[0] === '--' ? remaining.slice(1) : remaining;
  if (command.length === 0) report({ kind: 'missing-command' });
  return { platforms: isList ? platforms : [], command };
}

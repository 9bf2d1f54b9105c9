import { parseCommandLine } from '../../src/cli/parse.js';
import { describeUsageError } from '../../src/core/report/usage-text.js';

/** The command's name, and what it makes of the line. */
export function parsed(argv: readonly string[]): { command: string; args: Record<string, unknown> } {
  const line = parseCommandLine(argv);
  if (line.kind !== 'run') throw new Error(JSON.stringify(line));
  return { command: line.command.name, args: line.args as Record<string, unknown> };
}

export function errorOf(argv: readonly string[]): string {
  const line = parseCommandLine(argv);
  if (line.kind !== 'usage-error') throw new Error(`no error in ${argv.join(' ')}`);
  return describeUsageError(line.error);
}

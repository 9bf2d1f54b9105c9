/** The usage text, made from the commands. */
import type { Command } from '../commands/command.js';
import { ABOUT, EXIT_STATUS, HELP } from '../core/messages/usage-text.js';

/** Of one command, or of all. */
export function usage(of: readonly Command[]): string {
  const synopses = of.map(({ name, synopsis }) => `binfmt ${name ? `${name} ` : ''}${synopsis}`);
  return `Usage: ${synopses.join('\n       ')}

${ABOUT}
${of.map(section).join('')}
${EXIT_STATUS}
`;
}

function section({ name, summary, options, example }: Command): string {
  const rows = [
    ...Object.entries(options).map(([option, { value, optional, text }]) => {
      if (value === undefined) return [option, text];
      return [optional ? `${option}[=${value}]` : `${option} ${value}`, text];
    }),
    ['help', HELP],
  ];
  const lines = rows.map(([option, text]) => `  ${`--${option}`.padEnd(21)} ${text}`);
  return `\n${name ? `binfmt ${name}: ` : ''}${summary}\n\n${lines.join('\n')}\n\n  Example: ${example}\n`;
}

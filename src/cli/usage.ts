/** The usage text, made from the commands. */
import type { Command } from '../commands/command.js';
import { ABOUT, exitStatuses, HELP } from '../core/report/usage-text.js';

/** Of one command, or of all. */
export function usage(of: readonly Command[]): string {
  const [only] = of;
  const statuses = (of.length === 1 && only?.exitStatuses) || exitStatuses;
  const width = Math.max(...statuses.map(([status]) => String(status).length));
  const synopses = of.map(({ name, synopsis }) => `binfmt ${name ? `${name} ` : ''}${synopsis}`);
  return `Usage: ${synopses.join('\n       ')}

${ABOUT}
${of.map(section).join('')}
Exit status:
${statuses.map(([status, meaning]) => `  ${String(status).padEnd(width)}  ${meaning}`).join('\n')}
`;
}

/** Each option with its value, as `--install LIST`, and what it does. */
export function optionRows({ options }: Command): [string, string][] {
  const rows = Object.entries(options).map(([option, { value, optional, text }]): [string, string] => {
    if (value === undefined) return [`--${option}`, text];
    return [optional ? `--${option}[=${value}]` : `--${option} ${value}`, text];
  });
  return [...rows, ['--help', HELP]];
}

function section(command: Command): string {
  const { name, summary, example } = command;
  const lines = optionRows(command).map(([option, text]) => `  ${option.padEnd(21)} ${text}`);
  return `\n${name ? `binfmt ${name}: ` : ''}${summary}\n\n${lines.join('\n')}\n\n  Example: ${example}\n`;
}

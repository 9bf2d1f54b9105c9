/**
 * Writes the tables of the documentation that the program knows: `npm run docs`. A table stands between a comment that
 * names it and `<!-- end -->`. A test fails if a table is not up to date.
 */
import fs from 'node:fs';
import path from 'node:path';
import { optionRows } from '../src/cli/usage.js';
import { commands } from '../src/commands/index.js';
import { architectures } from '../src/core/architectures.js';
import { checks, definitionOf, problemIds } from '../src/core/messages/index.js';
import { exitStatuses } from '../src/core/messages/usage-text.js';

const folder = import.meta.dirname;

const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
const isCheck = (id: string) => checks.some((check) => check.id === id);

const table = (header: readonly string[], rows: readonly (readonly string[])[]) =>
  [header, header.map(() => '---'), ...rows].map((cells) => row(...cells)).join('');

function options(name: string): string {
  const command = commands.find((each) => each.name === name);
  const rows = command === undefined ? [] : optionRows(command);
  return table(
    ['option', 'what it does'],
    rows.map(([option, text]) => [`\`${option}\``, text]),
  );
}

const tables: Readonly<Record<string, () => string>> = {
  options: () => options(''),
  commands: () =>
    table(
      ['command', 'what it does'],
      commands
        .filter(({ name }) => name !== '')
        .map(({ name, synopsis, summary }) => [`\`${name} ${synopsis}\``, summary.replaceAll('\n', ' ')]),
    ),
  doctor: () => options('doctor'),
  run: () => options('run'),
  export: () => options('export'),
  healthcheck: () => options('healthcheck'),
  architectures: () =>
    table(
      ['architecture', 'other names', "QEMU's name", 'in the image `binfmt`'],
      architectures.map(({ name, aliases, target, inImage }) => [name, aliases.join(', '), target, inImage ? 'yes' : '']),
    ),
  statuses: () =>
    table(
      ['exit status', 'meaning'],
      exitStatuses.map(([status, meaning]) => [String(status), meaning]),
    ),
  checks: () =>
    table(
      ['check', 'what it looks for'],
      checks.map(({ id, summary }) => [id, summary]),
    ),
  problems: () =>
    table(
      ['id', 'what it is', 'exit status'],
      problemIds
        .filter((id) => !isCheck(id))
        .map((id) => definitionOf({ id }))
        .map(({ id, summary, exitStatus = 1 }) => [id, summary, String(exitStatus)]),
    ),
};

/** The page with its tables up to date. Throws for a table that does not exist. */
export function withTables(page: string): string {
  return page.replace(/(<!-- made by npm run docs: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, begin, name, end) => {
    const make = tables[name];
    if (make === undefined) throw new Error(`there is no table "${name}"`);
    return `${begin}\n${make()}\n${end}`;
  });
}

if (process.argv[1] === import.meta.filename) {
  for (const name of fs.readdirSync(folder).filter((each) => each.endsWith('.md'))) {
    const file = path.join(folder, name);
    fs.writeFileSync(file, withTables(fs.readFileSync(file, 'utf8')));
  }
}

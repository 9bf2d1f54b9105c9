/**
 * Writes the tables of the documentation that the program knows: `npm run docs`. A table stands between a comment that
 * names it and `<!-- end -->`. A test fails if a table is not up to date.
 */
import fs from 'node:fs';
import path from 'node:path';
import { checks, definitionOf, problemIds } from '../src/core/messages/index.js';

const folder = import.meta.dirname;

const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
const isCheck = (id: string) => checks.some((check) => check.id === id);

const tables: Readonly<Record<string, () => string>> = {
  checks: () =>
    row('check', 'what it looks for') + row('---', '---') + checks.map((check) => row(check.id, check.summary)).join(''),
  problems: () =>
    row('id', 'what it is', 'exit status') +
    row('---', '---', '---') +
    problemIds
      .filter((id) => !isCheck(id))
      .map((id) => definitionOf({ id }))
      .map(({ id, summary, exitStatus = 1 }) => row(id, summary, String(exitStatus)))
      .join(''),
};

/** The page with its tables up to date. Throws for a table that does not exist. */
export function withTables(page: string): string {
  return page.replace(/(<!-- made by npm run docs: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, begin, name, end) => {
    const table = tables[name];
    if (table === undefined) throw new Error(`there is no table "${name}"`);
    return `${begin}\n${table()}\n${end}`;
  });
}

if (process.argv[1] === import.meta.filename) {
  for (const name of fs.readdirSync(folder).filter((each) => each.endsWith('.md'))) {
    const file = path.join(folder, name);
    fs.writeFileSync(file, withTables(fs.readFileSync(file, 'utf8')));
  }
}

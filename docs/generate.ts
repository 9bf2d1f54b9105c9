/**
 * Writes the tables of the documentation that the program knows: `npm run docs`. A table stands between a comment that
 * names it and `<!-- end -->`. A test fails if a table is not up to date.
 */
import fs from 'node:fs';
import path from 'node:path';
import { optionRows } from '../src/cli/usage.js';
import { commands } from '../src/commands/index.js';
import { addressOf, knownGroups } from '../src/core/doctor/known/index.js';
import { speakers } from '../src/core/doctor/known/lines.js';
import type { KnownProblem, Where } from '../src/core/doctor/known-problem.js';
import type { Invocation } from '../src/core/invocation.js';
import { architectures } from '../src/core/platform/architectures.js';
import { adviceFor } from '../src/core/report/render.js';
import { type ExitStatusRow, exitStatuses, exitStatusesOfRun } from '../src/core/report/usage-text.js';
import { listed } from '../src/core/text.js';

const folder = import.meta.dirname;

const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;

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

const image: Invocation = { kind: 'image', name: 'binfmt', environment: [], args: [] };

const capitalized = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
const sentence = (text: string) => (text.endsWith('…') ? text : `${text}.`);

/** A heading for each message of the table of known problems, so that searching for one leads there. */
function section(problem: KnownProblem): string {
  const { id, messages, hangs, cause, where, fixedHere, warning, advice, sources } = problem;
  const [heading = '', ...others] = messages;
  const steps = adviceFor(advice, image).map(({ label = '', command }) => {
    const words = capitalized(label);
    return command === undefined ? sentence(words) : `${words ? `${words}: ` : ''}\`${command}\``;
  });
  const newer = fixedHere
    ? ['The emulators of binfmt are not affected: `docker run --privileged --rm binfmt --install all`']
    : [];
  const helps = [...newer, ...steps].map((step) => `- ${step}`).join('\n');
  const about = [
    sentence(capitalized(cause)),
    ...(where ? [`Affected: ${describeWhere(where)}.${warning ? ' Doctor warns of it.' : ''}`] : []),
  ];
  const parts = [
    `### <a id="${id}"></a>\`${heading}\`${hangs ? ', and then nothing more' : ''}`,
    ...(others.length > 0 ? [`Also: ${others.map((each) => `\`${each}\``).join(', ')}`] : []),
    about.join(' '),
    helps,
    ...(sources.length > 0 ? [`Reports: ${sources.map(link).join(', ')}`] : []),
  ];
  return `${parts.join('\n\n')}\n`;
}

const groups = Object.entries(knownGroups);

function describeWhere({
  architectures,
  bits,
  host,
  notNative,
  from,
  before,
  otherLibc,
  fixedAddress,
  belowLevel,
  largePages,
}: Where): string {
  const conditions = [
    architectures && `${listed(architectures, 'and')} programs`,
    bits && '32-bit programs',
    host && `on ${host} machines`,
    notNative && 'whose processor does not run them',
    before && `${architectures ? 'with ' : ''}QEMU ${from ? `${from} and later, ` : ''}before ${before}`,
    otherLibc && 'if the emulator is not linked with glibc',
    fixedAddress && 'emulators that are not position-independent, if vm.mmap_rnd_bits is above 28',
    belowLevel && `if the emulated processor is below v${belowLevel}`,
    largePages && 'machines with pages of memory larger than 4 KiB',
  ];
  return conditions.filter((each) => typeof each === 'string').join(' ');
}

/** `docker/buildx#395` for a thread of GitHub. */
const link = (source: string) => (source.includes('#') ? `[${source}](${addressOf(source)})` : `<${source}>`);

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
      architectures.map(({ name, aliases, target, inImage }) => [
        name,
        otherNames(name, aliases),
        target,
        inImage ? 'yes' : '',
      ]),
    ),
  statuses: () => tableOfStatuses(exitStatuses),
  runs: () => tableOfStatuses(exitStatusesOfRun),
  speakers: () =>
    table(
      ['the line begins with', 'the emulator that wrote it'],
      speakers.map(({ prefix, who }) => [`\`${prefix}\``, who]),
    ),
  messages: () => groups.map(([title, rows]) => [`## ${title}\n`, ...rows.map(section)].join('\n')).join('\n'),
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

/** Of a row of the table. A name that stands for a variant says so. */
function otherNames(name: string, aliases: readonly string[]): string {
  const named = aliases.map((alias) => {
    const [word = '', variant] = alias.split('/');
    return variant === undefined ? word : `${word} (${name}/${variant})`;
  });
  return named.join(', ');
}

function tableOfStatuses(rows: readonly ExitStatusRow[]): string {
  return table(
    ['exit status', 'meaning'],
    rows.map(([status, meaning]) => [String(status), meaning]),
  );
}

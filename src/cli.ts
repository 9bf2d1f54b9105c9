/** argv → Command. */
import { type Address, parseAddress } from './core/address.js';
import { checks } from './core/doctor/diagnose.js';
import type { LogFormat } from './core/events.js';
import { exportFormats } from './core/export.js';
import type { InstallOptions } from './core/plan.js';
import { parsePlatform } from './core/platform.js';
import { type CommandSyntax, commands, type Read, readOptions, watchOptions } from './options.js';

/** How binfmt_misc is found. */
export interface Place {
  /** Where binfmt_misc is, or is to be mounted; undefined: wherever it is found. */
  readonly mount?: string | undefined;
  /** Mount it in a user namespace too. */
  readonly allowUserNamespace: boolean;
}

export interface Manage extends Place {
  readonly kind: 'manage';
  /** Words of the list, undefined when the option was not given. */
  readonly uninstall?: readonly string[] | undefined;
  readonly install?: readonly string[] | undefined;
  readonly options: InstallOptions;
  /** Stay, and keep working what was installed. */
  readonly watch?: Watch | undefined;
}

export interface Watch {
  /** Milliseconds between two checks of everything. */
  readonly interval: number;
  /** The longest wait between two tries, milliseconds. */
  readonly backoff: number;
  readonly logFormat: LogFormat;
  readonly listen?: Address;
  readonly uninstallOnExit: boolean;
}

export interface Doctor extends Place {
  readonly kind: 'doctor';
  /** Platforms; none: every one that has an entry. */
  readonly words: readonly string[];
  readonly json: boolean;
  readonly verbose: boolean;
  readonly repeat: number;
  /** Names of checks; undefined: all. */
  readonly checks?: readonly string[] | undefined;
  readonly listChecks: boolean;
}

export interface Run {
  readonly kind: 'run';
  readonly platforms: readonly string[];
  readonly command: readonly string[];
  readonly root?: string | undefined;
}

export interface Export {
  readonly kind: 'export';
  readonly format: string;
  readonly words: readonly string[];
  /** Undefined: a tar archive on standard output. */
  readonly root?: string | undefined;
  readonly force: boolean;
}

export type Command =
  | Manage
  | Doctor
  | Run
  | Export
  | { readonly kind: 'healthcheck'; readonly address?: Address; readonly strict: boolean }
  | { readonly kind: 'help'; readonly of: readonly CommandSyntax[] }
  | { readonly kind: 'version' }
  | { readonly kind: 'usage-error'; readonly of: CommandSyntax; readonly cause: string };

/** Never throws: what is wrong comes back as a `usage-error` that quotes it. */
export function parseCommand(argv: readonly string[], environment: NodeJS.ProcessEnv): Command {
  const named = commands.find(({ name }) => name !== '' && name === argv[0]);
  const syntax = named ?? (commands[0] as CommandSyntax);
  const read = readOptions(named ? argv.slice(1) : argv, syntax);
  const command = parsers[syntax.name]?.(read, environment);
  read.errors.push(...errorsOf(environment));
  const [cause] = read.errors;
  if (cause !== undefined) return { kind: 'usage-error', of: syntax, cause };
  if (read.isSet('help')) return { kind: 'help', of: named ? [named] : commands };
  return read.isSet('version') || !command ? { kind: 'version' } : command;
}

/** Values of an environment variable that mean "off". */
const OFF = new Set(['0', 'false', 'no', 'off']);

const parsers: Readonly<Record<string, (read: Read, environment: NodeJS.ProcessEnv) => Command>> = {
  '': (read, environment) => {
    const watch = readWatch(read);
    const preserve = !OFF.has((environment['QEMU_PRESERVE_ARGV0'] ?? '').toLowerCase());
    return {
      kind: 'manage',
      install: someOf('install', read),
      uninstall: someOf('uninstall', read),
      ...readPlace(read),
      watch: read.isSet('watch') ? watch : undefined,
      options: {
        credentials: read.isSet('credentials'),
        preserveArgv0: preserve && read.isSet('preserve-argv0'),
        force: read.isSet('force'),
        keep: read.isSet('keep'),
      },
    };
  },
  doctor: (read) => ({
    kind: 'doctor',
    words: listOf(read.words),
    ...readPlace(read),
    json: read.isSet('json'),
    verbose: read.isSet('verbose'),
    repeat: numberOf('repeat', { fallback: 1, least: 1, most: 10_000, unit: 'a whole number', whole: true }, read),
    checks: readChecks(read),
    listChecks: read.isSet('list-checks'),
  }),
  run: (read) => ({ kind: 'run', root: readRoot(read), ...readCommand(read) }),
  export: (read) => {
    const [format = '', ...words] = listOf(read.words);
    if (!Object.hasOwn(exportFormats, format) && !read.isSet('help')) {
      read.errors.push(`export takes a format, ${Object.keys(exportFormats).join(', ')}, not "${format}"`);
    }
    const root = readRoot(read);
    if (read.isSet('force') && root === undefined) read.errors.push('--force goes with --root DIR');
    return { kind: 'export', format, words: words.length > 0 ? words : ['all'], root, force: read.isSet('force') };
  },
  healthcheck: (read) => ({ kind: 'healthcheck', address: readAddress(read), strict: read.isSet('strict') }),
};

function errorsOf(environment: NodeJS.ProcessEnv): string[] {
  const { QEMU_BINARY_PATH: folder = '', QEMU_BINARY_PREFIX: prefix = '' } = environment;
  return [
    ...(/[\t\n]/.test(folder) ? [`QEMU_BINARY_PATH=${JSON.stringify(folder)} has a tab or a line break`] : []),
    ...(prefix.includes('/') ? [`QEMU_BINARY_PREFIX="${prefix}" has a slash; it is the beginning of a file name`] : []),
  ];
}

/** Words with commas, or with spaces. */
function listOf(words: readonly string[]): string[] {
  return words.flatMap((word) => word.split(',')).filter((word) => word !== '');
}

function readRoot({ last, errors }: Read): string | undefined {
  const root = last('root');
  if (root === '') errors.push('--root takes a directory');
  return root;
}

function readChecks({ list, errors }: Read): string[] | undefined {
  const names = list('check');
  const unknown = names?.find((name) => !checks.some((check) => check.name === name));
  if (names?.length === 0) errors.push('--check takes a name of --list-checks');
  if (unknown !== undefined) errors.push(`--check takes a name of --list-checks, not "${unknown}"`);
  return names;
}

/** The first word is a list of platforms only if every part of it is one, and another word follows. */
function readCommand({ words, errors, isSet }: Read): Pick<Run, 'platforms' | 'command'> {
  const [first = '', ...rest] = words;
  const platforms = first.split(',').filter((word) => word !== '');
  const unknown = platforms
    .filter((word) => word !== 'all')
    .map(parsePlatform)
    .find((parsed) => parsed.kind === 'unknown');
  const isList = rest.length > 0 && first !== '--' && (unknown === undefined || rest[0] === '--');
  if (isList && unknown?.kind === 'unknown') errors.push(unknown.cause);
  const command = isList ? rest : words;
  const chosen = command[0] === '--' ? command.slice(1) : command;
  if (chosen.length === 0 && !isSet('help')) errors.push('run takes a command, such as: run arm64 -- ./program');
  return { platforms: isList ? platforms : [], command: chosen };
}

/** A list with at least one word; undefined when it was not given. */
function someOf(name: string, { list, errors }: Read): string[] | undefined {
  const words = list(name);
  if (words?.length === 0) errors.push(`--${name} takes a list, such as --${name} arm64,riscv64`);
  return words;
}

function readPlace({ last, isSet, errors }: Read): Place {
  const mount = last('mount');
  if (mount === '') errors.push('--mount takes a directory');
  return { mount, allowUserNamespace: isSet('allow-userns') };
}

function readAddress({ last, errors }: Read): Address | undefined {
  const text = last('listen');
  const listen = text === undefined ? undefined : parseAddress(text);
  if (text !== undefined && listen === undefined) errors.push(`--listen takes [HOST:]PORT or unix:PATH, not "${text}"`);
  return listen;
}

interface Limits {
  readonly fallback: number;
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  readonly whole?: boolean;
}

function numberOf(name: string, { fallback, least, most, unit, whole = false }: Limits, { last, errors }: Read) {
  const text = last(name);
  const number = text === undefined ? fallback : Number(text || 'none');
  if (number >= least && number <= most && (!whole || Number.isInteger(number))) return number;
  errors.push(`--${name} takes ${unit}, from ${least} to ${most}, not "${text}"`);
  return fallback;
}

/** What --watch takes, checked also where it is not given. */
function readWatch(read: Read): Watch {
  const { last, errors, isSet } = read;
  const milliseconds = (name: string, fallback: number, least: number) =>
    1000 * numberOf(name, { fallback, least, most: 86_400, unit: 'seconds' }, read);
  const choice = <T extends string>(name: string, choices: readonly [T, ...T[]]): T => {
    const text = last(name) ?? choices[0];
    const chosen = choices.find((each) => each === text);
    if (chosen === undefined) errors.push(`--${name} takes ${choices.join(' or ')}, not "${text}"`);
    return chosen ?? choices[0];
  };
  if (isSet('watch') && last('install') === undefined) errors.push('--watch goes with --install LIST');
  for (const { name } of watchOptions) {
    if (!isSet('watch') && last(name) !== undefined) errors.push(`--${name} goes with --watch`);
  }
  return {
    interval: milliseconds('interval', 60, 0.1),
    backoff: milliseconds('backoff', 300, 0),
    logFormat: choice('log-format', ['text', 'json']),
    uninstallOnExit: choice('on-exit', ['keep', 'uninstall']) === 'uninstall',
    listen: readAddress(read),
  };
}

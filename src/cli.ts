/** argv → Command, and the usage text, both from one table of options. */
import minimist from 'minimist';
import { type Address, parseAddress } from './core/address.js';
import type { LogFormat } from './core/events.js';
import type { InstallOptions } from './core/plan.js';

export interface Manage {
  readonly kind: 'manage';
  /** Words of the list, undefined when the option was not given. */
  readonly uninstall?: readonly string[];
  readonly install?: readonly string[];
  readonly options: InstallOptions;
  /** Where binfmt_misc is, or is to be mounted; undefined: wherever it is found. */
  readonly mount?: string;
  /** Mount it in a user namespace too. */
  readonly allowUserNamespace: boolean;
  /** Stay, and keep working what was installed. */
  readonly watch?: Watch;
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

export type Command =
  | Manage
  | { readonly kind: 'healthcheck'; readonly address?: Address; readonly strict: boolean }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'usage-error'; readonly cause: string };

interface Option {
  /** Without dashes; what begins with `no-` switches off something that is on by default. */
  readonly name: string;
  readonly value?: string;
  readonly text: string;
}

const table: readonly Option[] = [
  { name: 'install', value: 'LIST', text: 'register emulators: all, or names such as arm64,riscv64,linux/arm/v7' },
  { name: 'uninstall', value: 'LIST', text: "remove entries: all, names, globs such as 'qemu-*', architectures" },
  { name: 'force', text: 'register in front of a working handler of another name' },
  { name: 'keep', text: 'leave a working entry as it is, also an older one, or one with other flags' },
  { name: 'no-credentials', text: 'without flag C: setuid programs run without their rights' },
  { name: 'no-preserve-argv0', text: 'without flag P: programs see their path as argv[0]' },
  { name: 'mount', value: 'DIR', text: 'where binfmt_misc is mounted (default: /proc/sys/fs/binfmt_misc)' },
  { name: 'allow-userns', text: 'mount binfmt_misc in a user namespace too, for that namespace alone' },
  { name: 'watch', text: 'with --install: stay, and keep what was installed working' },
  { name: 'interval', value: 'SECONDS', text: 'with --watch: between two checks of everything (default: 60)' },
  { name: 'backoff', value: 'SECONDS', text: 'with --watch: the longest wait between two tries (default: 300)' },
  { name: 'log-format', value: 'FORMAT', text: 'with --watch: text or json (default: text)' },
  { name: 'listen', value: 'ADDRESS', text: 'with --watch, healthcheck: [HOST:]PORT or unix:PATH' },
  { name: 'on-exit', value: 'ACTION', text: 'with --watch: keep or uninstall what was registered (default: keep)' },
  { name: 'strict', text: 'with healthcheck: fail also where nothing watches' },
  { name: 'version', text: 'print the versions of this program, QEMU and Node.js' },
  { name: 'help', text: 'print this text' },
];

export function usage(): string {
  const options = table.map(({ name, value, text }) => `  ${`--${name} ${value ?? ''}`.padEnd(22)}${text}`);
  return `Usage: binfmt [OPTION]...
       binfmt healthcheck [--strict] [--listen ADDRESS]

Makes the kernel run programs of other architectures, through QEMU and binfmt_misc.
Without --install and --uninstall: prints, as JSON, what this machine can run.

${options.join('\n')}

Exit status: 0 all that was asked for is so now; 1 something is not; 2 the command
line is wrong; 3 this machine can't (no binfmt_misc, no permission, read-only).
`;
}

/** Values of an environment variable that mean "off". */
const OFF = new Set(['0', 'false', 'no', 'off']);

/** Never throws: what is wrong comes back as a `usage-error` that quotes it. */
export function parseCommand(argv: readonly string[], environment: NodeJS.ProcessEnv): Command {
  const { values, errors } = readOptions(argv);
  const install = wordsOf('install', values, errors);
  const uninstall = wordsOf('uninstall', values, errors);
  const [command, ...others] = values._;
  const stray = command === 'healthcheck' ? others[0] : command;
  const list = install ? 'install' : 'uninstall';
  const meant =
    (install ?? uninstall)
      ? `; a list has commas: --${list} ${[...(install ?? uninstall ?? []), stray].join(',')}`
      : '';
  if (stray !== undefined) errors.push(`unexpected "${stray}"${meant}`);
  const mount = lastOf('mount', values);
  if (mount === '') errors.push('--mount takes a directory');
  const watch = readWatch(values, errors);
  const folder = environment['QEMU_BINARY_PATH'] ?? '';
  if (/[\t\n]/.test(folder)) errors.push(`QEMU_BINARY_PATH=${JSON.stringify(folder)} has a tab or a line break`);
  const prefix = environment['QEMU_BINARY_PREFIX'] ?? '';
  if (prefix.includes('/'))
    errors.push(`QEMU_BINARY_PREFIX="${prefix}" has a slash; it is the beginning of a file name`);

  if (errors[0] !== undefined) return { kind: 'usage-error', cause: errors[0] };
  if (values['help']) return { kind: 'help' };
  if (values['version']) return { kind: 'version' };
  if (command === 'healthcheck')
    return { kind: 'healthcheck', address: watch.listen, strict: values['strict'] === true };
  const preserve = !OFF.has((environment['QEMU_PRESERVE_ARGV0'] ?? '').toLowerCase());
  return {
    kind: 'manage',
    ...{ install, uninstall, mount },
    allowUserNamespace: values['allow-userns'] === true,
    watch: values['watch'] === true ? watch : undefined,
    options: {
      credentials: values['credentials'] === true,
      preserveArgv0: preserve && values['preserve-argv0'] === true,
      force: values['force'] === true,
      keep: values['keep'] === true,
    },
  };
}

/** What --watch takes, checked also where it is not given. */
function readWatch(values: minimist.ParsedArgs, errors: string[]): Watch {
  const milliseconds = (name: string, fallback: number, least: number) => {
    const text = lastOf(name, values);
    const seconds = text === undefined ? fallback : Number(text || 'none');
    if (seconds >= least && seconds <= 86_400) return seconds * 1000;
    errors.push(`--${name} takes seconds, from ${least} to 86400, not "${text}"`);
    return fallback;
  };
  const choice = <T extends string>(name: string, choices: readonly [T, ...T[]]): T => {
    const text = lastOf(name, values) ?? choices[0];
    const chosen = choices.find((each) => each === text);
    if (chosen === undefined) errors.push(`--${name} takes ${choices.join(' or ')}, not "${text}"`);
    return chosen ?? choices[0];
  };
  const text = lastOf('listen', values);
  const listen = text === undefined ? undefined : parseAddress(text);
  if (text !== undefined && listen === undefined) errors.push(`--listen takes [HOST:]PORT or unix:PATH, not "${text}"`);
  if (values['watch'] === true && values['install'] === undefined) errors.push('--watch goes with --install LIST');
  return {
    interval: milliseconds('interval', 60, 0.1),
    backoff: milliseconds('backoff', 300, 0),
    logFormat: choice('log-format', ['text', 'json']),
    uninstallOnExit: choice('on-exit', ['keep', 'uninstall']) === 'uninstall',
    listen,
  };
}

/** The value of an option that was given more than once is the last one. */
function lastOf(name: string, values: minimist.ParsedArgs): string | undefined {
  return [values[name]].flat().at(-1) as string | undefined;
}

function readOptions(argv: readonly string[]): { values: minimist.ParsedArgs; errors: string[] } {
  const errors: string[] = [];
  const positive = (name: string) => name.replace(/^no-/, '');
  const negatable = table.filter(({ name }) => name !== positive(name));
  // Both `-install` and `--install` are in use.
  const words = argv.map((word) => (/^-[a-z][a-z0-9-]+(=|$)/.test(word) ? `-${word}` : word));
  for (const word of words.filter((each) => each.startsWith('--'))) {
    const [name = '', value] = word.slice(2).split(/=(.*)/s);
    const option = table.find((each) => each.name === name || positive(each.name) === name);
    if (option === undefined) errors.push(`unknown option "${word}"`);
    else if (value !== undefined && option.value === undefined) errors.push(`--${name} takes no value, not "${value}"`);
  }
  const values = minimist(errors.length > 0 ? [] : words, {
    string: table.filter(({ value }) => value !== undefined).map(({ name }) => name),
    boolean: table.filter(({ value }) => value === undefined).map(({ name }) => positive(name)),
    default: Object.fromEntries(negatable.map(({ name }) => [positive(name), true])),
    alias: { help: 'h' },
    unknown: (word) => {
      if (word.startsWith('-')) errors.push(`unknown option "${word}"`);
      return !word.startsWith('-');
    },
  });
  return { values, errors };
}

/** The words of a list option, which may be given more than once; undefined when it was not given. */
function wordsOf(name: string, values: minimist.ParsedArgs, errors: string[]): string[] | undefined {
  if (values[name] === undefined) return undefined;
  const words = [values[name]]
    .flat()
    .join(',')
    .split(/[,\s]+/)
    .filter((word) => word !== '');
  if (words.length === 0) errors.push(`--${name} takes a list, such as --${name} arm64,riscv64`);
  return words;
}

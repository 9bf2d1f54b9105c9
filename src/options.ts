/** The commands and their options: ONE table, which reads the command line and makes the usage text. */
import minimist from 'minimist';
import { exportFormats } from './core/export.js';

export interface Option {
  /** Without dashes; what begins with `no-` switches off something that is on by default. */
  readonly name: string;
  readonly value?: string;
  readonly text: string;
}

export interface CommandSyntax {
  /** The first word; empty for the command that is meant without one. */
  readonly name: string;
  readonly synopsis: string;
  readonly text: string;
  readonly options: readonly Option[];
  /** What may follow: nothing, words anywhere, or a command, whose options are its own. */
  readonly words: 'none' | 'any' | 'command';
}

const MOUNT: readonly Option[] = [
  { name: 'mount', value: 'DIR', text: 'where binfmt_misc is mounted (default: /proc/sys/fs/binfmt_misc)' },
  { name: 'allow-userns', text: 'mount binfmt_misc in a user namespace too, for that namespace alone' },
];
const LISTEN: Option = {
  name: 'listen',
  value: 'ADDRESS',
  text: 'where the watcher answers: [HOST:]PORT (default host: 127.0.0.1) or unix:PATH',
};

/** Options that mean something only beside --watch. */
export const watchOptions: readonly Option[] = [
  { name: 'interval', value: 'SECONDS', text: 'with --watch: between two checks of everything (default: 60)' },
  { name: 'backoff', value: 'SECONDS', text: 'with --watch: the longest wait between two tries (default: 300)' },
  { name: 'log-format', value: 'FORMAT', text: 'with --watch: text or json (default: text)' },
  { name: 'on-exit', value: 'ACTION', text: 'with --watch: keep or uninstall what was registered (default: keep)' },
  { ...LISTEN, text: `with --watch: ${LISTEN.text}` },
];

export const commands: readonly CommandSyntax[] = [
  {
    name: '',
    synopsis: '[OPTION]...',
    text: 'Prints, as JSON, what this machine can run, after it has removed and registered what it is told to.',
    words: 'none',
    options: [
      { name: 'install', value: 'LIST', text: 'register emulators: all, or names such as arm64,riscv64,linux/arm/v7' },
      { name: 'uninstall', value: 'LIST', text: "remove entries: all, names, globs such as 'qemu-*', architectures" },
      { name: 'force', text: 'register in front of a working handler of another name' },
      { name: 'keep', text: 'leave a working entry as it is, also an older one, or one with other flags' },
      { name: 'no-credentials', text: 'without flag C: setuid programs run without their rights' },
      { name: 'no-preserve-argv0', text: 'without flag P: programs see their path as argv[0]' },
      ...MOUNT,
      { name: 'watch', text: 'with --install: stay, and keep what was installed working' },
      ...watchOptions,
      { name: 'version', text: 'print the versions of this program, QEMU and Node.js' },
    ],
  },
  {
    name: 'doctor',
    synopsis: '[OPTION]... [PLATFORM]...',
    text: 'Says which platforms run and through what, and of those that do not why, and what to type.',
    words: 'any',
    options: [
      { name: 'json', text: 'the same as JSON' },
      { name: 'verbose', text: 'also every handler, and notes that are no trouble' },
      { name: 'repeat', value: 'N', text: 'run each test program N times, for what fails now and then' },
      { name: 'check', value: 'NAME', text: 'only this check; may be given more than once' },
      { name: 'list-checks', text: 'print the names of the checks, and what each looks for' },
      ...MOUNT,
    ],
  },
  {
    name: 'run',
    synopsis: '[OPTION]... [PLATFORM,...] [--] COMMAND...',
    text: 'Runs a command for which foreign programs run. No root, nothing changed for anybody else.',
    words: 'command',
    options: [{ name: 'root', value: 'DIR', text: 'its root directory, as of an unpacked image; it is root in there' }],
  },
  {
    name: 'export',
    synopsis: 'FORMAT [OPTION]... [PLATFORM]...',
    text: `Writes a tar archive of what a host needs to have the emulators at every boot.
FORMAT: ${Object.keys(exportFormats).join(', ')}.`,
    words: 'any',
    options: [
      { name: 'root', value: 'DIR', text: 'write into this directory instead' },
      { name: 'force', text: 'with --root: overwrite also what no export has written' },
    ],
  },
  {
    name: 'healthcheck',
    synopsis: '[OPTION]...',
    text: 'Asks the watcher in the same container whether it is ready.',
    words: 'none',
    options: [{ name: 'strict', text: 'fail also where nothing watches' }, LISTEN],
  },
];

const HELP: Option = { name: 'help', text: 'print this text' };

/** Of one command, or of all. */
export function usage(of: readonly CommandSyntax[] = commands): string {
  const synopses = of.map(({ name, synopsis }) => `binfmt ${name ? `${name} ` : ''}${synopsis}`);
  const sections = of.map(({ name, text, options }) => {
    const lines = [...options, HELP].map((each) => `  ${`--${each.name} ${each.value ?? ''}`.padEnd(22)}${each.text}`);
    return `\n${name ? `binfmt ${name}: ` : ''}${text}\n\n${lines.join('\n')}\n`;
  });
  return `Usage: ${synopses.join('\n       ')}

Makes the kernel run programs of other architectures, through QEMU and binfmt_misc.
${sections.join('')}
Exit status: 0 all that was asked for is so now; 1 something is not; 2 the command
line is wrong; 3 this machine can't (no binfmt_misc, no permission, read-only).
`;
}

/** What the command line says: options by name, words, and what is wrong. */
export interface Read {
  readonly words: readonly string[];
  readonly errors: string[];
  /** A boolean option; one that begins with `no-` is asked for without it. */
  isSet(name: string): boolean;
  /** The value of an option that was given more than once is the last one; undefined when it was not given. */
  last(name: string): string | undefined;
  /** The words of a list option, which may be given more than once; undefined when it was not given. */
  list(name: string): string[] | undefined;
}

/** Never throws: what is wrong is in `errors`, quoted. */
export function readOptions(given: readonly string[], { options, words }: CommandSyntax): Read {
  const errors: string[] = [];
  const table = [...options, HELP];
  const end = words === 'command' ? endOfOptions(given, table) : given.length;
  const argv = given.slice(0, end);
  // Both `-install` and `--install` are in use.
  const args = argv.map((word) => (/^-[a-z][a-z0-9-]+(=|$)/.test(word) ? `-${word}` : word));
  for (const word of args.filter((each) => each.startsWith('--'))) errors.push(...errorsIn(word, table));
  const values = minimist(errors.length > 0 ? [] : args, {
    string: ['_', ...table.filter(({ value }) => value !== undefined).map(({ name }) => name)],
    boolean: table.filter(({ value }) => value === undefined).map(({ name }) => positive(name)),
    default: Object.fromEntries(negatable(table).map(({ name }) => [positive(name), true])),
    alias: { help: 'h' },
    unknown: (word) => {
      if (word.startsWith('-')) errors.push(`unknown option "${word}"`);
      return !word.startsWith('-');
    },
  });
  const all = (name: string) => (values[name] === undefined ? undefined : [values[name]].flat().map(String));
  const list = (name: string) =>
    all(name)
      ?.join(',')
      .split(/[,\s]+/)
      .filter((word) => word !== '');
  const [stray] = values._;
  if (words === 'none' && stray !== undefined) {
    const meant = ['install', 'uninstall'].find((name) => list(name));
    const remedy = meant ? `; a list has commas: --${meant} ${[...(list(meant) ?? []), stray].join(',')}` : '';
    errors.push(`unexpected "${stray}"${remedy}`);
  }
  return {
    words: [...values._, ...given.slice(end)],
    errors,
    isSet: (name) => values[name] === true,
    last: (name) => all(name)?.at(-1),
    list,
  };
}

/** The index of the first word that is neither an option nor the value of one. */
function endOfOptions(argv: readonly string[], table: readonly Option[]): number {
  let i = 0;
  for (; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (!word.startsWith('-') || word === '--') break;
    const name = word.replace(/^--?/, '');
    if (table.some((option) => option.name === name && option.value !== undefined)) i++;
  }
  return i;
}

const positive = (name: string) => name.replace(/^no-/, '');

const negatable = (table: readonly Option[]) => table.filter(({ name }) => name !== positive(name));

function errorsIn(word: string, table: readonly Option[]): string[] {
  const [name = '', value] = word.slice(2).split(/=(.*)/s);
  const option = table.find((each) => each.name === name || positive(each.name) === name);
  if (option === undefined) return [`unknown option "${word}"${whereTo(name)}`];
  return value !== undefined && option.value === undefined ? [`--${name} takes no value, not "${value}"`] : [];
}

/** An option of another command. */
function whereTo(name: string): string {
  const other = commands.find(({ options }) => options.some((each) => each.name === name));
  return other ? `; it belongs to: binfmt ${other.name}`.trimEnd() : '';
}

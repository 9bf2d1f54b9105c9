/** A command line → the command and what it will do, or what is wrong with it. minimist does the splitting. */
import minimist from 'minimist';
import { type Command, type Context, type Given, type Options, splitList } from '../commands/command.js';
import { commands } from '../commands/index.js';
import { parseSelection } from '../core/install/selection.js';
import type { Report } from '../core/report/report-lines.js';
import type { Translation } from '../core/report/translator.js';
import { isDescriptor, type UsageError } from '../core/report/usage-text.js';
import { closest } from '../core/text.js';
import { isOtherToolWord, translate } from './translators.js';

export type CommandLine =
  | { readonly kind: 'help'; readonly of: readonly Command[] }
  | { readonly kind: 'usage-error'; readonly of: Command; readonly error: UsageError }
  | {
      readonly kind: 'run';
      readonly command: Command;
      readonly args: unknown;
      /** The words were those of another tool. */
      readonly translation?: Translation;
      run(context: Context): Promise<Report>;
    };

/** Never throws. Words that mean nothing to binfmt may be those of another tool. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const line = parseOwn(argv);
  // `-- --install arm64` is a slip of our own users.
  const ours = argv[0] === '--' && argv.some((word) => isOwnOption(word) && !isOtherToolWord(word));
  const translation = line.kind === 'usage-error' && !ours ? translate(argv) : undefined;
  if (!translation) return line;
  if ('error' in translation) return { kind: 'usage-error', of: commands[0], error: translation.error };
  const again = parseOwn(translation.words);
  return again.kind === 'run' ? { ...again, translation } : again;
}

function isOwnOption(word: string): boolean {
  const [, name = ''] = /^--?([a-z][\w-]+)/.exec(word) ?? [];
  return commands.some(({ options }) => optionNamed(name, options) !== undefined);
}

function parseOwn(argv: readonly string[]): CommandLine {
  const named = commands.find(({ name }) => name !== '' && name === argv[0]);
  const command = named ?? commands[0];
  const { given, errors, help } = readWords(named ? argv.slice(1) : argv, command);
  const [wrong] = errors;
  if (wrong) return { kind: 'usage-error', of: command, error: wrong };
  if (help) return { kind: 'help', of: named ? [named] : commands };
  const prepared = command.prepare(given);
  const [error] = prepared.errors;
  return error
    ? { kind: 'usage-error', of: command, error }
    : { kind: 'run', command, args: prepared.args, run: prepared.run };
}

interface Sorted {
  readonly given: Given;
  readonly errors: readonly UsageError[];
  readonly help: boolean;
}

function readWords(argv: readonly string[], { options, words: allowed }: Command): Sorted {
  const errors: UsageError[] = [];
  const end = allowed === 'command' ? endOfOptions(argv, options) : argv.length;
  // Both `-install` and `--install` are in use.
  const typed = withValues(argv.slice(0, end), options);
  const args = typed
    .map((word) => (/^-[a-z][a-z0-9-]+(=|$)/.test(word) ? `-${word}` : word))
    .map((word) => (options[word.replace(/^--/, '')]?.optional && word.startsWith('--') ? `${word}=` : word));
  args.forEach((word, i) => {
    if (word.startsWith('--')) errors.push(...checkOption(word, typed[i] ?? word, options));
  });
  const names = Object.keys(options);
  const withValue = names.filter((name) => options[name]?.value !== undefined);
  const switches = names.filter((name) => options[name]?.value === undefined);
  const values = minimist(errors.length > 0 ? [] : args, {
    string: ['_', ...withValue],
    boolean: ['help', ...switches.map(positive)],
    default: Object.fromEntries(switches.filter(isNegative).map((name) => [positive(name), true])),
    alias: { help: 'h' },
    unknown: (word) => {
      if (word.startsWith('-')) errors.push({ kind: 'unknown-option', word });
      return !word.startsWith('-');
    },
  });
  const valuesOf = (name: string) => (values[name] === undefined ? undefined : [values[name]].flat().map(String));
  const given: Given = {
    words: [...values._, ...argv.slice(end)],
    valuesOf: (name) => (withValue.includes(name) ? valuesOf(name) : undefined),
    has: (name) => values[positive(name)] === !isNegative(name),
  };
  const [stray] = values._;
  // A variable of a script that is empty must not read as "all".
  if (allowed === 'any' && values._.includes('')) errors.push({ kind: 'unexpected-argument', word: '' });
  if (allowed === 'none' && stray !== undefined) errors.push(unexpected(stray, given));
  return { given, errors, help: values['help'] === true };
}

/** A value that begins with a dash, such as a line of a log, is the value of the option before it, unless it looks like an option. */
function withValues(typed: readonly string[], options: Options): string[] {
  const words: string[] = [];
  for (let i = 0; i < typed.length; i++) {
    const [word = '', next = ''] = typed.slice(i, i + 2);
    const option = word.startsWith('-') ? optionNamed(word.replace(/^--?/, ''), options) : undefined;
    const isValue =
      option?.value !== undefined &&
      !option.optional &&
      /^-./s.test(next) &&
      (/\s/.test(next) || !/^--?[\w-]*(=|$)/.test(next));
    words.push(isValue ? `${word}=${next}` : word);
    if (isValue) i++;
  }
  return words;
}

/** The index of the first word that is neither an option nor the value of one. */
function endOfOptions(argv: readonly string[], options: Options): number {
  let i = 0;
  for (; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (!word.startsWith('-') || word === '--') break;
    const option = optionNamed(word.replace(/^--?/, ''), options);
    if (option?.value !== undefined && !option.optional) i++;
  }
  return i;
}

const isNegative = (name: string) => name.startsWith('no-');
const positive = (name: string) => name.replace(/^no-/, '');

/** `--credentials` is `--no-credentials` taken back. */
function optionNamed(name: string, options: Options) {
  if (Object.hasOwn(options, name)) return options[name];
  return Object.hasOwn(options, `no-${name}`) ? options[`no-${name}`] : undefined;
}

/** `typed`: the word before a dash was added to it. */
function checkOption(word: string, typed: string, options: Options): UsageError[] {
  const [name = '', value] = word.slice(2).split(/=(.*)/s);
  if (name === 'help' && value === undefined) return [];
  const option = optionNamed(name, options);
  if (option === undefined) {
    const other = commands.find((command) => Object.hasOwn(command.options, name));
    if (other) return [{ kind: 'unknown-option', word: typed, command: other.name }];
    const near = closest(name, [...Object.keys(options), 'help']);
    return [{ kind: 'unknown-option', word: typed, suggestion: near && `--${near}` }];
  }
  return value !== undefined && option.value === undefined ? [{ kind: 'no-value-expected', option: name, value }] : [];
}

const isEntryName = (item: string) => item.startsWith('qemu-');

/** Never one that would fail. */
function listSuggestion(option: string, items: readonly string[]): string | undefined {
  const wrong = parseSelection(items).unknown.length > 0 && !(option === 'uninstall' && items.every(isEntryName));
  return wrong || items.length === 0 || items.includes('') ? undefined : `--${option} ${items.join(',')}`;
}

/** A list without commas, an option without dashes, a command with a letter wrong. */
function unexpected(word: string, given: Given): UsageError {
  if (isDescriptor(word)) return { kind: 'descriptor', word };
  const list = ['install', 'uninstall'].find((name) => given.valuesOf(name));
  if (list) {
    const items = [...splitList(given.valuesOf(list) ?? []), ...given.words];
    return { kind: 'unexpected-argument', word, suggestion: listSuggestion(list, items) };
  }
  const [first, ...rest] = given.words;
  const option = Object.keys(commands[0].options).find((name) => name === word);
  if (option) return { kind: 'unexpected-argument', word, suggestion: listSuggestion(option, rest) };
  const named = commands.find(({ name }) => name !== '' && name === first);
  if (named) return { kind: 'command-not-first', command: named.name };
  const candidates = [
    ...commands.map(({ name }) => name),
    ...Object.keys(commands[0].options).map((name) => `--${name}`),
  ];
  return {
    kind: 'unexpected-argument',
    word,
    suggestion: closest(
      word,
      candidates.filter((name) => name !== ''),
    ),
  };
}

/**
 * What a command is: one object with its name, its options, how it is parsed, and how it is run. The parser and the
 * usage text (src/cli) are made from it. An option that is not declared cannot be read: that does not compile.
 */
import type { ClusterAccess } from '../core/cluster/cluster.js';
import type { Line, Report } from '../core/report/report-lines.js';
import {
  choiceExpectation,
  type ExitStatusRow,
  numberExpectation,
  type UsageError,
} from '../core/report/usage-text.js';
import type { Build } from '../core/version.js';
import type { Setup } from '../system/system.js';

/** The words of a command line, sorted. */
export interface Given {
  /** Everything that is neither an option nor the value of one. */
  readonly words: readonly string[];
  /** Every value of an option that was given, in order; undefined if it was not given. */
  valuesOf(option: string): readonly string[] | undefined;
  /** An option without a value was given. */
  has(option: string): boolean;
}

export interface Option<Value = unknown> {
  /** What stands for its value in the usage text, such as `DIR`; undefined for an option without one. */
  readonly value?: string;
  /** It may be given without a value, which then is empty; a value has to follow a `=`. */
  readonly optional?: true;
  /** For the usage text. */
  readonly text: string;
  /** Reports what is wrong, and returns the value, or a default. */
  read(name: string, given: Given, report: (error: UsageError) => void): Value;
}

export type Options = Readonly<Record<string, Option>>;

export type ValuesOf<O extends Options> = { readonly [Name in keyof O]: O[Name] extends Option<infer V> ? V : never };

/** What the process gives to a command. Only main.ts prints, exits, and handles signals. */
export interface Context {
  readonly build: Build;
  readonly setup: Setup;
  /** False if QEMU_PRESERVE_ARGV0 forbids flag P. */
  readonly preserveArgv0: boolean;
  /** Writes to standard output or standard error. Returns the errno's name if not everything could be written. */
  write(fd: 1 | 2, bytes: Uint8Array | string): string | undefined;
  /** Prints lines to standard error at once, for a command that stays. */
  print(lines: readonly Line[]): void;
  isTerminal(fd: 1 | 2): Promise<boolean>;
  /** Resolves to the signal that ends the program. Calls `check` on SIGHUP. */
  untilStopped(check: () => void): Promise<string>;
  /** What the environment says about the cluster, if there is one. */
  readonly cluster: ClusterAccess;
}

export interface CommandDefinition<O extends Options, Args> {
  /** The first word of the command line; empty for the command that is meant without one. */
  readonly name: string;
  readonly synopsis: string;
  readonly summary: string;
  readonly example: string;
  readonly options: O;
  /** If they are not those of the other commands. */
  readonly exitStatuses?: readonly ExitStatusRow[];
  /** What may follow: nothing, words anywhere, or a command with options of its own. */
  readonly words: 'none' | 'any' | 'command';
  parse(values: ValuesOf<O>, given: Given, report: (error: UsageError) => void): Args;
  run(args: Args, context: Context): Promise<Report>;
}

/** A command line that was parsed. `args`: what the command makes of it, for tests. */
export interface Prepared {
  readonly errors: readonly UsageError[];
  readonly args: unknown;
  run(context: Context): Promise<Report>;
}

/** A command whose arguments only it knows. */
export interface Command extends Omit<CommandDefinition<Options, unknown>, 'parse' | 'run'> {
  /** Parses a command line to what it will do, or to what is wrong with it. */
  prepare(given: Given): Prepared;
}

export function defineCommand<O extends Options, Args>(definition: CommandDefinition<O, Args>): Command {
  const { parse, run, options, ...rest } = definition;
  return {
    ...rest,
    options,
    prepare(given) {
      const errors: UsageError[] = [];
      const report = (error: UsageError) => void errors.push(error);
      const values = Object.entries(options).map(([name, option]) => [name, option.read(name, given, report)]);
      const args = parse(Object.fromEntries(values) as ValuesOf<O>, given, report);
      return { errors, args, run: (context) => run(args, context) };
    },
  };
}

/** On if it is given. A name that begins with `no-` reads as: was it switched off? */
export function flag(text: string): Option<boolean> {
  return { text, read: (name, given) => given.has(name) };
}

/** Everything that was given, one string each time; undefined if it was not given. */
export function texts(value: string, text: string, expects: string): Option<readonly string[] | undefined> {
  return {
    value,
    text,
    read(name, given, report) {
      const all = given.valuesOf(name);
      if (all !== undefined && splitList(all).length === 0) report({ kind: 'bad-value', option: name, expects });
      return all;
    },
  };
}

/** One text, the last one that was given: not empty, without a tab or a line break, which a path in binfmt_misc or mountinfo cannot have. */
export function text(value: string, description: string, expects: string): Option<string | undefined> {
  return parsed(value, description, expects, (given) => (/^[^\t\n]+$/.test(given) ? given : undefined));
}

/** The same, but anything that people paste: it may have several lines. */
export function pasted(value: string, description: string, expects: string): Option<string | undefined> {
  return parsed(value, description, expects, (given) => (given.trim() === '' ? undefined : given));
}

/** What `parse` makes of the text; undefined from it means that the text is wrong. */
export function parsed<Value>(
  value: string,
  description: string,
  expects: string,
  parse: (text: string) => Value | undefined,
): Option<Value | undefined> {
  return {
    value,
    text: description,
    read(name, given, report) {
      const last = given.valuesOf(name)?.at(-1);
      const result = last === undefined ? undefined : parse(last);
      if (last !== undefined && result === undefined) report({ kind: 'bad-value', option: name, value: last, expects });
      return result;
    },
  };
}

export interface Range {
  readonly unit: string;
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

export function number(value: string, description: string, range: Range): Option<number | undefined> {
  const { unit, least, most, whole = false } = range;
  return parsed(value, description, numberExpectation(unit, least, most), (given) => {
    const found = Number(given || 'none');
    return found >= least && found <= most && (!whole || Number.isInteger(found)) ? found : undefined;
  });
}

export function choice<const Choice extends string>(
  value: string,
  description: string,
  choices: readonly Choice[],
): Option<Choice | undefined> {
  return parsed(value, description, choiceExpectation(choices), (given) => choices.find((each) => each === given));
}

/** The same, but it may be given without a value: then it is `any`. */
export function optionalChoice<const Choice extends string>(
  value: string,
  description: string,
  choices: readonly Choice[],
): Option<Choice | 'any' | undefined> {
  const expects = choiceExpectation(choices);
  const parse = (given: string) => (given === '' ? 'any' : choices.find((each) => each === given));
  return { ...parsed(value, description, expects, parse), optional: true };
}

/** The items of lists that are separated by commas or spaces. */
export function splitList(lists: readonly string[]): string[] {
  return lists.flatMap((list) => list.split(/[,\s]+/)).filter((item) => item !== '');
}

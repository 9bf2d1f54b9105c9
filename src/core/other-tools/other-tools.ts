/** The command lines of multiarch/qemu-user-static and of qus, as ours. */
import { type PlatformError, parsePlatform } from '../platform/platform.js';
import { isDescriptor } from '../report/usage-text.js';
import { beforeDashes, behindDashes, type Call, ofMultiarch, type Refusal, type Row } from './other-tool-words.js';

export type OtherTool = 'multiarch/qemu-user-static' | 'qus';

/** What is different from what they do, although everything that was asked for is done. */
export type ToolDifference = 'always-persistent' | 'more-flags' | 'descriptor';

export interface Refused {
  readonly word: string;
  /** The value behind it that cannot be used. */
  readonly value?: string;
  readonly because: Refusal;
}

export type Translation =
  | {
      readonly kind: 'translated';
      readonly tool: OtherTool;
      /** The words of binfmt. */
      readonly words: readonly string[];
      readonly differences: readonly ToolDifference[];
    }
  | ({ readonly kind: 'refused'; readonly tool: OtherTool } & Refused)
  | { readonly kind: 'unknown-platform'; readonly error: PlatformError };

/** Undefined if the words are neither tool's. A word counts as several if it has spaces in it, as it does in their scripts. */
export function translate(typed: readonly string[]): Translation | undefined {
  const words = typed.flatMap((word) => word.split(/\s+/)).filter((word) => word !== '');
  const [first = ''] = words;
  const dashes = words.indexOf('--');
  if (dashes >= 0) {
    if (words.length === 1) return undefined;
    if (dashes > 0 && !startsWith(first, beforeDashes)) return undefined;
    const before = readWords(words.slice(0, dashes), beforeDashes, false);
    const behind = readWords(words.slice(dashes + 1), behindDashes, true);
    // `-l` lists before the rest is done. Here the status comes last in any case.
    const look = before.call.look && dashes === words.length - 1;
    return translated('qus', joined({ ...before, call: { ...before.call, look } }, behind));
  }
  // `-s CPU` is QEMU's, and `-s` alone is that of qus.
  const onlyQus = startsWith(first, beforeDashes) && first !== '--reset' && !(first === '-s' && isBare(words[1]));
  const ignoresFamily = first === '-i' && ['yes', 'no'].includes(words[1] ?? '');
  if (onlyQus && !ignoresFamily && first !== '-e') return translated('qus', readWords(words, beforeDashes, false));
  if (!startsWith(first, ofMultiarch)) return undefined;
  return translated('multiarch/qemu-user-static', readWords(words, ofMultiarch, false));
}

const isBare = (word: string | undefined) => word !== undefined && !word.startsWith('-');
const isExact = (word: string, rows: readonly Row[]) => rows.some(({ words }) => words.includes(word));
const startsWith = (word: string, rows: readonly Row[]) => isExact(split(word, rows)[0] ?? '', rows);
const tables = [ofMultiarch, beforeDashes, behindDashes];

/** The row of a word, or of a long option that it abbreviates, as getopt(1) takes it. */
function rowOf(word: string, rows: readonly Row[]): Row | undefined {
  const exact = rows.find(({ words }) => words.includes(word));
  if (exact || !/^--\w/.test(word)) return exact;
  const [row, another] = rows.filter(({ words, whole }) => !whole && words.some((each) => each.startsWith(word)));
  return another ? undefined : row;
}

/** Does one of these tools know the word, whatever its value is? */
export const isOtherToolWord = (word: string) =>
  tables.some((rows) => rowOf(word.replace(/=.*/s, ''), rows) !== undefined);

interface Read {
  readonly call: Call;
  readonly targets: readonly string[];
  readonly refused?: Refused;
  /** A word that only a mistyped redirection has left. */
  readonly descriptor?: boolean;
}

/** `--persistent=yes` and `-pyes` are two words, as getopt(1) reads them. */
function split(word: string, rows: readonly Row[]): string[] {
  const [, name = '', value = ''] = /^(--[\w-]+)=(.*)$/.exec(word) ?? /^(-\w)(yes|no)$/.exec(word) ?? [];
  return rowOf(name, rows)?.value === undefined ? [word] : [name, value];
}

/** `bare`: words without a dash are targets. */
function readWords(typed: readonly string[], rows: readonly Row[], bare: boolean): Read {
  let call: Call = {};
  const targets: string[] = [];
  const descriptor = isDescriptor(typed.at(-1) ?? '');
  const rest = descriptor ? typed.slice(0, -1) : [...typed];
  const refuse = (word: string, because: Refusal, value?: string): Read => ({
    ...{ call, targets, refused: { word, because, value } },
  });
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    const [word = '', ...attached] = split(next, rows);
    rest.unshift(...attached);
    const row = rowOf(word, rows);
    if (row === undefined) {
      if (!bare || word.startsWith('-')) return refuse(word, 'unknown');
      targets.push(...word.split(',').filter((target) => target !== ''));
      continue;
    }
    const { value, means } = row;
    if (means === 'writes-files' || means === 'other-emulators' || means === 'shell') return refuse(word, means);
    if (value === undefined) {
      call = { ...call, [means]: true };
      continue;
    }
    if (value === 'switch') {
      const given = ['yes', 'no'].includes(rest[0] ?? '') ? rest.shift() : 'yes';
      call = { ...call, [means]: given === 'yes' };
      continue;
    }
    const given = rest.shift();
    if (given === undefined) return refuse(word, value === 'yes-or-no' ? 'yes-or-no' : 'no-value');
    if (value === 'targets') targets.push(...given.split(',').filter((target) => target !== ''));
    else if (value === 'yes-or-no') {
      if (given !== 'yes' && given !== 'no') return refuse(word, 'yes-or-no', given);
      call = { ...call, [means]: given === 'yes' };
    } else if (!value.oneOf.includes(given)) return refuse(word, 'other-emulators', given);
  }
  return { call, targets, descriptor };
}

function joined(one: Read, other: Read): Read {
  return {
    call: { ...one.call, ...other.call },
    targets: [...one.targets, ...other.targets],
    refused: one.refused ?? other.refused,
    descriptor: one.descriptor || other.descriptor,
  };
}

function translated(tool: OtherTool, { call, targets, refused, descriptor }: Read): Translation {
  if (refused) return { kind: 'refused', tool, ...refused };
  for (const target of targets) {
    const parsed = parsePlatform(target);
    if (parsed.kind === 'unknown') return { kind: 'unknown-platform', error: parsed.error };
  }
  const list = targets.length > 0 ? targets.join(',') : 'all';
  const result = (words: string[], differences: ToolDifference[] = []): Translation => ({
    ...{ kind: 'translated', tool, words },
    differences: descriptor ? [...differences, 'descriptor'] : differences,
  });
  if (call.look) return result([]);
  if (call.clear) return result(['--uninstall', list]);
  const removal = call.remove ? ['--uninstall', 'all'] : [];
  if (call.exit) return result(removal);
  const flags = [
    ...(call.credentials === false ? ['--no-credentials'] : []),
    ...(call.preserveArgv0 === false ? ['--no-preserve-argv0'] : []),
  ];
  const unsaid = call.credentials === undefined || call.preserveArgv0 === undefined;
  return result(
    [...removal, '--install', list, ...flags],
    [...(call.persistent ? [] : ['always-persistent' as const]), ...(unsaid ? ['more-flags' as const] : [])],
  );
}

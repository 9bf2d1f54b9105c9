/**
 * The command lines of multiarch/qemu-user-static and of qus, as ours. What they accept is in these files:
 *
 * - multiarch/qemu-user-static: containers/latest/register.sh, register/register.sh and README.md. Everything but `--reset` goes to
 *   QEMU's script.
 * - QEMU: scripts/qemu-binfmt-conf.sh, its getopt line and its usage.
 * - dbhi/qus (the image is aptman/qus): register.sh and README.md for what stands before `--`, test.sh for how it is called. What
 *   stands behind goes to scripts/qemu-binfmt-conf.sh of umarcor/qemu, in which `-p` and `-c` take no value, targets may follow,
 *   and `-t` and `-r` are new. Older versions of qus have QEMU's script, and `-r`, `-t` and `-e` before `--`.
 */
import { type PlatformError, parsePlatform } from './platform.js';

export type OtherTool = 'multiarch/qemu-user-static' | 'qus';

/** Why one of their words cannot be translated. */
export type Refusal = 'writes-files' | 'other-emulators' | 'shell' | 'yes-or-no' | 'no-value' | 'unknown';

/** What is different from what they do, although everything that was asked for is done. */
export type ToolDifference = 'always-persistent' | 'more-flags';

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
      /** The words of this program. */
      readonly words: readonly string[];
      readonly differences: readonly ToolDifference[];
    }
  | ({ readonly kind: 'refused'; readonly tool: OtherTool } & Refused)
  | { readonly kind: 'unknown-platform'; readonly error: PlatformError };

/** What a call asks for. */
interface Call {
  /** Remove all entries first. */
  readonly remove?: boolean;
  /** Remove the entries of the targets, or all, and nothing else. */
  readonly clear?: boolean;
  /** Change nothing. */
  readonly look?: boolean;
  /** Register nothing. */
  readonly exit?: boolean;
  readonly persistent?: boolean;
  readonly credentials?: boolean;
  readonly preserveArgv0?: boolean;
  /** Nothing that makes a difference here. */
  readonly nothing?: boolean;
}

interface Row {
  readonly words: readonly string[];
  /** `yes-or-no` and `targets` are values that follow; `switch` may have yes or no behind it; `one of` accepts these values only. */
  readonly value?: 'yes-or-no' | 'switch' | 'targets' | { readonly oneOf: readonly string[] };
  readonly means: keyof Call | Extract<Refusal, 'writes-files' | 'other-emulators' | 'shell'>;
}

/** The directories of the emulators in their images and in ours, and the end of the names of theirs. */
export const emulatorPaths: readonly string[] = ['/usr/bin', '/usr/bin/', '/qus/bin'];
const suffixes = ['-static', ''];

const files: readonly Row[] = [
  { words: ['-d', '--debian'], means: 'writes-files' },
  { words: ['-s', '--systemd'], means: 'writes-files' },
  { words: ['-e', '--exportdir'], means: 'writes-files' },
];

const emulators: readonly Row[] = [
  { words: ['-Q', '--qemu-path', '--path'], value: { oneOf: emulatorPaths }, means: 'nothing' },
  { words: ['-F', '--qemu-suffix', '--suffix'], value: { oneOf: suffixes }, means: 'nothing' },
];

const yesOrNo: readonly Row[] = [
  { words: ['-g', '--preserve-argv0'], value: 'yes-or-no', means: 'preserveArgv0' },
  // What the processor runs is found out by running it.
  { words: ['-i', '--ignore-family'], value: 'yes-or-no', means: 'nothing' },
];

const ofMultiarch: readonly Row[] = [
  { words: ['--reset'], means: 'remove' },
  { words: ['-p', '--persistent'], value: 'yes-or-no', means: 'persistent' },
  { words: ['-c', '--credential'], value: 'yes-or-no', means: 'credentials' },
  ...yesOrNo,
  ...emulators,
  ...files,
];

const beforeDashes: readonly Row[] = [
  { words: ['-l', '--list', '-list'], means: 'look' },
  { words: ['-s', '--static', '-static'], means: 'nothing' },
  { words: ['-r', '--reset', '-reset'], means: 'remove' },
  { words: ['-e', '--exit', '-exit'], means: 'exit' },
  { words: ['-t', '--targets', '-targets'], value: 'targets', means: 'nothing' },
  { words: ['-i', '--interactive', '-interactive'], means: 'shell' },
];

const behindDashes: readonly Row[] = [
  { words: ['-p', '--persistent'], value: 'switch', means: 'persistent' },
  { words: ['-c', '--credential'], value: 'switch', means: 'credentials' },
  { words: ['-r', '--clear'], means: 'clear' },
  { words: ['-t', '--test'], means: 'look' },
  ...yesOrNo,
  ...emulators,
  ...files,
];

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
const startsWith = (word: string, rows: readonly Row[]) => rowOf(split(word, rows)[0] ?? '', rows) !== undefined;
const rowOf = (word: string, rows: readonly Row[]) => rows.find(({ words }) => words.includes(word));

interface Read {
  readonly call: Call;
  readonly targets: readonly string[];
  readonly refused?: Refused;
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
  const rest = [...typed];
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
  return { call, targets };
}

function joined(one: Read, other: Read): Read {
  return {
    call: { ...one.call, ...other.call },
    targets: [...one.targets, ...other.targets],
    refused: one.refused ?? other.refused,
  };
}

function translated(tool: OtherTool, { call, targets, refused }: Read): Translation {
  if (refused) return { kind: 'refused', tool, ...refused };
  for (const target of targets) {
    const parsed = parsePlatform(target);
    if (parsed.kind === 'unknown') return { kind: 'unknown-platform', error: parsed.error };
  }
  const list = targets.length > 0 ? targets.join(',') : 'all';
  const result = (words: string[], differences: ToolDifference[] = []): Translation => ({
    ...{ kind: 'translated', tool, words, differences },
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

/**
 * The words of multiarch/qemu-user-static and of qus, and what they mean. They are in these files:
 *
 * - multiarch/qemu-user-static: containers/latest/register.sh, register/register.sh and README.md. Everything but `--reset` goes to
 *   QEMU's script.
 * - QEMU: scripts/qemu-binfmt-conf.sh, its getopt line and its usage.
 * - dbhi/qus (the image is aptman/qus): register.sh and README.md for what stands before `--`, test.sh for how it is called. What
 *   stands behind goes to scripts/qemu-binfmt-conf.sh of umarcor/qemu, in which `-p` and `-c` take no value, targets may follow,
 *   and `-t` and `-r` are new. Older versions of qus have QEMU's script, and `-r`, `-t` and `-e` before `--`.
 */

/** Why one of their words cannot be translated. */
export type Refusal = 'writes-files' | 'other-emulators' | 'shell' | 'yes-or-no' | 'no-value' | 'unknown';

/** What a call asks for. */
export interface Call {
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

export interface Row {
  readonly words: readonly string[];
  /** `yes-or-no` and `targets` are values that follow; `switch` may have yes or no behind it; `one of` accepts these values only. */
  readonly value?: 'yes-or-no' | 'switch' | 'targets' | { readonly oneOf: readonly string[] };
  /** A shell compares it as a whole. All others are read by getopt(1), which takes abbreviations of long ones. */
  readonly whole?: boolean;
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

/** Everything that multiarch/qemu-user-static takes. */
export const ofMultiarch: readonly Row[] = [
  { words: ['--reset'], whole: true, means: 'remove' },
  { words: ['-p', '--persistent'], value: 'yes-or-no', means: 'persistent' },
  { words: ['-c', '--credential'], value: 'yes-or-no', means: 'credentials' },
  ...yesOrNo,
  ...emulators,
  ...files,
];

/** What qus takes before `--`. */
export const beforeDashes: readonly Row[] = [
  { words: ['-l', '--list', '-list'], whole: true, means: 'look' },
  { words: ['-s', '--static', '-static'], whole: true, means: 'nothing' },
  { words: ['-r', '--reset', '-reset'], whole: true, means: 'remove' },
  { words: ['-e', '--exit', '-exit'], whole: true, means: 'exit' },
  { words: ['-t', '--targets', '-targets'], whole: true, value: 'targets', means: 'nothing' },
  { words: ['-i', '--interactive', '-interactive'], whole: true, means: 'shell' },
];

/** What qus takes behind it. */
export const behindDashes: readonly Row[] = [
  { words: ['-p', '--persistent'], value: 'switch', means: 'persistent' },
  { words: ['-c', '--credential'], value: 'switch', means: 'credentials' },
  { words: ['--reset'], means: 'remove' },
  { words: ['-r', '--clear'], means: 'clear' },
  { words: ['-t', '--test'], means: 'look' },
  ...yesOrNo,
  ...emulators,
  ...files,
];

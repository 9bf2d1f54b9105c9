/** What has to be done so that the machine runs an architecture: a pure function of the picture of the machine. */
import type { Architecture } from './architectures.js';
import { type Entry, type Registration, registrationOf, sameFlags } from './entry.js';
import type { Failure } from './failure.js';
import type { Platform } from './platform.js';
import { describeVerdict, type Verdict } from './probe.js';
import { type Emulator, type Runner, runnerOf, type Snapshot } from './snapshot.js';
import { compareVersions } from './version.js';

export interface InstallOptions {
  /** Flag C: setuid programs keep their rights. */
  readonly credentials: boolean;
  /** Flag P: programs see the argv[0] that they were called with. */
  readonly preserveArgv0: boolean;
  /** Register ours in front of a handler of another name that works. */
  readonly force: boolean;
  /** Leave an entry of ours that works as it is, also an older one, or one with other flags. */
  readonly keep: boolean;
}

export type Step =
  /** It is so already. `note` says through what. */
  | { readonly kind: 'ready'; readonly note: string }
  /** `replaces`: an entry of our name, to be removed first. */
  | {
      readonly kind: 'register';
      readonly registration: Registration;
      readonly replaces?: Entry;
      /** What is replaced works: ours has to show first that it does. */
      readonly improves?: boolean;
      readonly note?: string;
    }
  | { readonly kind: 'impossible'; readonly failure: Failure };

/** The flags that an entry of ours has on this kernel, as the kernel writes them. */
export function wantedFlags(options: Pick<InstallOptions, 'credentials' | 'preserveArgv0'>, kernel: string): string {
  // QEMU learns of P from the kernel since Linux 5.12 (AT_FLAGS); before, it takes argv[0] for the program.
  const preserve = options.preserveArgv0 && compareVersions(kernel, '5.12') >= 0;
  return `${preserve ? 'P' : ''}${options.credentials ? 'OC' : ''}F`;
}

/** The step for one platform. The snapshot has its probe, its emulator and, for an entry of ours, the version. */
export function planInstall({ architecture }: Platform, options: InstallOptions, snapshot: Snapshot): Step {
  const verdict = snapshot.probes.get(architecture)?.verdict;
  // What could not be tried may well work: it is not touched.
  if (verdict?.kind === 'untried') return { kind: 'impossible', failure: untried(architecture, verdict) };
  const emulator = snapshot.emulators.get(architecture);
  const runner = runnerOf(architecture, snapshot);
  switch (runner.kind) {
    case 'native':
      return ready('this machine runs it natively');
    case 'unseen':
      return ready(`already runs through ${runner.interpreter ?? 'an entry'} that cannot be read here, left alone`);
    case 'nothing':
      return register(architecture, emulator, options, snapshot);
    case 'entry':
      if (runner.entry.name !== emulator?.name) {
        if (options.force)
          return register(architecture, emulator, options, snapshot, `in front of ${runner.entry.name}`);
        return ready(`already runs through ${runner.entry.name}, left alone`);
      }
      return improve(architecture, emulator, runner, options, snapshot);
  }
}

/** An entry of our name runs it: is it as good as what we would register? */
function improve(
  architecture: Architecture,
  emulator: Emulator,
  { entry }: Extract<Runner, { kind: 'entry' }>,
  options: InstallOptions,
  snapshot: Snapshot,
): Step {
  const theirs = snapshot.registeredVersions.get(architecture);
  const found = theirs === undefined ? 'a version that it does not tell' : `QEMU ${theirs}`;
  const difference = differenceOf(architecture, entry, emulator, theirs, wantedFlags(options, snapshot.kernel));
  if (difference === undefined) return ready(`already registered, ${found}`);
  if (options.keep) return ready(`kept ${found}: ${difference}`);
  // What runs is worth more than what cannot be registered.
  if (emulator.unusable) return ready(`already registered, ${found}, left alone: ${emulator.unusable.cause}`);
  const step = register(architecture, emulator, options, snapshot, difference);
  return step.kind === 'register' ? { ...step, improves: true } : step;
}

function differenceOf(
  { magic, mask }: Architecture,
  entry: Entry,
  emulator: Emulator,
  theirs: string | undefined,
  flags: string,
): string | undefined {
  const ours = emulator.version;
  if (ours !== undefined && (theirs === undefined || compareVersions(theirs, ours) < 0)) {
    return `QEMU ${theirs ?? '(unknown version)'} is now ${ours}`;
  }
  if (!sameFlags(entry.flags, flags)) return `flags ${entry.flags || 'none'} are now ${flags}`;
  if (entry.magic !== magic || entry.mask !== mask || entry.offset !== 0) return 'its magic or mask was another';
  return undefined;
}

function register(
  architecture: Architecture,
  emulator: Emulator | undefined,
  options: InstallOptions,
  snapshot: Snapshot,
  note?: string,
): Step {
  if (emulator === undefined || emulator.unusable) {
    return { kind: 'impossible', failure: emulator?.unusable ?? noEmulator(architecture) };
  }
  if (snapshot.registry.kind !== 'writable') return { kind: 'impossible', failure: snapshot.registry.failure };
  const { name, path: interpreter } = emulator;
  const replaces = snapshot.entries.find((entry) => entry.name === name);
  const why =
    note ?? (replaces && (replaces.enabled ? 'replaced an entry that did not work' : 'replaced a disabled entry'));
  return {
    kind: 'register',
    registration: registrationOf(architecture, { name, interpreter, flags: wantedFlags(options, snapshot.kernel) }),
    replaces,
    note: why,
  };
}

function ready(note: string): Step {
  return { kind: 'ready', note };
}

function untried({ name }: Architecture, verdict: Extract<Verdict, { kind: 'untried' }>): Failure {
  return { code: 'does-not-run', subject: name, cause: describeVerdict(verdict) };
}

function noEmulator({ name, target }: Architecture): Failure {
  return {
    code: 'no-emulator',
    subject: name,
    cause: `there is no emulator qemu-${target}`,
    remedies: [{ when: 'QEMU_BINARY_PATH names their folder' }],
  };
}

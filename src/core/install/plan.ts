/** What has to be done so that the machine runs a platform: a pure function of the picture of the machine. */
import { type Entry, type Registration, registrationOf, sameFlags } from '../binfmt/entry.js';
import { type Emulator, type Runner, runnerOf, type Snapshot } from '../binfmt/snapshot.js';
import type { Difference, Note } from '../note.js';
import { type Architecture, emulatorName } from '../platform/architectures.js';
import { formatPlatform, type Platform } from '../platform/platform.js';
import { type Problem, problemOf } from '../problem.js';
import { compareVersions } from '../version.js';
import { noEmulator, untested } from './emulator-problems.js';

export interface InstallOptions {
  /** Flag C: setuid programs keep their privileges. */
  readonly credentials: boolean;
  /** Flag P: programs see the argv[0] that they were called with. */
  readonly preserveArgv0: boolean;
  /** Register in front of an entry of another name that works. */
  readonly force: boolean;
  /** Keep a working entry of our name, even if its QEMU is older or its flags differ. */
  readonly keep: boolean;
  /** Keep other flags of one that names our emulator's file: another watcher has registered it, and wants these. */
  readonly keepOurs?: boolean;
  /** Register these again even if what is registered seems to be the same: their files were replaced. */
  readonly renew?: ReadonlySet<Architecture>;
}

export type Step =
  /** It runs already. */
  | { readonly kind: 'ready'; readonly note: Note }
  | {
      readonly kind: 'register';
      readonly registration: Registration;
      /** An entry of the same name, which has to be removed first. */
      readonly replaces?: Entry;
      /** That entry works: the new emulator has to be tried before it is removed. */
      readonly replacesWorking?: boolean;
      readonly note?: Note;
    }
  | { readonly kind: 'impossible'; readonly problem: Problem };

/** Linux tells QEMU about flag P since this version: AT_FLAGS_PRESERVE_ARGV0 in linux/binfmts.h. */
export const FIRST_KERNEL_WITH_ARGV0 = '5.12';

/** The flags of an entry that is registered with these options on this kernel, as the kernel writes them. */
export function wantedFlags(options: Pick<InstallOptions, 'credentials' | 'preserveArgv0'>, kernel: string): string {
  // On older kernels QEMU would take argv[0] for the program.
  const preserve = options.preserveArgv0 && compareVersions(kernel, FIRST_KERNEL_WITH_ARGV0) >= 0;
  return `${preserve ? 'P' : ''}${options.credentials ? 'OC' : ''}F`;
}

/** The step for one platform. The snapshot has its probe, its emulator, and the version behind an existing entry. */
export function planInstall(platform: Platform, options: InstallOptions, snapshot: Snapshot): Step {
  const { architecture } = platform;
  const verdict = snapshot.probes.get(architecture)?.verdict;
  // It may well work, so nothing is changed.
  if (verdict?.kind === 'untried') {
    return { kind: 'impossible', problem: problemOf(untested, formatPlatform(platform), { errno: verdict.errno }) };
  }
  const emulator = snapshot.emulators.get(architecture);
  const runner = runnerOf(architecture, snapshot);
  switch (runner.kind) {
    case 'processor':
      return ready({ kind: 'native' });
    case 'hidden-entry':
      return ready(runner);
    case 'nothing': {
      const step = register(platform, emulator, options, snapshot);
      // What runs in some containers is replaced only by what was seen to run in all of them.
      const runsSomewhere = snapshot.probes.get(architecture)?.verdict.kind === 'runs';
      return step.kind === 'register' && step.replaces && runsSomewhere ? { ...step, replacesWorking: true } : step;
    }
    case 'entry': {
      const { name: entry } = runner.entry;
      if (entry === emulator?.name) return improve(platform, emulator, runner, options, snapshot);
      if (!options.force) return ready({ kind: 'other-entry', entry });
      return register(platform, emulator, options, snapshot, { kind: 'in-front-of', entry });
    }
  }
}

/** An entry with our emulator's name runs it: is it as good as the one that we would register? */
function improve(
  platform: Platform,
  emulator: Emulator,
  { entry }: Extract<Runner, { kind: 'entry' }>,
  options: InstallOptions,
  snapshot: Snapshot,
): Step {
  const version = snapshot.registeredVersions.get(platform.architecture);
  const flags = wantedFlags(options, snapshot.kernel);
  const versions = { have: version, want: emulator.version };
  const renew = options.renew?.has(platform.architecture) ?? false;
  const difference = differenceOf(platform.architecture, entry, versions, flags) ?? (renew && newerBefore(versions));
  if (!difference && !renew) return ready({ kind: 'already-registered', version });
  const ours = options.keepOurs && entry.interpreter === emulator.path;
  if (difference && (options.keep || (ours && difference.in === 'flags')))
    return ready({ kind: 'kept', version, difference });
  // An entry that works is worth more than an emulator that cannot be registered.
  if (emulator.unusable) return ready({ kind: 'not-replaced', version, problem: emulator.unusable });
  const note: Note = difference ? { kind: 'changed', difference } : { kind: 'renewed' };
  const step = register(platform, emulator, options, snapshot, note);
  return step.kind === 'register' ? { ...step, replacesWorking: true } : step;
}

interface Versions {
  readonly have?: string;
  readonly want?: string;
}

/** An older QEMU replaces a newer one only if it was asked to. */
function newerBefore({ have, want }: Versions): Difference | undefined {
  return have !== undefined && want !== undefined && have !== want ? { in: 'version', have, want } : undefined;
}

function differenceOf(
  { magic, mask }: Architecture,
  entry: Entry,
  { have, want }: Versions,
  flags: string,
): Difference | undefined {
  const older = want !== undefined && (have === undefined || compareVersions(have, want) < 0);
  if (older) return { in: 'version', have, want };
  // The flags are asked for, and a newer QEMU with other ones does not do what they promise. That it gets older is said.
  const newer = want !== undefined && have !== undefined && compareVersions(have, want) > 0;
  const more = newer ? { older: { have, want } } : {};
  if (!sameFlags(entry.flags, flags)) return { in: 'flags', have: entry.flags, want: flags, ...more };
  if (entry.magic !== magic || entry.mask !== mask || entry.offset !== 0) return { in: 'magic', ...more };
  return undefined;
}

function register(
  platform: Platform,
  emulator: Emulator | undefined,
  options: InstallOptions,
  { binfmt, entries, kernel, emulatorDirectory: { path, prefix } }: Snapshot,
  note?: Note,
): Step {
  const { architecture } = platform;
  if (emulator === undefined) {
    const advice = [
      { do: 'consider', what: 'set-emulator-directory' },
      { do: 'consider', what: 'use-full-image' },
    ] as const;
    const facts = { emulator: prefix + emulatorName(architecture), directory: path };
    return { kind: 'impossible', problem: problemOf(noEmulator, formatPlatform(platform), facts, advice) };
  }
  if (emulator.unusable) return { kind: 'impossible', problem: emulator.unusable };
  if (binfmt.kind !== 'writable') return { kind: 'impossible', problem: binfmt.problem };
  const { name, path: interpreter } = emulator;
  const replaces = entries.find((entry) => entry.name === name);
  return {
    kind: 'register',
    registration: registrationOf(architecture, { name, interpreter, flags: wantedFlags(options, kernel) }),
    replaces,
    note: note ?? (replaces && { kind: 'replaced', entry: replaces.enabled ? 'broken' : 'disabled' }),
  };
}

function ready(note: Note): Step {
  return { kind: 'ready', note };
}

/** What became of one platform: it runs now, unless there is a problem. */
export interface InstallResult {
  readonly platform: Platform;
  /** The entry that was registered for it, if any. */
  readonly registered?: string;
  readonly problem?: Problem;
  /** What is worth knowing about a success. */
  readonly note?: Note;
}

/** Makes platforms run: plans each, registers what is missing, and believes only what then runs. */
import { vanishingFailure } from '../core/causes.js';
import type { Failure } from '../core/failure.js';
import { type InstallOptions, planInstall, type Step } from '../core/plan.js';
import type { Platform } from '../core/platform.js';
import { describeVerdict } from '../core/probe.js';
import type { Snapshot } from '../core/snapshot.js';
import { register, unregister } from './binfmt-fs.js';
import { type System, takeSnapshot } from './snapshot.js';
import { findKeeper, type Keeper, remount } from './survival.js';

/** What became of one platform: it runs now, unless there is a failure. */
export interface Result {
  readonly platform: Platform;
  /** Something was registered. */
  readonly changed: boolean;
  readonly failure?: Failure | undefined;
  /** What is worth knowing about a success. */
  readonly note?: string | undefined;
}

export interface Established {
  readonly results: readonly Result[];
  /** The machine as it is now, with the probes of these platforms. */
  readonly after: Snapshot;
}

interface Job {
  readonly platform: Platform;
  readonly step: Step;
  /** Why the step could not be taken. */
  readonly refused?: Failure | undefined;
}

/**
 * `before`: a picture of the machine with probes and emulators. `lasting`: what is registered must outlive
 * this program, which otherwise keeps it itself.
 */
export async function establish(
  platforms: readonly Platform[],
  options: InstallOptions,
  { before, lasting, system }: { before: Snapshot; lasting: boolean; system: System },
): Promise<Established> {
  const planned = platforms.map((platform) => ({ platform, step: planInstall(platform, options, before) }));
  const needsKeeper = lasting && planned.some(({ step }) => step.kind === 'register');
  const keeper = needsKeeper ? await keeperOf(system) : undefined;
  const jobs = planned.map(({ platform, step }): Job => {
    if (step.kind !== 'register') return { platform, step };
    return { platform, step, refused: keeper?.kind === 'nobody' ? keeper.failure : take(step, system) };
  });

  const registered = jobs.filter(({ step }) => step.kind === 'register');
  const changed = registered.map(({ platform }) => platform.architecture);
  if (keeper?.kind === 'mount') await lookAgain(system);
  const known = new Map([...before.probes].filter(([row]) => !changed.includes(row)));
  const after = await takeSnapshot(system, { probes: changed, known });
  return { results: jobs.map((job) => judge(job, after, system)), after };
}

/** Undefined where somebody else's mount is used, which is theirs to keep. */
async function keeperOf({ registry, launcher }: System): Promise<Keeper | undefined> {
  return registry.kind === 'writable' && registry.mountedHere ? findKeeper(registry, launcher) : undefined;
}

/** Who kept the entries may have been passing by: what vanishes now does not run in the picture taken next. */
async function lookAgain({ registry, launcher }: System): Promise<void> {
  if (registry.kind === 'writable') await remount(registry.dir, launcher);
}

/** The only place that changes entries. Removing comes first: a name can be taken once. */
function take(step: Extract<Step, { kind: 'register' }>, { registry, machine }: System): Failure | undefined {
  if (registry.kind !== 'writable') return registry.failure;
  const failure = step.replaces && unregister(registry.dir, step.replaces.name);
  return failure ?? register(registry.dir, step.registration, machine.ownPrograms);
}

/** Only a platform that runs now is a success. */
function judge({ platform, step, refused }: Job, after: Snapshot, { registry }: System): Result {
  const { architecture, level } = platform;
  const { name } = architecture;
  const result = { platform, changed: step.kind === 'register' && !refused };
  if (step.kind === 'impossible') return { ...result, failure: step.failure };
  const verdict = after.probes.get(architecture)?.verdict ?? { kind: 'timeout' };
  if (verdict.kind !== 'runs') {
    const gone =
      step.kind === 'register' && !refused && !after.entries.some((entry) => entry.name === step.registration.name);
    if (gone && registry.kind === 'writable') return { ...result, failure: vanishingFailure(registry.dir) };
    // An entry that only breaks programs is worse than none.
    if (result.changed && step.kind === 'register' && registry.kind === 'writable')
      unregister(registry.dir, step.registration.name);
    return { ...result, failure: refused ?? doesNotRun(name, `does not run: ${describeVerdict(verdict)}`) };
  }
  if (level !== undefined && (verdict.level ?? 0) < level) {
    return { ...result, failure: doesNotRun(name, `runs only up to v${verdict.level}, not v${level}`) };
  }
  return { ...result, note: refused ? refused.cause : step.note };
}

function doesNotRun(subject: string, cause: string): Failure {
  return { code: 'does-not-run', subject, cause };
}

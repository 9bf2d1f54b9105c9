/** Makes platforms run: plans each, registers what is missing, and believes only what then runs. */

import type { Architecture } from '../core/architectures.js';
import { disabledFailure, vanishingFailure } from '../core/causes.js';
import { diagnose } from '../core/doctor/diagnose.js';
import type { Failure } from '../core/failure.js';
import { type InstallOptions, planInstall, type Step } from '../core/plan.js';
import { formatPlatform, type Platform } from '../core/platform.js';
import { runsUpTo } from '../core/probe.js';
import type { Snapshot } from '../core/snapshot.js';
import { isDisabled, readEntries, register, unregister } from './binfmt-fs.js';
import { examine } from './examine.js';
import { type System, takeSnapshot } from './snapshot.js';
import { findKeeper, type Keeper, remount } from './survival.js';

/** What became of one platform: it runs now, unless there is a failure. */
export interface Result {
  readonly platform: Platform;
  /** The entry that was registered for it, if any. */
  readonly registered?: string | undefined;
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
  const changing = planned.some(({ step }) => step.kind === 'register');
  const keeper = changing && lasting ? await keeperOf(system) : undefined;
  const prevented = changing ? preventionOf(system, keeper) : undefined;
  const failing = prevented ? new Map<Architecture, Failure>() : await rehearse(planned, system);
  const jobs = planned.map(({ platform, step }): Job => {
    const failure = failing.get(platform.architecture);
    if (failure) return { platform, step: { kind: 'impossible', failure } };
    return { platform, step, refused: step.kind === 'register' ? (prevented ?? take(step, system)) : undefined };
  });

  const registered = jobs.filter(({ step }) => step.kind === 'register');
  const changed = registered.map(({ platform }) => platform.architecture);
  const known = new Map([...before.probes].filter(([row]) => !changed.includes(row)));
  const probed = await takeSnapshot(system, { probes: changed, known });
  const after = keeper?.kind === 'mount' ? await lookAgain(probed, registered, system) : probed;
  const failed = jobs.filter(({ platform, step }) => step.kind !== 'impossible' && !runs(platform, after));
  const causes = await causesOf(
    failed.map(({ platform }) => platform),
    system,
  );
  return { results: jobs.map((job) => judge(job, after, causes, system)), after };
}

function runs({ architecture, level }: Platform, { probes }: Snapshot): boolean {
  return runsUpTo(probes.get(architecture)?.verdict, level);
}

/** What doctor says of platforms that do not run: the first problem of each, in one line. */
async function causesOf(platforms: readonly Platform[], system: System): Promise<ReadonlyMap<Architecture, string>> {
  if (platforms.length === 0) return new Map();
  const findings = diagnose(await examine(system, { platforms, repeat: 1 }));
  return new Map(
    platforms.flatMap(({ architecture, level }): [Architecture, string][] => {
      const subject = formatPlatform(architecture, level);
      const found = findings.find((each) => each.subject === subject && each.severity === 'problem');
      return found ? [[architecture, `${found.because.replace(/\.$/, '')} (${found.evidence[0]})`]] : [];
    }),
  );
}

/** Undefined where somebody else's mount is used, which is theirs to keep. */
async function keeperOf({ registry, launcher }: System): Promise<Keeper | undefined> {
  return registry.kind === 'writable' && registry.mountedHere ? findKeeper(registry, launcher) : undefined;
}

/** Why nothing at all is to be registered. */
function preventionOf({ registry }: System, keeper: Keeper | undefined): Failure | undefined {
  if (registry.kind === 'writable' && isDisabled(registry.dir)) return disabledFailure(registry.dir);
  return keeper?.kind === 'nobody' ? keeper.failure : undefined;
}

/** Who kept the entries may have been passing by: what has vanished now runs no more. */
async function lookAgain(probed: Snapshot, jobs: readonly Job[], { registry, launcher }: System): Promise<Snapshot> {
  if (registry.kind === 'writable') await remount(registry.dir, launcher);
  const entries = readEntries(registry);
  const gone = jobs.filter(({ step }) => {
    return step.kind === 'register' && !entries.some(({ name }) => name === step.registration.name);
  });
  const rows = gone.map(({ platform }) => platform.architecture);
  return { ...probed, entries, probes: new Map([...probed.probes].filter(([row]) => !rows.includes(row))) };
}

/**
 * What works is replaced only by what was seen to work: each improvement is registered under another name
 * for a moment, in front of the entry that it is to replace, and tried. Why it cannot be, by architecture.
 */
async function rehearse(planned: readonly Job[], system: System): Promise<Map<Architecture, Failure>> {
  const { registry, machine } = system;
  const failing = new Map<Architecture, Failure>();
  const trials = planned.flatMap(({ platform: { architecture }, step }) => {
    if (step.kind !== 'register' || !step.improves || registry.kind !== 'writable') return [];
    const { dir } = registry;
    const name = `${step.registration.name}-trial-${process.pid}`;
    const refused = register(dir, { ...step.registration, name }, machine.ownPrograms);
    if (refused) failing.set(architecture, refused);
    return refused ? [] : [{ architecture, end: () => unregister(dir, name) }];
  });
  const snapshot = await takeSnapshot(system, { probes: trials.map(({ architecture }) => architecture) });
  const failed = trials.filter((trial) => !runs(trial, snapshot));
  const causes = await causesOf(failed, system);
  for (const { architecture } of failed) {
    const cause = `left as it is, since the new emulator does not run: ${causes.get(architecture) ?? 'it runs now and then'}`;
    failing.set(architecture, doesNotRun(architecture.name, cause));
  }
  for (const { end } of trials) end();
  return failing;
}

/** The only place that changes entries. Removing comes first: a name can be taken once. */
function take(step: Extract<Step, { kind: 'register' }>, { registry, machine }: System): Failure | undefined {
  if (registry.kind !== 'writable') return registry.failure;
  const failure = step.replaces && unregister(registry.dir, step.replaces.name);
  return failure ?? register(registry.dir, step.registration, machine.ownPrograms);
}

/** Only a platform that runs now is a success. */
function judge(
  { platform, step, refused }: Job,
  after: Snapshot,
  causes: ReadonlyMap<Architecture, string>,
  { registry }: System,
): Result {
  const { architecture } = platform;
  const registered = step.kind === 'register' && !refused ? step.registration.name : undefined;
  if (step.kind === 'impossible') return { platform, failure: step.failure };
  if (runs(platform, after)) return { platform, registered, note: refused ? refused.cause : step.note };
  const cause = causes.get(architecture) ?? 'it runs now and then';
  const failure = doesNotRun(architecture.name, `does not run: ${cause}`);
  const verdict = after.probes.get(architecture)?.verdict;
  // It runs, if not with all that was asked for.
  if (verdict?.kind === 'runs') return { platform, registered, failure };
  if (registered === undefined || registry.kind !== 'writable') return { platform, failure: refused ?? failure };
  const vanished = !after.entries.some((entry) => entry.name === registered);
  // An entry that only breaks programs is worse than none; what could not be tried may work.
  if (verdict?.kind !== 'untried') unregister(registry.dir, registered);
  return { platform, failure: vanished ? vanishingFailure(registry.dir) : failure };
}

function doesNotRun(subject: string, cause: string): Failure {
  return { code: 'does-not-run', subject, cause };
}

/**
 * Makes platforms run: plans each, registers what is missing, and probes again. Only a platform whose test program then
 * runs is a success. This is the one file that decides to change entries for an installation; it does so in three
 * places: trying a replacement, carrying out a step, and rolling it back.
 */
import type { Architecture } from '../../core/architectures.js';
import { switchedOffProblem, vanishingProblem } from '../../core/binfmt-errors.js';
import { afterInstall, afterTrial } from '../../core/doctor/after-install.js';
import { diagnose } from '../../core/doctor/diagnose.js';
import { sameRegistration } from '../../core/entry.js';
import { entryRemoved, unreliable } from '../../core/messages/emulator-problems.js';
import { type InstallOptions, type InstallResult, planInstall, type Step, trialName } from '../../core/plan.js';
import { formatPlatform, type Platform, shortPlatform } from '../../core/platform.js';
import { runsEverywhere } from '../../core/probe.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { isOwnMount, type Snapshot } from '../../core/snapshot.js';
import { isSwitchedOff, readEntries, register, unregister } from '../binfmt/entries.js';
import { ensurePersistent, type KeptBy, mountOnHost, remount } from '../binfmt/persistence.js';
import { undoAtEnd } from '../cleanup.js';
import { collectDoctorInput } from '../host/doctor-input.js';
import type { System } from '../system.js';
import { takeSnapshot } from '../take-snapshot.js';
import { openToContainers } from './relabel.js';

export interface InstallRequest {
  readonly platforms: readonly Platform[];
  readonly options: InstallOptions;
  /** The machine now, with the probes of these platforms and with emulators. */
  readonly before: Snapshot;
  /** Must entries outlive this program? `if possible`: it stays and keeps them, and a successor finds them. */
  readonly lasting: 'yes' | 'if possible' | 'no';
}

export interface Installation {
  readonly results: readonly InstallResult[];
  /** The machine afterwards, with the probes of these platforms. */
  readonly after: Snapshot;
}

interface Job {
  readonly platform: Platform;
  readonly step: Step;
  /** Why the step could not be carried out. */
  readonly refused?: Problem;
}

type RegisterJob = Job & { readonly step: Extract<Step, { kind: 'register' }> };

export async function installPlatforms(request: InstallRequest, system: System): Promise<Installation> {
  const { platforms, options, before, lasting } = request;
  const planned = platforms.map((platform): Job => ({ platform, step: planInstall(platform, options, before) }));
  const changing = planned.some(isRegistration);
  if (lasting === 'if possible') await keepForSuccessor(system);
  const keptBy = changing && lasting === 'yes' ? await keeperOf(system) : undefined;
  const blocking = changing ? blockingProblem(system, keptBy) : undefined;
  if (changing) await system.prober.forget();
  if (changing && !blocking) await openToContainers(system);
  const trials = blocking ? undefined : await tryReplacements(planned, system);
  const jobs = planned.map((job): Job => {
    const problem = trials?.problems.get(job.platform.architecture);
    if (problem) return { platform: job.platform, step: { kind: 'impossible', problem } };
    return isRegistration(job) ? { ...job, refused: blocking ?? executeStep(job.step, system) } : job;
  });
  trials?.end();

  const changed = jobs.filter(isRegistration);
  const after = await probeAgain(changed, { before, recheck: keptBy === 'mount' }, system);
  const failed = jobs.filter(({ platform, step }) => step.kind !== 'impossible' && !runs(platform, after));
  const problems = await problemsOf(
    failed.map(({ platform }) => platform),
    system,
  );
  // Only a mount that this program made, and that another process kept alive, takes entries with it.
  const vanishing = keptBy === 'mount';
  const results = jobs.map((job) => resultOf(job, after, problems, vanishing));
  const removed = jobs.filter((job, i) => results[i]?.problem && rollBack(job, after, system));
  return { results, after: removed.length > 0 ? { ...after, entries: readEntries(system.binfmt) } : after };
}

function isRegistration(job: Job): job is RegisterJob {
  return job.step.kind === 'register';
}

function runs({ architecture, level }: Platform, { probes }: Snapshot): boolean {
  return runsEverywhere(probes.get(architecture), level);
}

/** Undefined if somebody else keeps the mount. */
async function keeperOf({ binfmt, launcher }: System): Promise<KeptBy | undefined> {
  return binfmt.kind === 'writable' && isOwnMount(binfmt) ? ensurePersistent(binfmt, launcher) : undefined;
}

/** Not for a rootless engine, whose entries end with it. */
async function keepForSuccessor({ binfmt, launcher }: System): Promise<void> {
  if (binfmt.kind === 'writable' && binfmt.keeper === undefined) await mountOnHost(launcher);
}

/** Why nothing at all may be registered. */
function blockingProblem({ binfmt }: System, keptBy: KeptBy | undefined): Problem | undefined {
  if (binfmt.kind !== 'writable') return undefined;
  if (isSwitchedOff(binfmt.dir)) return switchedOffProblem(binfmt.dir);
  return keptBy === 'nothing' ? vanishingProblem(binfmt.dir) : undefined;
}

interface Trials {
  /** Why some may not be replaced, by architecture. */
  readonly problems: ReadonlyMap<Architecture, Problem>;
  /** Removes the entries of the trials. */
  end(): void;
}

/**
 * An entry that works is replaced only by an emulator that was seen to work: it is registered under another name, in
 * front of that entry, and tried. It stays until it is registered under its own name, so that programs of the platform can be
 * started at every moment.
 */
async function tryReplacements(planned: readonly Job[], system: System): Promise<Trials> {
  const { binfmt, host } = system;
  const problems = new Map<Architecture, Problem>();
  if (binfmt.kind !== 'writable') return { problems, end() {} };
  const trials = planned.filter(isRegistration).flatMap(({ platform, step }) => {
    if (!step.replacesWorking) return [];
    const name = trialName(step.registration.name, process.pid);
    const refused = register(binfmt.dir, { ...step.registration, name }, host.ownPrograms);
    if (refused) problems.set(platform.architecture, refused);
    const remove = () => void unregister(binfmt.dir, name);
    const removed = undoAtEnd(remove);
    const end = () => {
      remove();
      removed();
    };
    return refused ? [] : [{ architecture: platform.architecture, end }];
  });
  const endWhere = (so: (architecture: Architecture) => boolean) => {
    for (const { architecture, end } of trials) if (so(architecture)) end();
  };
  // The variant that was asked for does not matter here: the emulator has to be no worse than the one before.
  const platforms = trials.map(({ architecture }): Platform => ({ architecture }));
  try {
    const snapshot = await takeSnapshot(system, { probes: platforms.map(({ architecture }) => architecture) });
    const failed = platforms.filter((platform) => !runs(platform, snapshot));
    for (const [architecture, problem] of await problemsOf(failed, system)) {
      problems.set(architecture, afterTrial(problem));
    }
  } catch (error) {
    endWhere(() => true);
    throw error;
  }
  endWhere((architecture) => problems.has(architecture));
  return { problems, end: () => endWhere((architecture) => !problems.has(architecture)) };
}

/** Removes an entry of the same name first, because a name can be registered only once. */
function executeStep({ registration, replaces }: RegisterJob['step'], { binfmt, host }: System): Problem | undefined {
  if (binfmt.kind !== 'writable') return binfmt.problem;
  const problem = replaces && unregister(binfmt.dir, replaces.name);
  return problem ?? register(binfmt.dir, registration, host.ownPrograms);
}

/**
 * `recheck`: another process's mount kept the entries while they were registered, and that process may have ended:
 * then the entries that are gone do not run any more.
 */
async function probeAgain(
  changed: readonly RegisterJob[],
  { before, recheck }: { readonly before: Snapshot; readonly recheck: boolean },
  system: System,
): Promise<Snapshot> {
  if (changed.length === 0) return before;
  const probes = changed.map(({ platform }) => platform.architecture);
  const known = new Map([...before.probes].filter(([architecture]) => !probes.includes(architecture)));
  const probed = await takeSnapshot(system, { probes, known });
  if (!recheck) return probed;
  if (system.binfmt.kind === 'writable') await remount(system.binfmt.dir, system.launcher);
  const entries = readEntries(system.binfmt);
  const gone = changed
    .filter(({ step }) => !entries.some(({ name }) => name === step.registration.name))
    .map(({ platform }) => platform.architecture);
  const remaining = [...probed.probes].filter(([architecture]) => !gone.includes(architecture));
  return { ...probed, entries, probes: new Map(remaining) };
}

/** What doctor says about platforms that do not run: the first problem of each. */
async function problemsOf(platforms: readonly Platform[], system: System): Promise<ReadonlyMap<Architecture, Problem>> {
  if (platforms.length === 0) return new Map();
  const found = diagnose(await collectDoctorInput(system, { platforms, repeat: 1 }));
  return new Map(
    platforms.map((platform): [Architecture, Problem] => {
      const subject = formatPlatform(platform);
      const problem = found.find((each) => each.subject === subject && each.severity === 'problem');
      return [
        platform.architecture,
        problem
          ? afterInstall(problem)
          : problemOf(unreliable, subject, {}, [{ do: 'consider', what: 'try-again-later' }]),
      ];
    }),
  );
}

function resultOf(
  { platform, step, refused }: Job,
  after: Snapshot,
  problems: ReadonlyMap<Architecture, Problem>,
  vanishing: boolean,
): InstallResult {
  if (step.kind === 'impossible') return { platform, problem: step.problem };
  const registered = step.kind === 'register' && !refused ? step.registration.name : undefined;
  if (runs(platform, after)) {
    return { platform, registered, note: refused ? { kind: 'runs-anyway', problem: refused } : step.note };
  }
  const problem = problems.get(platform.architecture);
  // It runs, but not up to the variant that was asked for, or not in every container: its entry stays.
  if (after.probes.get(platform.architecture)?.verdict.kind === 'runs') return { platform, registered, problem };
  if (registered === undefined) return { platform, problem: refused ?? problem };
  if (after.entries.some(({ name }) => name === registered)) return { platform, problem };
  if (vanishing && after.binfmt.kind === 'writable') {
    return { platform, problem: vanishingProblem(after.binfmt.dir) };
  }
  const advice = [{ do: 'watch', platforms: [shortPlatform(platform)] }] as const;
  return { platform, problem: problemOf(entryRemoved, formatPlatform(platform), { entry: registered }, advice) };
}

/**
 * Returns whether it removed the entry.
 *
 * An entry that only breaks programs is worse than none. One that could not be tested may work, and stays. So does one
 * that is as it was before: a test program may fail because of limits that only this process has.
 */
function rollBack({ platform, step, refused }: Job, after: Snapshot, { binfmt }: System): boolean {
  const verdict = after.probes.get(platform.architecture)?.verdict;
  if (step.kind !== 'register' || refused || binfmt.kind !== 'writable') return false;
  if (verdict?.kind === 'runs' || verdict?.kind === 'untried') return false;
  if (step.replaces?.enabled && sameRegistration(step.replaces, step.registration)) return false;
  return unregister(binfmt.dir, step.registration.name) === undefined;
}

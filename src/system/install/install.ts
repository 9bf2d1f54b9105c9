/**
 * Makes platforms run: plans each, registers what is missing, and probes again. Only a platform whose test program then
 * runs is a success. This is the one file that decides to change entries for an installation; it does so in three
 * places: trying an emulator, carrying out a step, and rolling it back.
 */

import { type Registration, sameRegistration } from '../../core/binfmt/entry.js';
import { runsEverywhere } from '../../core/binfmt/probe.js';
import { isOwnMount, type Snapshot } from '../../core/binfmt/snapshot.js';
import { afterInstall, afterTrial } from '../../core/doctor/after-install.js';
import { switchedOffProblem, vanishingProblem } from '../../core/doctor/binfmt-errors.js';
import { entryRemoved, unreliable } from '../../core/install/emulator-problems.js';
import { type InstallOptions, type InstallResult, planInstall, type Step } from '../../core/install/plan.js';
import { trialName } from '../../core/install/temporary-names.js';
import type { Architecture } from '../../core/platform/architectures.js';
import { formatPlatform, type Platform, shortPlatform } from '../../core/platform/platform.js';
import { ENTRY_KEPT, type Problem, problemOf } from '../../core/problem.js';
import { inodeOf, isSwitchedOff, ownId, readEntries, register, unregister } from '../binfmt/entries.js';
import { ensurePersistent, type KeptBy, mountOnHost, remount } from '../binfmt/persistence.js';
import { undoAtEnd } from '../cleanup.js';
import type { System } from '../system.js';
import { takeSnapshot } from '../take-snapshot.js';
import { openToContainers } from './relabel.js';
import { leaveStandIn, registerIfRuns } from './stand-in.js';

export interface InstallRequest {
  readonly platforms: readonly Platform[];
  readonly options: InstallOptions;
  /** The machine now, with the probes of these platforms and with emulators. */
  readonly before: Snapshot;
  /** Must entries outlive this program? `if possible`: it stays and keeps them, and a successor finds them. */
  readonly lasting: 'yes' | 'if possible' | 'no';
  /** Registers an emulator that is not among this program's own files; undefined: they all are. */
  readonly register?: Register;
}

/** Registers an entry; resolves to why the kernel refused it. */
export type Register = (registration: Registration) => Promise<Problem | undefined>;

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
  /** Of the entry that it has registered; undefined if that was gone at once. */
  readonly inode?: number;
}

type RegisterJob = Job & { readonly step: Extract<Step, { kind: 'register' }> };

export async function installPlatforms(request: InstallRequest, system: System): Promise<Installation> {
  const { platforms, options, before, lasting } = request;
  const planned = platforms.map((platform): Job => ({ platform, step: planInstall(platform, options, before) }));
  const changing = planned.some(isRegistration);
  if (lasting === 'if possible') await keepForSuccessor(system);
  const keptBy = changing && lasting === 'yes' ? await keeperOf(system) : undefined;
  const blocking = changing ? blockingProblem(system, keptBy) : undefined;
  if (changing && !blocking && !request.register) await openToContainers(system);
  const register = request.register ?? registerHere(system);
  const trials = blocking ? undefined : await tryReplacements(planned, register, system);
  const jobs: Job[] = [];
  for (const job of planned) {
    const problem = trials?.problems.get(job.platform.architecture);
    if (problem) jobs.push({ platform: job.platform, step: { kind: 'impossible', problem } });
    else if (!isRegistration(job)) jobs.push(job);
    else if (blocking) jobs.push({ ...job, refused: blocking });
    else jobs.push(await carryOut(job, trials?.passed.get(job.platform.architecture), register, system));
  }

  const changed = jobs.filter(isRegistration);
  const after = await probeAgain(changed, { before, recheck: keptBy === 'mount' }, system);
  const failed = jobs.filter(({ platform, step }) => step.kind !== 'impossible' && !runs(platform, after));
  const problems = await problemsOf(
    failed.map(({ platform }) => platform),
    system,
  );
  // Only a mount that this program made, and that another process kept alive, takes entries with it.
  const vanishing = keptBy === 'mount';
  // An entry may have been removed while it was tested, or registered again.
  const isAsTested = failed.length === 0 && !jobs.some(({ step }) => step.kind === 'impossible');
  const now = isAsTested ? after : { ...after, entries: readEntries(system.binfmt) };
  const results = jobs.map((job) => resultOf(job, now, problems, vanishing));
  const removed = jobs.filter((job, i) => results[i]?.problem && rollBack(job, after, system));
  return { results, after: removed.length > 0 ? { ...after, entries: readEntries(system.binfmt) } : now };
}

function isRegistration(job: Job): job is RegisterJob {
  return job.step.kind === 'register';
}

function runs({ architecture, level }: Platform, { probes }: Snapshot): boolean {
  return runsEverywhere(probes.get(architecture), level);
}

/** Emulators among this program's own files. */
function registerHere({ binfmt, host }: System): Register {
  return async (registration) =>
    binfmt.kind === 'writable' ? register(binfmt.dir, registration, host.ownPrograms) : binfmt.problem;
}

/** Why nothing at all can be registered so that it lasts, or can be registered at all. */
export async function registrationBlocked(system: System): Promise<Problem | undefined> {
  if (system.binfmt.kind !== 'writable') return system.binfmt.problem;
  return blockingProblem(system, await keeperOf(system));
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

interface Replacements extends Pick<Trials, 'passed'> {
  /** Why some may not be replaced, by architecture. */
  readonly problems: ReadonlyMap<Architecture, Problem>;
}

/**
 * An entry that works is replaced only by an emulator that was seen to work. The entry of the trial stays until the emulator is
 * registered under its own name, so that programs of the platform can be started at every moment.
 */
async function tryReplacements(planned: readonly Job[], register: Register, system: System): Promise<Replacements> {
  const trials = planned.filter(isRegistration).filter(({ step }) => step.replacesWorking);
  const emulators = trials.map(({ platform, step: { registration } }) => ({ platform, registration }));
  const { refused, failed, passed } = await tryEmulators(emulators, register, system);
  const problems = new Map([...refused, ...[...failed].map(([key, problem]) => [key, afterTrial(problem)] as const)]);
  return { problems, passed };
}

export interface Trial {
  readonly platform: Platform;
  readonly registration: Registration;
}

/** The entry of an emulator that ran the test program. It is removed when this program ends, unless it is kept. */
interface TrialEntry {
  readonly name: string;
  keep(): void;
  end(): void;
}

/** What became of some emulators. */
export interface Trials {
  /** The kernel did not register them. */
  readonly refused: ReadonlyMap<Architecture, Problem>;
  /** They were registered, and did not run the test program. They are removed already. */
  readonly failed: ReadonlyMap<Architecture, Problem>;
  readonly passed: ReadonlyMap<Architecture, TrialEntry>;
}

/** Registers emulators under other names, in front of every other entry. */
export async function tryEmulators(emulators: readonly Trial[], register: Register, system: System): Promise<Trials> {
  const { binfmt } = system;
  const refused = new Map<Architecture, Problem>();
  const trials = new Map<Architecture, TrialEntry>();
  if (binfmt.kind !== 'writable') return { refused, failed: new Map(), passed: trials };
  try {
    for (const { platform, registration } of emulators) {
      const name = trialName(registration.name, ownId());
      const remove = () => void unregister(binfmt.dir, name);
      const keep = undoAtEnd(remove);
      const problem = await register({ ...registration, name });
      const end = () => {
        remove();
        keep();
      };
      if (problem) refused.set(platform.architecture, problem);
      if (problem) keep();
      else trials.set(platform.architecture, { name, keep, end });
    }
    // The variant that was asked for does not matter here: the emulator has to be no worse than the one before.
    const platforms = [...trials.keys()].map((architecture): Platform => ({ architecture }));
    const snapshot = await takeSnapshot(system, { probes: [...trials.keys()] });
    const broken = platforms.filter((platform) => !runs(platform, snapshot));
    const failed = await problemsOf(broken, system);
    for (const architecture of failed.keys()) trials.get(architecture)?.end();
    return { refused, failed, passed: new Map([...trials].filter(([architecture]) => !failed.has(architecture))) };
  } catch (error) {
    for (const { end } of trials.values()) end();
    throw error;
  }
}

/**
 * Carries out a step. `trial`: an entry that works is replaced. If the kernel refuses the new one when the old one is gone
 * already, the old one is registered again; if that does not work either, the trial stays.
 */
async function carryOut(
  job: RegisterJob,
  trial: TrialEntry | undefined,
  register: Register,
  system: System,
): Promise<Job> {
  const { binfmt } = system;
  const { platform, step } = job;
  const { registration, replaces } = step;
  // Until the new entry is there, nothing else may run the platform. So the trial also stays if this program ends now.
  trial?.keep();
  const done = await executeStep(step, register, system);
  const isGone = binfmt.kind === 'writable' && inodeOf(binfmt.dir, registration.name) === undefined;
  if (!trial || !done.refused || !isGone) {
    trial?.end();
    return { ...job, ...done };
  }
  const { refused } = done;
  const restored = replaces?.enabled && (await registerIfRuns(replaces, platform.architecture, register, system));
  if (restored) trial.end();
  const problem = restored
    ? { ...refused, facts: { ...refused.facts, [ENTRY_KEPT]: true } }
    : leaveStandIn(registration.name, trial.name, refused, binfmt.dir);
  return { platform, step: { kind: 'impossible', problem } };
}

/**
 * Removes an entry of the same name first, because a name can be registered only once. It is the entry that was seen: what
 * another process has registered instead may work, and stays.
 */
async function executeStep(
  { registration, replaces }: RegisterJob['step'],
  register: Register,
  { binfmt }: System,
): Promise<Pick<Job, 'refused' | 'inode'>> {
  if (binfmt.kind !== 'writable') return { refused: binfmt.problem };
  const kept = replaces && unregister(binfmt.dir, replaces.name, replaces.inode);
  const refused = kept ?? (await register(registration));
  return refused ? { refused } : { inode: inodeOf(binfmt.dir, registration.name) };
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
  const { collectDoctorInput } = await import('../host/doctor-input.js');
  const { diagnose } = await import('../../core/doctor/diagnose.js');
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
  { platform, step, refused, inode }: Job,
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
  if (after.entries.some((entry) => entry.name === registered && entry.inode === inode)) return { platform, problem };
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
function rollBack({ platform, step, refused, inode }: Job, after: Snapshot, { binfmt }: System): boolean {
  const verdict = after.probes.get(platform.architecture)?.verdict;
  if (step.kind !== 'register' || refused || binfmt.kind !== 'writable' || inode === undefined) return false;
  if (verdict?.kind === 'runs' || verdict?.kind === 'untried') return false;
  if (step.replaces?.enabled && sameRegistration(step.replaces, step.registration)) return false;
  return unregister(binfmt.dir, step.registration.name, inode) === undefined;
}

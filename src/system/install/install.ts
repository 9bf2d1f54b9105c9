/**
 * Makes platforms run: plans each, registers what is missing, and probes again. Only a platform whose test program then
 * runs is a success. This is the one file that decides to change entries for an installation; it does so in three
 * places: trying an emulator, carrying out a step, and rolling it back.
 */
import { sameRegistration } from '../../core/binfmt/entry.js';
import { isOwnMount, type Snapshot } from '../../core/binfmt/snapshot.js';
import { switchedOffProblem, vanishingProblem } from '../../core/doctor/mount-errors.js';
import { afterTrial } from '../../core/install/after-install.js';
import { entryRemoved } from '../../core/install/emulator-problems.js';
import { type InstallOptions, type InstallResult, planInstall, type Step } from '../../core/install/plan.js';
import type { Architecture } from '../../core/platform/architectures.js';
import { formatPlatform, type Platform, shortPlatform } from '../../core/platform/platform.js';
import { ENTRY_KEPT, type Problem, problemOf } from '../../core/problem.js';
import { inodeOf, isSwitchedOff, readEntries, register, unregister } from '../binfmt/entries.js';
import { ensurePersistent, type KeptBy, mountOnHost, remount } from '../binfmt/persistence.js';
import type { System } from '../system.js';
import { takeSnapshot } from '../take-snapshot.js';
import { problemsOf, runs } from './failures.js';
import { openToContainers } from './relabel.js';
import { leaveStandIn, registerIfRuns } from './stand-in.js';
import { type Register, type TrialEntry, type Trials, tryEmulators } from './trials.js';

export interface InstallRequest {
  readonly platforms: readonly Platform[];
  readonly options: InstallOptions;
  /** The machine now, with the probes of these platforms and with emulators. */
  readonly before: Snapshot;
  /** Must entries outlive binfmt? `if possible`: it stays and keeps them, and a successor finds them. */
  readonly lasting: 'yes' | 'if possible' | 'no';
  /** Registers an emulator that is not among binfmt's own files; undefined: they all are. */
  readonly register?: Register;
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
  // Only a mount that binfmt made, and that another process kept alive, takes entries with it.
  const vanishing = keptBy === 'mount';
  // An entry may have been removed while it was tested, or registered again.
  const isAsTested = failed.length === 0 && !jobs.some(({ step }) => step.kind === 'impossible');
  const now = isAsTested ? after : { ...after, entries: readEntries(system.binfmt) };
  const results = jobs.map((job) => {
    const { registered, ...result } = resultOf(job, now, problems, vanishing);
    return result.problem && rollBack(job, after, system) ? result : { ...result, registered };
  });
  return { results, after: failed.length > 0 ? { ...after, entries: readEntries(system.binfmt) } : now };
}

function isRegistration(job: Job): job is RegisterJob {
  return job.step.kind === 'register';
}

/** Emulators among binfmt's own files. */
function registerHere({ binfmt, host }: System): Register {
  return async (registration) =>
    binfmt.kind === 'writable' ? register(binfmt.dir, registration, host.ownPrograms) : binfmt.problem;
}

/** Why nothing at all can be registered so that it lasts, or can be registered at all. */
export async function registrationBlocked(system: System): Promise<Problem | undefined> {
  if (system.binfmt.kind !== 'writable') return system.binfmt.problem;
  return blockingProblem(system, await keeperOf(system));
}

/** Undefined if another process keeps the mount. */
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
  // Until the new entry is there, nothing else may run the platform. So the trial also stays if binfmt ends now.
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
  if (after.entries.some((entry) => entry.name === registered && entry.inode === inode)) {
    return { platform, registered, problem };
  }
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

/**
 * Installs emulators on the host, so that it has them now and at every boot. They are complete on the host, and have run their
 * test programs from there, before the first file gets its name.
 */
import path from 'node:path';
import type { Advice } from '../../core/advice.js';
import { type Registration, registrationOf, sameRegistration } from '../../core/binfmt/entry.js';
import type { Emulator, Snapshot } from '../../core/binfmt/snapshot.js';
import { afterInstall, afterTrial } from '../../core/install/after-install.js';
import { type InstallResult, planInstall, wantedFlags } from '../../core/install/plan.js';
import { filesOfEntry, type HostFile, hostInterpreter, MANIFEST } from '../../core/persist/entry-files.js';
import {
  hostFileChanged,
  hostFileKept,
  hostFileUnknown,
  hostWriteFailed,
} from '../../core/persist/persist-problems.js';
import type { Architecture } from '../../core/platform/architectures.js';
import type { Platform } from '../../core/platform/platform.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { reportProblem } from '../../core/report/render.js';
import type { Line, Report } from '../../core/report/report-lines.js';
import type { HostTree } from '../host/host-tree.js';
import { type Installation, type InstallRequest, installPlatforms, registrationBlocked } from '../install/install.js';
import { tryEmulators } from '../install/trials.js';
import type { System } from '../system.js';
import { type BootFormat, bootNotes } from './boot-notes.js';
import { type StagedFiles, stageFiles } from './host-files.js';
import { registerFrom } from './host-register.js';
import type { Unlisted } from './host-removal.js';
import type { HostFailure } from './host-write.js';
import { withHostFiles } from './target-host.js';

/** The host whose files are written. */
export interface TargetHost extends BootFormat {
  readonly tree: HostTree;
  /** What makes the host read the configuration at boot, if nothing does yet. */
  readonly enable?: HostFile;
}

/** An emulator that is to be on the host. */
interface Candidate {
  readonly platform: Platform;
  readonly emulator: Emulator;
  readonly registration: Registration;
}

export interface Persisted extends Installation {
  /** Why nothing at all was written, or what the user should know about the next boot. */
  readonly persisted: Report;
}

export async function persistPlatforms(
  request: Omit<InstallRequest, 'lasting' | 'register'>,
  target: TargetHost,
  system: System,
): Promise<Persisted> {
  const before = onHost(request.before);
  const candidates = request.platforms.flatMap((platform) => candidateFor(platform, { ...request, before }) ?? []);
  if (candidates.length === 0) {
    return { ...(await installOnHost(request, before, target, system)), persisted: { lines: [], exit: 0 } };
  }
  const failed = (problem: Problem) => ({ results: [], after: before, persisted: reportProblem(problem) });
  const blocked = await registrationBlocked(system);
  if (blocked) return failed(blocked);

  const wanted = wantedFiles(candidates, request.before, target);
  const staged = await stageFiles(target.tree, wanted, request.options.force);
  if ('kind' in staged) return failed(problemWith(staged));
  try {
    const failures = await tryStaged(candidates, staged, before, target, system);
    const good = candidates.filter(({ platform }) => !failures.has(platform.architecture));
    const failure = await staged.commit(namesOf(good, request.before, target));
    if (failure) return failed(problemWith(failure));
    const platforms = request.platforms.filter(({ architecture }) => !failures.has(architecture));
    const renew = new Set(good.filter((each) => needsRenewal(each, staged, before)).map(architectureOf));
    const installed = await installOnHost({ ...request, platforms, renew }, before, target, system);
    const broken = request.platforms.flatMap((platform): InstallResult[] => {
      const problem = failures.get(platform.architecture);
      return problem ? [{ platform, problem }] : [];
    });
    const entries = good.map(({ registration: { name }, platform }) => ({ architecture: platform.architecture, name }));
    const notes = good.length > 0 ? await bootNotes(target.tree, target, entries) : [];
    const lines = notes.map((note): Line => ({ kind: 'note', note }));
    return { ...installed, results: [...installed.results, ...broken], persisted: { lines, exit: 0 } };
  } finally {
    staged.discard();
  }
}

const architectureOf = ({ platform }: Candidate): Architecture => platform.architecture;

/** The same picture, with each emulator where it will be on the host. */
function onHost(before: Snapshot): Snapshot {
  const emulators = [...before.emulators].map(
    ([architecture, emulator]) => [architecture, { ...emulator, path: hostInterpreter(emulator.name) }] as const,
  );
  return { ...before, emulators: new Map(emulators) };
}

/** Undefined if the host needs no emulator of binfmt, or cannot have it. */
function candidateFor(platform: Platform, { options, before }: Omit<InstallRequest, 'lasting'>): Candidate | undefined {
  const emulator = before.emulators.get(platform.architecture);
  const renew = new Set([platform.architecture]);
  const step = planInstall(platform, { ...options, keep: false, renew }, before);
  if (emulator === undefined || emulator.unusable || step.kind !== 'register') return undefined;
  const { name, path: interpreter } = emulator;
  const flags = wantedFlags(options, before.kernel);
  return { platform, emulator, registration: registrationOf(platform.architecture, { name, interpreter, flags }) };
}

function wantedFiles(candidates: readonly Candidate[], before: Snapshot, { format, enable }: TargetHost): HostFile[] {
  const files = candidates.flatMap(({ platform, registration }) =>
    filesOfEntry(format, registration, before.emulators.get(platform.architecture)?.path ?? ''),
  );
  return enable ? [...files, enable] : files;
}

const namesOf = (candidates: readonly Candidate[], before: Snapshot, target: TargetHost) =>
  candidates.length > 0 ? wantedFiles(candidates, before, target).map(({ path }) => path) : [];

/** Why some emulators do not work from where they are now, under the names that they have until they are all complete. */
async function tryStaged(
  candidates: readonly Candidate[],
  staged: StagedFiles,
  before: Snapshot,
  { tree }: TargetHost,
  system: System,
): Promise<ReadonlyMap<Architecture, Problem>> {
  await system.prober.forget();
  const trials = candidates.map(({ platform, registration }) => {
    const interpreter = `/${staged.pathOf(registration.interpreter.slice(1))}`;
    return { platform, registration: { ...registration, interpreter } };
  });
  const { refused, failed, passed } = await tryEmulators(trials, registerFrom(tree.root, system), system);
  for (const { end } of passed.values()) end();
  const works = (architecture: Architecture) => before.probes.get(architecture)?.verdict.kind === 'runs';
  const problems = [...failed].map(
    ([architecture, problem]) =>
      [architecture, works(architecture) ? afterTrial(problem) : afterInstall(problem)] as const,
  );
  return new Map([...refused, ...problems]);
}

/** Its file was replaced, or another one is registered, whose text may be the same. */
function needsRenewal({ registration, platform }: Candidate, staged: StagedFiles, before: Snapshot): boolean {
  const entry = before.entries.find(({ name }) => name === registration.name);
  if (entry === undefined || staged.isChanged(registration.interpreter.slice(1))) return true;
  const version = before.registeredVersions.get(platform.architecture);
  const other = version !== before.emulators.get(platform.architecture)?.version;
  return other || !entry.enabled || !sameRegistration(entry, registration);
}

type Request = Omit<InstallRequest, 'lasting' | 'register'> & { readonly renew?: ReadonlySet<Architecture> };

function installOnHost(
  { platforms, options, renew }: Request,
  before: Snapshot,
  { tree }: TargetHost,
  system: System,
): Promise<Installation> {
  const register = registerFrom(tree.root, system);
  return installPlatforms({ platforms, options: { ...options, renew }, before, lasting: 'yes', register }, system);
}

export function problemWith(failure: HostFailure): Problem {
  if (failure.kind === 'changed') return problemOf(hostFileChanged, 'machine', { files: failure.files });
  const { directory, errno, half } = failure;
  const advice = ['EACCES', 'EPERM'].includes(errno) ? [withHostFiles()] : [];
  return problemOf(hostWriteFailed, directory, { directory, errno, half }, advice);
}

/** `root`: the host's root directory as the user sees it. */
export function keptProblem(
  entry: string,
  { root, files, whole }: { readonly root: string; readonly files: readonly string[]; readonly whole: boolean },
): Problem {
  const facts = { files: files.map((file) => `/${file}`), entry: whole };
  return problemOf(hostFileKept, entry, facts, [deleteFiles(root, files)]);
}

export function unknownProblem(entry: string, root: string, { files, state }: Unlisted): Problem {
  const facts = { files: files.map((file) => `/${file}`), manifest: `/${MANIFEST}`, state };
  // One that cannot be read says nothing, and the next installation would stop at it.
  const advice = deleteFiles(root, state === 'unreadable' ? [...files, MANIFEST] : files);
  return problemOf(hostFileUnknown, entry, facts, [advice]);
}

function deleteFiles(root: string, files: readonly string[]): Advice {
  return { do: 'delete-files', files: files.map((file) => path.join(root, file)) };
}

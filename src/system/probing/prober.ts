/**
 * Runs probes, all at the same time, in an empty root directory that is made for them: containers are as empty as that.
 * If something is forbidden (chroot, or every directory is read-only or noexec) it makes do with less.
 */
import os from 'node:os';
import { type ProbeResult, SHORTAGES, verdictOf } from '../../core/binfmt/probe.js';
import { loaderExecutable } from '../../core/binfmt/probe-executable.js';
import { type Architecture, architectures } from '../../core/platform/architectures.js';
import { selinuxEnforces } from '../host/selinux.js';
import { PROBE_LIMIT } from './first-probes.js';
import { type Executable, type ExecutionOutcome, type InterpreterFile, type Launcher, osNames } from './launcher.js';
import { executableBelow, type ProbeDirectory, type ProbeRequest, withExecutables } from './probe-directory.js';

/** Where a directory may be made, the best place first. A read-only container still has a writable /dev. */
export const PARENTS = [os.tmpdir(), '/dev/shm', '/run', '/dev'];

/** How often a probe is tried alone that had too little of the processor's time. */
const STARVED_TRIES = 3;

export interface Prober {
  /**
   * To be called before or after something is removed: what ran while Node.js started may not be true any more. A registration
   * changes nothing for platforms that were not asked for, and those that were have been probed already.
   */
  forget(): Promise<void>;
  /** The outcomes have the order of the requests; undefined: it could not be started at all. */
  run(requests: readonly ProbeRequest[]): Promise<(ExecutionOutcome | undefined)[]>;
  /**
   * The interpreter that the kernel starts for the probe of each architecture. A dynamically linked emulator is seen too, if
   * its loader has one of the usual paths. Undefined if none was seen.
   */
  inspect(architectures: readonly Architecture[]): Promise<(InterpreterFile | undefined)[]>;
}

/**
 * `own`: this machine's own architecture. Its probe runs everywhere, and so shows whether a directory can be used. The
 * directory that was found is used for later calls too.
 */
export function createProber(launcher: Launcher, own: Architecture | undefined): Prober {
  let candidates: ProbeDirectory[] = [...PARENTS.map((parent) => ({ parent, chroot: true })), { chroot: false }];
  let settled = own === undefined;
  const runInBest = async (requests: readonly ProbeRequest[]): Promise<ExecutionOutcome[]> => {
    for (;;) {
      const [directory] = candidates as [ProbeDirectory, ...ProbeDirectory[]];
      const control = settled || own === undefined ? [] : [{ architecture: own }];
      const outcomes = await runIn(directory, [...control, ...requests], launcher);
      if (outcomes?.some(({ kind }) => kind === 'chroot')) {
        candidates = candidates.map((candidate) => ({ ...candidate, chroot: false }));
      } else if (candidates.length > 1 && (outcomes === undefined || isForbidden(outcomes[0], control.length))) {
        candidates = candidates.slice(1);
      } else {
        settled = true;
        return outcomes?.slice(control.length) ?? [];
      }
    }
  };
  let known: Map<Architecture, ExecutionOutcome> | undefined;
  /** What the launcher has run while Node.js started. Each of these outcomes serves once. */
  const firstOutcomes = async (requests: readonly ProbeRequest[]) => {
    known ??= conclusiveOutcomes(await launcher.takeFirstOutcomes());
    const outcomes = known;
    return requests.map(({ architecture, environment, program }) => {
      if (environment || program) return undefined;
      const outcome = outcomes.get(architecture);
      outcomes.delete(architecture);
      return outcome;
    });
  };
  /**
   * All at once may be too much for this machine: what was too slow, or lacked a resource, is tried alone. What had too little of
   * the processor's time is tried more often, because that is the machine's fault.
   */
  const settle = async (request: ProbeRequest, outcome: ExecutionOutcome | undefined, alone: boolean) => {
    let last = outcome;
    for (let tries = alone ? 1 : 0; last && mayDiffer(last, tries); tries++) [last] = await runInBest([request]);
    return last ?? outcome;
  };
  const run = async (requests: readonly ProbeRequest[]) => {
    if (requests.length === 0) return [];
    const first = await firstOutcomes(requests);
    const rest = requests.filter((_, i) => first[i] === undefined);
    const others = rest.length > 0 ? await runInBest(rest) : [];
    const outcomes = requests.map((request, i) => first[i] ?? others[rest.indexOf(request)]);
    const alone = requests.length === 1 && first[0] === undefined;
    for (const [i, request] of requests.entries()) outcomes[i] = await settle(request, outcomes[i], alone);
    return outcomes;
  };
  const inspect = async (architectures: readonly Architecture[]) => {
    if (!settled) await runInBest([]);
    const [best] = candidates as [ProbeDirectory, ...ProbeDirectory[]];
    const requests = architectures.map((architecture) => ({ architecture }));
    const seen = await withExecutables(best, requests, launcher, ({ executions, files, directory }) => {
      const loaders = own && directory !== undefined && best.chroot ? loadersIn(directory, own) : [];
      return launcher.inspectExec(executions, PROBE_LIMIT, [...files, ...loaders]);
    });
    return seen ?? [];
  };
  const forget = async () => {
    await launcher.takeFirstOutcomes();
    known = new Map();
  };
  return { run, inspect, forget };
}

/** Without a loader in the empty root directory the kernel would not start a dynamically linked emulator at all. */
function loadersIn(directory: string, own: Architecture): Executable[] {
  return (own.loaders ?? []).map((file) => executableBelow(directory, file, loaderExecutable(own)));
}

/** Whether another try alone may have another outcome. */
const mayDiffer = (outcome: ExecutionOutcome, tries: number) =>
  lackedSomething(outcome) && tries < (outcome.kind === 'starved' ? STARVED_TRIES : 1);

function lackedSomething({ kind, number }: ExecutionOutcome): boolean {
  return kind === 'timeout' || kind === 'starved' || (kind === 'exec' && SHORTAGES.has(osNames.errno(number)));
}

/** The control, the first outcome, did not run: its directory is noexec, for example. */
function isForbidden(outcome: ExecutionOutcome | undefined, controls: number): boolean {
  return controls > 0 && outcome?.kind === 'exec' && !lackedSomething(outcome);
}

/**
 * Those that leave no doubt: the probe runs, no entry matches it, or it was too slow and is tried alone. Every other one may be
 * due to the directory that the build made, and is tried again in the usual way.
 */
function conclusiveOutcomes(outcomes: readonly ExecutionOutcome[]): Map<Architecture, ExecutionOutcome> {
  const all = architectures.flatMap((architecture, i): [Architecture, ExecutionOutcome][] => {
    const outcome = outcomes[i];
    return outcome ? [[architecture, outcome]] : [];
  });
  return new Map(
    all.filter(([architecture, outcome]) => {
      const verdict = verdictOf(architecture, outcome, osNames);
      if (verdict.kind === 'refused') return verdict.errno === 'ENOEXEC';
      return verdict.kind === 'runs' || verdict.kind === 'timeout';
    }),
  );
}

/** Undefined: the directory cannot be used at all. */
function runIn(
  directory: ProbeDirectory,
  requests: readonly ProbeRequest[],
  launcher: Launcher,
): Promise<ExecutionOutcome[] | undefined> {
  return withExecutables(directory, requests, launcher, ({ executions, files }) =>
    launcher.run(executions, PROBE_LIMIT, files),
  );
}

/** What an outcome says about an architecture. */
export function probeResultOf(architecture: Architecture, outcome: ExecutionOutcome): ProbeResult {
  const { ranBy, microseconds, label } = outcome;
  const labelled = typeof ranBy === 'object' && label !== '' && selinuxEnforces();
  return { verdict: verdictOf(architecture, outcome, osNames), ranBy, microseconds, ...(labelled && { label }) };
}

/** Installs as usual, but behind an entry that stays in front (--after NAME), or not at all. */
import { type FrontEntry, findFrontEntry } from '../../core/install/keep-in-front.js';
import type { InstallResult } from '../../core/install/plan.js';
import type { Problem } from '../../core/problem.js';
import { readEntries, unregister } from '../binfmt/entries.js';
import type { System } from '../system.js';
import { takeSnapshot } from '../take-snapshot.js';
import { type Installation, type InstallRequest, installPlatforms } from './install.js';
import { putInFront, tryInFront } from './put-in-front.js';

export async function installBehind(
  name: string,
  request: InstallRequest,
  system: System,
): Promise<Installation & { readonly problem?: Problem }> {
  const { before, platforms, options } = request;
  const front = findFrontEntry(name, platforms, before);
  const impossible = front.kind === 'impossible' ? front.problem : await tryInFront(front, before, system);
  if (impossible || front.kind === 'impossible') return { results: [], after: before, problem: impossible };
  // In front of it they are tested as usual.
  const { results, after } = await installPlatforms({ ...request, options: { ...options, force: true } }, system);
  const behind = results.filter((result) => isBehind(result, front));
  if (behind.length === 0) return { results, after };
  const problem = putInFront(front, system);
  const names = before.entries.map((entry) => entry.name);
  const left = problem ? undo(behind, names, system) : [];
  const known = new Map([...after.probes].filter(([architecture]) => !front.architectures.includes(architecture)));
  const noted = results.flatMap((result): InstallResult[] => {
    if (!behind.includes(result)) return [result];
    if (problem) return left.includes(result) ? [{ ...result, note: { kind: 'in-front-of', entry: name } }] : [];
    return [{ ...result, note: { kind: 'behind', entry: name } }];
  });
  return {
    results: noted,
    after: await takeSnapshot(system, { probes: [...after.probes.keys()], known }),
    problem,
  };
}

/** It would take the programs of the entry. */
function isBehind({ platform, problem, note }: InstallResult, { architectures }: FrontEntry): boolean {
  return problem === undefined && note?.kind !== 'native' && architectures.includes(platform.architecture);
}

/** What was not there before goes again, so that the entry is in front as it was. Returns what stays, in front of it. */
function undo(results: readonly InstallResult[], before: readonly string[], { binfmt }: System): InstallResult[] {
  if (binfmt.kind !== 'writable') return [];
  const names = readEntries(binfmt).map(({ name }) => name);
  return results.filter(({ registered }) => {
    if (registered === undefined || !names.includes(registered)) return false;
    return before.includes(registered) || unregister(binfmt.dir, registered) !== undefined;
  });
}

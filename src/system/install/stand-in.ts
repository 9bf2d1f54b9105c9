/**
 * Entries that do the work of another one while its name is free: a copy of it (--after), or the trial of the emulator that
 * takes its place. If the kernel then refuses that name, or if binfmt is killed, they stay, and the next call gives them
 * the name.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Entry, Registration } from '../../core/binfmt/entry.js';
import { runsEverywhere } from '../../core/binfmt/probe.js';
import { activeEntry } from '../../core/binfmt/snapshot.js';
import { entryCopyLeft } from '../../core/install/front-problems.js';
import { isCopy } from '../../core/install/keep-in-front.js';
import { originalOf, triedFor } from '../../core/install/temporary-names.js';
import { type Architecture, architectures, emulatorName } from '../../core/platform/architectures.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { inodeOf, readEntries, register, unregister } from '../binfmt/entries.js';
import type { System } from '../system.js';
import { takeSnapshot } from '../take-snapshot.js';
import type { Register } from './trials.js';

/** The stand-in stays, because the kernel refused an entry of that name. */
export function leaveStandIn(name: string, standIn: string, refused: Problem, dir: string): Problem {
  try {
    // No call uses it any more, so the next one need not wait.
    fs.utimesSync(path.join(dir, standIn), 0, 0);
  } catch {
    // A later call finds it.
  }
  const errno = refused.facts['errno'];
  const facts = { entry: name, copy: standIn, errno: typeof errno === 'string' ? errno : undefined };
  return problemOf(entryCopyLeft, name, facts);
}

export function giveNameBack(
  name: string,
  copy: Entry,
  dir: string,
  ownPrograms: readonly Uint8Array[],
): Problem | undefined {
  const refused = register(dir, { ...copy, name }, ownPrograms);
  if (refused) return leaveStandIn(name, copy.name, refused, dir);
  unregister(dir, copy.name);
  return undefined;
}

/** Registers an entry, and removes it again if it does not run the programs of this architecture. Does it run them? */
export async function registerIfRuns(
  registration: Registration,
  architecture: Architecture,
  register: Register,
  system: System,
): Promise<boolean> {
  const { binfmt, prober } = system;
  if (binfmt.kind !== 'writable' || (await register(registration))) return false;
  await prober.forget();
  const now = await takeSnapshot(system, { probes: [architecture] });
  const isActive = activeEntry(architecture, now)?.name === registration.name;
  if (isActive && runsEverywhere(now.probes.get(architecture))) return true;
  unregister(binfmt.dir, registration.name);
  return false;
}

/** What calls have left that were killed or refused. Returns whether there was anything. */
export async function finishLeft(system: System, isLeft: (name: string) => boolean): Promise<boolean> {
  const { binfmt, host, emulatorDirectory } = system;
  if (binfmt.kind !== 'writable') return false;
  const { dir } = binfmt;
  const own = new Map(architectures.map((each) => [`${emulatorDirectory.prefix}${emulatorName(each)}`, each]));
  const left = readEntries(binfmt).filter(({ name }) => {
    const isStandIn = originalOf(name) !== undefined || own.has(triedFor(name) ?? '');
    return isStandIn && isLeft(name);
  });
  for (const standIn of left) {
    const name = originalOf(standIn.name);
    const original = readEntries(binfmt).find((each) => each.name === name);
    if (name === undefined) await finishTrial(standIn, dir, own, system);
    else if (original === undefined) giveNameBack(name, standIn, dir, host.ownPrograms);
    else if (isCopy(standIn, original)) unregister(dir, standIn.name);
  }
  return left.length > 0;
}

/** Before the trial nothing is removed: if the name is free, the trial was to take the place of an entry that worked. */
async function finishTrial(
  trial: Entry,
  dir: string,
  own: ReadonlyMap<string, Architecture>,
  system: System,
): Promise<void> {
  const name = triedFor(trial.name) ?? '';
  const architecture = own.get(name);
  // A file of the host that was not complete yet had a name of its own.
  const isNeeded = trial.enabled && path.basename(trial.interpreter) === name && inodeOf(dir, name) === undefined;
  const registerHere: Register = async (registration) => register(dir, registration, system.host.ownPrograms);
  const done =
    !isNeeded || !architecture || (await registerIfRuns({ ...trial, name }, architecture, registerHere, system));
  if (done) unregister(dir, trial.name);
}

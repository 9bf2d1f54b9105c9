/**
 * Puts an entry in front of all others: registers it again, exactly as it is. A name can be registered only once, so the
 * entry is gone for a moment; a copy under another name, which is in front already, does its work meanwhile. If this
 * program is killed then, the copy stays, and the next call makes the entry of it again.
 */
import fs from 'node:fs';
import type { ProbeResult } from '../../core/binfmt/probe.js';
import { activeEntry, type Snapshot } from '../../core/binfmt/snapshot.js';
import { copyOf, type FrontEntry, frontProblem, isCopy } from '../../core/install/keep-in-front.js';
import type { Problem } from '../../core/problem.js';
import { ownId, readEntries, register, unregister } from '../binfmt/entries.js';
import { undoAtEnd } from '../cleanup.js';
import type { InterpreterFile } from '../probing/launcher.js';
import type { System } from '../system.js';
import { takeSnapshot } from '../take-snapshot.js';
import { giveNameBack } from './stand-in.js';

/** Why it would not work; undefined if a copy of the entry, registered for a moment, does what the entry does. */
export async function tryInFront(front: FrontEntry, before: Snapshot, system: System): Promise<Problem | undefined> {
  const { entry, architectures } = front;
  const { binfmt, host, prober } = system;
  if (binfmt.kind !== 'writable') return binfmt.problem;
  const keepsOpen = entry.flags.includes('F');
  if (keepsOpen && !fs.existsSync(entry.interpreter)) return frontProblem(entry.name, 'unreachable', entry.interpreter);
  await prober.forget();
  const wasActive = architectures.filter((each) => activeEntry(each, before)?.name === entry.name);
  const files = keepsOpen ? await prober.inspect(wasActive) : [];
  const copy = copyOf(entry, ownId());
  const refused = register(binfmt.dir, copy, host.ownPrograms);
  if (refused) return refused;
  const remove = () => void unregister(binfmt.dir, copy.name);
  const removed = undoAtEnd(remove);
  try {
    const shown = readEntries(binfmt).find(({ name }) => name === copy.name);
    if (shown && !isCopy(shown, entry)) return frontProblem(entry.name, 'changed');
    if (!keepsOpen) return undefined;
    const opened = await prober.inspect(wasActive);
    if (files.some((file, i) => !isSameFile(file, opened[i]))) {
      return frontProblem(entry.name, 'other-file', entry.interpreter);
    }
    const { probes } = await takeSnapshot(system, { probes: architectures });
    const fails = architectures.some((each) => {
      const known = wasActive.includes(each) ? before.probes.get(each) : undefined;
      return !runsLike(probes.get(each), known);
    });
    return fails ? frontProblem(entry.name, 'does-not-run', entry.interpreter) : undefined;
  } finally {
    remove();
    removed();
  }
}

/** Undefined: the entry is in front. */
export function putInFront({ entry }: FrontEntry, { binfmt, host }: System): Problem | undefined {
  if (binfmt.kind !== 'writable') return binfmt.problem;
  const copy = copyOf(entry, ownId());
  const refused = register(binfmt.dir, copy, host.ownPrograms);
  if (refused) return refused;
  // From here on nothing waits, so that a signal cannot come in between.
  const kept = unregister(binfmt.dir, entry.name);
  if (kept) {
    unregister(binfmt.dir, copy.name);
    return kept;
  }
  return giveNameBack(entry.name, { ...entry, name: copy.name }, binfmt.dir, host.ownPrograms);
}

/** As far as it was read. What was not seen before cannot be compared. */
function isSameFile(one: InterpreterFile | undefined, other: InterpreterFile | undefined): boolean {
  if (one === undefined) return true;
  return other !== undefined && one.size === other.size && Buffer.compare(one.beginning, other.beginning) === 0;
}

/** It runs; or it does what it did before, if that is known. */
function runsLike(now: ProbeResult | undefined, before: ProbeResult | undefined): boolean {
  if (now?.verdict.kind === 'runs') return true;
  return before !== undefined && JSON.stringify(now?.verdict) === JSON.stringify(before.verdict);
}

/**
 * `--install LIST --after NAME`: the entry NAME stays in front of what is registered. The kernel takes the newest entry
 * that matches, and cannot move one: NAME has to be registered again, exactly as it was. This decides whether that can be.
 */
import { type Entry, type Registration, sameRegistration } from '../binfmt/entry.js';
import { takesProgramsOf } from '../binfmt/probe-executable.js';
import type { Snapshot } from '../binfmt/snapshot.js';
import type { Architecture } from '../platform/architectures.js';
import type { Platform } from '../platform/platform.js';
import { type Problem, problemOf } from '../problem.js';
import { cannotStayInFront, type WhyNotInFront } from './front-problems.js';
import { copyName } from './temporary-names.js';

export interface FrontEntry {
  readonly kind: 'entry';
  readonly entry: Entry;
  /** The architectures of the list whose programs it takes. */
  readonly architectures: readonly Architecture[];
}

/** The entry, or why it cannot be registered again; whether its emulator can be reached is not asked. */
export function findFrontEntry(
  name: string,
  platforms: readonly Platform[],
  { entries, emulators, binfmt }: Snapshot,
): FrontEntry | { readonly kind: 'impossible'; readonly problem: Problem } {
  if (binfmt.kind !== 'writable') return { kind: 'impossible', problem: binfmt.problem };
  const impossible = (why: WhyNotInFront) => ({ kind: 'impossible', problem: frontProblem(name, why) }) as const;
  const entry = entries.find((each) => each.name === name);
  if (entry === undefined) return impossible('missing');
  if (!entry.enabled) return impossible('disabled');
  if ([...emulators.values()].some((emulator) => emulator.name === name)) return impossible('own');
  if (entry.handler !== undefined || entry.extension !== undefined || entry.offset !== 0)
    return impossible('other-kind');
  const matched = platforms.map(({ architecture }) => architecture).filter((each) => takesProgramsOf(each, entry));
  return matched.length > 0 ? { kind: 'entry', entry, architectures: matched } : impossible('no-match');
}

/** `interpreter`: the file that it is about. */
export function frontProblem(entry: string, why: WhyNotInFront, interpreter?: string): Problem {
  const advice =
    why === 'unreachable' && interpreter !== undefined
      ? [{ do: 'call-again-with-directory', directory: interpreter.replace(/\/[^/]*$/, '') || '/' } as const]
      : [];
  return problemOf(cannotStayInFront, entry, { entry, why, interpreter }, advice);
}

/** The entry under a name of the call with that id. */
export function copyOf({ name, interpreter, flags, magic, mask }: Entry, id: string): Registration {
  return { name: copyName(name, id), interpreter, flags, magic, mask };
}

/** Does the kernel show the same for both, but for their names? */
export function isCopy(entry: Entry, original: Entry): boolean {
  return sameRegistration({ ...entry, name: original.name }, original);
}

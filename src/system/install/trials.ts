/** Registers emulators for a moment, to see whether they run their test program. */
import type { Registration } from '../../core/binfmt/entry.js';
import { trialName } from '../../core/install/temporary-names.js';
import type { Architecture } from '../../core/platform/architectures.js';
import type { Platform } from '../../core/platform/platform.js';
import type { Problem } from '../../core/problem.js';
import { ownId, unregister } from '../binfmt/entries.js';
import { undoAtEnd } from '../cleanup.js';
import type { System } from '../system.js';
import { takeSnapshot } from '../take-snapshot.js';
import { problemsOf, runs } from './failures.js';

/** Registers an entry; resolves to why the kernel refused it. */
export type Register = (registration: Registration) => Promise<Problem | undefined>;

export interface Trial {
  readonly platform: Platform;
  readonly registration: Registration;
}

/** The entry of an emulator that ran the test program. It is removed when binfmt ends, unless it is kept. */
export interface TrialEntry {
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

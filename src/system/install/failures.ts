/** Which platforms do not run after an installation, and why. */
import { runsEverywhere } from '../../core/binfmt/probe.js';
import type { Snapshot } from '../../core/binfmt/snapshot.js';
import { afterInstall } from '../../core/install/after-install.js';
import { unreliable } from '../../core/install/emulator-problems.js';
import type { Architecture } from '../../core/platform/architectures.js';
import { formatPlatform, type Platform } from '../../core/platform/platform.js';
import { type Problem, problemOf } from '../../core/problem.js';
import type { System } from '../system.js';

export function runs({ architecture, level }: Platform, { probes }: Snapshot): boolean {
  return runsEverywhere(probes.get(architecture), level);
}

/** What doctor says about platforms that do not run: the first problem of each. */
export async function problemsOf(
  platforms: readonly Platform[],
  system: System,
): Promise<ReadonlyMap<Architecture, Problem>> {
  if (platforms.length === 0) return new Map();
  const { collectDoctorInput } = await import('../doctor-input.js');
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

/** Provokes one fault, and checks the promises. */
import fc from 'fast-check';
import { binfmt } from '../support/program.js';
import { names } from './calls.js';
import type { Condition, Fault } from './fault.js';
import { brokenBy, brokenOnMachine } from './promises.js';
import { candidates, look, prepare } from './world.js';

/** One fault under one of its conditions, so many times. Throws at the first broken promise. */
export async function provoke(fault: Fault, condition: Condition, tries: number, seed?: number): Promise<void> {
  const property = fc.asyncProperty(fault.input, async (input) => {
    prepare({ earlier: fault.earlier ?? false });
    const undo = fault.arrange?.(input, condition);
    const before = look();
    const attempts = await fault.attempt(input, condition).finally(undo);
    const unclean = attempts.some((each) => each.unclean);
    const broken =
      attempts.map(brokenBy).find(Boolean) ?? (await settled(() => brokenOnMachine(before, look(), unclean)));
    if (broken) throw new Error(`${attempts.map(({ call }) => call).join('; ')}: ${broken}`);
    // Whatever has happened, the next call makes everything right.
    const repair = ['--install', names(candidates)];
    const repaired = binfmt(repair);
    const rest =
      brokenBy({ ...repaired, call: 'repair', wanted: candidates, prints: 'status', cause: /^$/ }) ??
      (await settled(() => brokenOnMachine(before, look(), unclean)));
    if (rest) throw new Error(`${repair.join(' ')} after ${attempts.map(({ call }) => call).join('; ')}: ${rest}`);
  });
  await fc.assert(property, { numRuns: tries, endOnFailure: true, ...(seed === undefined ? {} : { seed }) });
}

/** Processes may need a moment to end. */
async function settled(look: () => string | undefined): Promise<string | undefined> {
  let broken = look();
  for (let i = 0; broken && i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    broken = look();
  }
  return broken;
}

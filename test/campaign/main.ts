/**
 * Provokes faults at random, and checks after each try that every promise is kept: `npm run campaign [-- --long] [--seed N]
 * [--only NAME]`. It prints a table, and stops at the first promise that is broken, with the seed that repeats it.
 */
import fc from 'fast-check';
import minimist from 'minimist';
import { binfmt } from '../support/program.js';
import type { Condition, Fault } from './fault.js';
import { forbiddenCalls, forbiddenCapabilities } from './forbidden.js';
import { hostileEmulators } from './hostile-emulators.js';
import { hostileEntries } from './hostile-entries.js';
import { killed } from './killed.js';
import { manyAtOnce } from './many-at-once.js';
import { brokenBy, brokenOnMachine } from './promises.js';
import { shortages } from './shortages.js';
import { candidates, look, prepare } from './world.js';

export const faults: readonly Fault[] = [
  killed,
  manyAtOnce,
  shortages,
  forbiddenCalls,
  forbiddenCapabilities,
  hostileEmulators,
  hostileEntries,
];

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
    const list = candidates.map(({ name }) => name);
    const repaired = binfmt(['--install', list.join()]);
    const rest =
      brokenBy({ ...repaired, call: 'repair', wanted: candidates, prints: 'status', cause: /^$/ }) ??
      (await settled(() => brokenOnMachine(before, look(), unclean)));
    if (rest)
      throw new Error(`after ${attempts.map(({ call }) => call).join('; ')}, --install ${list.join()}: ${rest}`);
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

if (process.argv[1] === import.meta.filename) {
  const { long, seed, only } = minimist(process.argv.slice(2), { boolean: ['long'], string: ['seed', 'only'] });
  console.log('| fault | how | tries | promises kept |\n|---|---|---|---|');
  for (const fault of faults.filter(({ name }) => only === undefined || name.includes(only))) {
    const tries = long ? fault.tries.long : fault.tries.short;
    for (const condition of fault.conditions) {
      if (process.stderr.isTTY) process.stderr.write(`${condition.name}\u001b[K\r`);
      try {
        await provoke(fault, condition, tries, seed === undefined ? undefined : Number(seed));
      } catch (error) {
        console.error(`${fault.name}, ${condition.name}:`);
        throw error;
      }
    }
    console.log(`| ${fault.name} | ${fault.how} | ${tries * fault.conditions.length} | all |`);
  }
}

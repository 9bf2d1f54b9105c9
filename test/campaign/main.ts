/**
 * Provokes faults at random, and checks after each try that every promise is kept:
 *
 *   npm run campaign [-- --long] [--containers] [--seed N] [--only NAME] [--list]
 *
 * It prints a table, and stops at the first promise that is broken, with the seed that repeats it. --list prints the names of the faults instead. run starts it.
 */
import minimist from 'minimist';
import { clearEntries } from '../support/kernel.js';
import { faults } from './faults.js';
import { provoke } from './provoke.js';

const { long, containers, list, seed, only } = minimist(process.argv.slice(2), {
  boolean: ['long', 'containers', 'list'],
  string: ['seed', 'only'],
});
const chosen = faults.filter((fault) => (fault.in === 'container') === containers);
if (list) {
  for (const { name } of chosen) console.log(name);
  process.exit();
}
process.on('exit', clearEntries);
for (const fault of chosen.filter(({ name }) => only === undefined || name.includes(only))) {
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

/** The campaign as tests of mocha: each fault under one condition that is chosen at random, or under all of them. */
import fc from 'fast-check';
import type { Fault } from './fault.js';
import { faults } from './faults.js';
import { provoke } from './provoke.js';

const chosen = (where: Fault['in']) => faults.filter((each) => each.in === where);

export function testOnce(where: Fault['in']): void {
  for (const fault of chosen(where)) {
    const [condition] = fc.sample(fc.constantFrom(...fault.conditions), 1);
    if (condition) it(`under ${fault.name}: ${condition.name}`, () => provoke(fault, condition, 1));
  }
}

export function testAll(where: Fault['in']): void {
  for (const fault of chosen(where)) {
    describe(`under ${fault.name}`, () => {
      for (const condition of fault.conditions) {
        it(condition.name, () => provoke(fault, condition, fault.tries.short)).timeout(300_000);
      }
    });
  }
}

/** The campaign as tests of mocha: each fault under all its conditions. */
import type { Fault } from './fault.js';
import { faults } from './faults.js';
import { provoke } from './provoke.js';

export function testAll(where: Fault['in']): void {
  for (const fault of faults.filter((each) => each.in === where)) {
    describe(`under ${fault.name}`, () => {
      for (const condition of fault.conditions) {
        it(condition.name, () => provoke(fault, condition, fault.tries.short)).timeout(300_000);
      }
    });
  }
}

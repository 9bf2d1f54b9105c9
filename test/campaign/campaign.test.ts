/** The short campaign, each fault under all its conditions; fault.ts says what a fault is. `npm run campaign -- --long` is the long one. */

import { clearEntries } from '../support/kernel.js';
import { faults } from './faults.js';
import { provoke } from './provoke.js';

describe('every promise is kept', () => {
  after(clearEntries);

  for (const fault of faults.filter((each) => each.in !== 'container')) {
    describe(`under ${fault.name}`, () => {
      for (const condition of fault.conditions) {
        it(condition.name, () => provoke(fault, condition, fault.tries.short)).timeout(300_000);
      }
    });
  }
});

/** The part of the short campaign that needs a Docker Engine; fault.ts says what a fault is. */

import { onCleanHost } from '../support/docker.js';
import { clearEntries } from '../support/kernel.js';
import { faults } from './faults.js';
import { provoke } from './provoke.js';

describe('every promise is kept', () => {
  onCleanHost();
  after(clearEntries);

  for (const fault of faults.filter((each) => each.in === 'container')) {
    describe(`under ${fault.name}`, () => {
      for (const condition of fault.conditions) {
        it(condition.name, () => provoke(fault, condition, fault.tries.short));
      }
    });
  }
});

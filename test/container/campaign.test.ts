/** Each fault that needs a Docker Engine once, under a condition that is chosen at random; test/campaign/containers.test.ts has all. */
import fc from 'fast-check';
import { faults } from '../campaign/faults.js';
import { provoke } from '../campaign/provoke.js';
import { onCleanHost } from '../support/docker.js';
import { clearEntries } from '../support/kernel.js';

describe('every promise is kept', () => {
  onCleanHost();
  after(clearEntries);

  for (const fault of faults.filter((each) => each.in === 'container')) {
    const [condition] = fc.sample(fc.constantFrom(...fault.conditions), 1);
    if (condition) it(`under ${fault.name}: ${condition.name}`, () => provoke(fault, condition, 1));
  }
});

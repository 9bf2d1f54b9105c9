/** Each fault that needs a Docker Engine once, under a condition that is chosen at random; test/campaign/containers.test.ts has all. */
import { testOnce } from '../campaign/tests.js';
import { onCleanHost } from '../support/docker.js';
import { clearEntries } from '../support/kernel.js';

describe('every promise is kept', () => {
  onCleanHost();
  after(clearEntries);
  testOnce('container');
});

/** The part of the short campaign that needs a Docker Engine; fault.ts says what a fault is. */
import { testAll } from '../campaign/tests.js';
import { onCleanHost } from '../support/docker.js';
import { clearEntries } from '../support/kernel.js';

describe('every promise is kept', () => {
  onCleanHost();
  after(clearEntries);
  testAll('container');
});

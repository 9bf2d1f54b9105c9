/** The part of the short campaign that needs a Docker Engine; fault.ts says what a fault is. */
import { onCleanHost } from '../support/docker.js';
import { clearEntries } from '../support/kernel.js';
import { testAll } from './tests.js';

describe('every promise is kept', () => {
  onCleanHost();
  after(clearEntries);
  testAll('container');
});

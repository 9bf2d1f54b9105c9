/** The short campaign, each fault under all its conditions; fault.ts says what a fault is. `npm run campaign -- --long` is the long one. */
import { clearEntries } from '../support/kernel.js';
import { testAll } from './tests.js';

describe('every promise is kept', () => {
  after(clearEntries);
  testAll(undefined);
});

/** Each fault of the campaign once, under a condition that is chosen at random; test/campaign/campaign.test.ts has them all. */
import { testOnce } from '../campaign/tests.js';
import { clearEntries } from '../support/kernel.js';

describe('every promise is kept', () => {
  after(clearEntries);
  testOnce(undefined);
});

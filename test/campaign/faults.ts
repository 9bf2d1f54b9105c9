/** All faults of the campaign, in the order of its table. */
import { killedContainers, limitedContainers } from './containers.js';
import type { Fault } from './fault.js';
import { forbiddenCalls, forbiddenCapabilities } from './forbidden.js';
import { hostileEmulators } from './hostile-emulators.js';
import { hostileEntries } from './hostile-entries.js';
import { hostileClients } from './http.js';
import { killed } from './killed.js';
import { manyAtOnce } from './many-at-once.js';
import { shortages } from './shortages.js';

export const faults: readonly Fault[] = [
  killed,
  manyAtOnce,
  shortages,
  forbiddenCalls,
  forbiddenCapabilities,
  hostileEmulators,
  hostileEntries,
  killedContainers,
  limitedContainers,
  hostileClients,
];

/** Several calls at the same time, which want different things. */
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { attempt, type Call, install, signal, status, uninstall, watch } from './calls.js';
import { defineFault } from './fault.js';

const isWatch = ({ args }: Call) => args.includes('--watch');
const call = fc.oneof({ weight: 3, arbitrary: install }, { weight: 2, arbitrary: uninstall }, watch, status);
const alike = fc.oneof({ weight: 3, arbitrary: install }, watch, status);

export const manyAtOnce = defineFault({
  name: 'many at once',
  how: 'eight calls that install, upgrade, uninstall, watch and ask, in random order',
  earlier: true,
  conditions: [
    { name: 'with uninstalling', of: call },
    { name: 'without', of: alike },
  ],
  tries: { short: 2, long: 25 },
  input: fc.record({
    seed: fc.nat(),
    delays: fc.array(fc.nat(150), { minLength: 8, maxLength: 8 }),
  }),
  async attempt({ seed, delays }, { of, name }) {
    const calls = fc.sample(of, { numRuns: delays.length, seed });
    const watchers = new Set<number>();
    const running = calls.map(async (each, i) => {
      await setTimeout(delays[i]);
      return attempt(each, {
        cause:
          /has just registered the same name|no entry matches|was removed|just after it was registered|a moment later/,
        meanwhile: async ({ pid = 0 }) => void (isWatch(each) && watchers.add(pid)),
      });
    });
    await Promise.all(running.filter((_, i) => !isWatch(calls[i] as Call)));
    // They end when everything else has; none is missed, as each was started before the last delay was over.
    await setTimeout(200);
    for (const pid of watchers) signal(pid, 'SIGTERM');
    const results = await Promise.all(running);
    // What one has installed another may have uninstalled by now.
    return results.map((each) => (name === 'without' ? each : { ...each, wanted: [] }));
  },
});

/** Emulators that do anything but run programs, beside good ones. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { emulatorName } from '../../src/core/platform/architectures.js';
import { EMULATORS } from '../support/program.js';
import { compileFile } from '../support/programs.js';
import { scratch } from '../support/scratch.js';
import { attempt, names } from './calls.js';
import { type Condition, defineFault } from './fault.js';
import { candidates } from './world.js';

interface Behaviour extends Condition {
  readonly behaviour: string;
  readonly cause: RegExp;
  /** Whether an installation may succeed: it always has to fail by default. */
  readonly runs?: 'always' | 'sometimes';
}

const behaviours: readonly Behaviour[] = [
  { name: 'never ends', behaviour: 'never_ends', cause: /did not end in time/ },
  { name: 'ignores signals', behaviour: 'ignores_signals', cause: /did not end in time/ },
  // With enough children it hardly gets a processor itself.
  { name: 'forks for ever', behaviour: 'forks_for_ever', cause: /did not end in time|processor time/ },
  { name: 'prints a gigabyte', behaviour: 'prints_a_gigabyte', cause: /SIGXFSZ|exited with status/ },
  { name: 'exits with the status of our test program', behaviour: 'pretends', cause: /without running the program/ },
  { name: 'crashes', behaviour: 'crashes', cause: /SIGABRT/ },
  { name: 'exits with 0', behaviour: 'exits_with_0', cause: /exited with status 0/ },
  {
    name: 'crashes on every third run',
    behaviour: 'crashes_on_every_third_run',
    cause: /SIGABRT|a moment later/,
    runs: 'sometimes',
  },
  { name: 'is 100 times too slow', behaviour: 'is_slow', cause: /^$/, runs: 'always' },
];

const compiledEmulator = (behaviour: string) =>
  compileFile('test/campaign/hostile.c', ['-static', `-DBEHAVIOUR=${behaviour}`]);

export const hostileEmulators = defineFault({
  name: 'hostile emulators',
  how: behaviours.map(({ name }) => name).join(', '),
  conditions: behaviours,
  tries: { short: 1, long: 3 },
  input: fc.subarray([...candidates], { minLength: 1, maxLength: 2 }),
  async attempt(hostile, { behaviour, cause, runs }) {
    const emulators = scratch();
    for (const each of candidates) {
      const name = emulatorName(each);
      const bad = hostile.includes(each);
      fs.copyFileSync(bad ? compiledEmulator(behaviour) : path.join(EMULATORS, name), path.join(emulators, name));
      fs.chmodSync(path.join(emulators, name), 0o755);
    }
    const call = {
      args: ['--install', names(candidates)],
      wanted: runs === 'sometimes' ? [] : candidates,
      prints: 'status',
    } as const;
    const result = await attempt(call, { emulators, cause });
    if (result.exit === 0 && !runs) throw new Error(`exit status 0 with an emulator that ${behaviour}`);
    fs.rmSync(emulators, { recursive: true });
    return [result];
  },
});

/** Killed at a random moment: all of it, Node.js alone, or the launcher alone. */
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { run } from '../support/program.js';
import { anyCall, attempt, signal } from './calls.js';
import { defineFault } from './fault.js';

const victims = ['everything', 'Node.js', 'the launcher'] as const;
const signals = ['SIGKILL', 'SIGTERM', 'SIGINT'] as const;

/** As a shell tells that SIGKILL has ended a program. */
const KILLED = 137;

export const killed = defineFault({
  name: 'killed at a random moment',
  how: `${signals.join(', ')} to the process group, to Node.js or to the launcher`,
  earlier: true,
  conditions: victims.flatMap((victim) => signals.map((by) => ({ name: `${by} to ${victim}`, victim, by }))),
  tries: { short: 3, long: 56 },
  input: fc.record({ call: anyCall, milliseconds: fc.nat(200) }),
  async attempt({ call, milliseconds }, { victim, by }) {
    let node: number | undefined;
    const result = await attempt(call, {
      cause: /SIG|signal|launcher|Node\.js ended/,
      async meanwhile({ pid = 0 }) {
        await setTimeout(milliseconds);
        // It may not have been started yet.
        if (victim === 'Node.js') node = nodeOf(pid);
        signal(victim === 'everything' ? -pid : (node ?? pid), by);
      },
    });
    const unclean = by === 'SIGKILL';
    // Nobody but Node.js was killed: then the launcher answers. Otherwise who is ended by a signal owes no answer.
    if (unclean && node !== undefined) return [{ ...result, exit: result.exit ?? KILLED, unclean }];
    return [{ ...result, exit: unclean || (result.exit ?? 129) > 128 ? null : result.exit, unclean }];
  },
});

/** The launcher is the process that was started, and Node.js its child (src/native/main.c). */
function nodeOf(launcher: number): number | undefined {
  const [first] = run('pgrep', ['--parent', String(launcher), 'node']).stdout.split('\n');
  return Number(first) || undefined;
}

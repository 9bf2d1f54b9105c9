/** Killed at a random moment: all of it, Node.js alone, or the launcher alone. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { run } from '../support/program.js';
import { anyCall, during } from './calls.js';
import { defineFault } from './fault.js';

const victims = ['everything', 'node', 'launcher'] as const;
const signals = ['SIGKILL', 'SIGTERM', 'SIGINT'] as const;

/** Milliseconds after which it should have ended. */
const LONGEST = 10_000;

export const killed = defineFault({
  name: 'killed at a random moment',
  how: `${signals.join(', ')} to the process group, to Node.js or to the launcher`,
  earlier: true,
  tries: { short: 25, long: 500 },
  input: fc.record({
    call: anyCall,
    victim: fc.constantFrom(...victims),
    signal: fc.constantFrom(...signals),
    milliseconds: fc.nat(200),
  }),
  async attempt({ call, victim, signal, milliseconds }) {
    const attempt = await during(call, /SIG|signal|launcher/, async (child) => {
      const ended = once(child, 'close').then(() => true);
      await setTimeout(milliseconds);
      const { pid = 0 } = child;
      // It may not have been started yet.
      const hit = victim === 'node' ? (nodeOf(pid) ?? pid) : pid;
      send(victim === 'everything' ? -hit : hit, signal);
      if (await Promise.race([ended, setTimeout(LONGEST, false, { ref: false })])) return;
      send(-pid, 'SIGKILL');
      throw new Error(`${call.args.join(' ')}: goes on after ${signal} to ${victim}`);
    });
    const unclean = signal === 'SIGKILL';
    // Who is ended by a signal owes no answer.
    return [{ ...attempt, exit: unclean || (attempt.exit ?? 129) > 128 ? null : attempt.exit, unclean }];
  },
});

/** The launcher is the process that was started, and Node.js its child (src/native/main.c). */
function nodeOf(launcher: number): number | undefined {
  const [first] = run('pgrep', ['--parent', String(launcher), 'node']).stdout.split('\n');
  return Number(first) || undefined;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

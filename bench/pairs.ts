/** Times commands in turn, so that a noisy machine affects all of them alike, and compares them run by run. */
import { spawnSync } from 'node:child_process';

/** Milliseconds. `cpu`: of the command and of everything that it started, in user and kernel mode. */
export interface Timing {
  readonly wall: number;
  readonly cpu: number;
}

/** The timings of one run, by the name of the command. */
type Run = ReadonlyMap<string, Timing>;

export type Commands = Readonly<Record<string, readonly string[]>>;

/** bash measures itself and nothing else: the command is its only child. */
const SCRIPT = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" >/dev/null 2>&3; } 3>/dev/null';

export function time(command: readonly string[], env = process.env): Timing {
  const { stderr, status, error } = spawnSync('bash', ['-c', SCRIPT, 'bash', ...command], { env, encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`${command.join(' ')}: exit status ${status}\n${stderr}`);
  const [wall = 0, user = 0, system = 0] = stderr.trim().replaceAll(',', '.').split(' ').map(Number);
  return { wall: 1000 * wall, cpu: 1000 * (user + system) };
}

/**
 * Runs each command once per run, after one run that does not count, and in the other order in every second run: what one
 * command leaves, such as the kernel's free huge pages, must not always meet the same other one. `before`: called before each command.
 */
export function timeInTurn(commands: Commands, runs: number, before?: (name: string) => void): Run[] {
  const inOrder = Object.entries(commands);
  const all = Array.from({ length: runs + 1 }, (_, i) => {
    const run = new Map<string, Timing>();
    for (const [name, command] of i % 2 ? inOrder : inOrder.toReversed()) {
      before?.(name);
      run.set(name, time(command));
    }
    return run;
  });
  return all.slice(1);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The median, over the runs, of what `combine` makes of each. `timing`: in milliseconds, 0 if there is none. */
export function medianOf(runs: readonly Run[], combine: (timing: (name: string) => Timing) => number): number {
  return median(runs.map((run) => combine((name) => run.get(name) ?? { wall: 0, cpu: 0 })));
}

/** The median of the ratios of two commands, run by run. */
export function ratioOf(runs: readonly Run[], kind: keyof Timing, one: string, other: string): number {
  return medianOf(runs, (timing) => timing(one)[kind] / timing(other)[kind]);
}

/** A row of a Markdown table: medians of the ratios, and the times of both. */
export function compare(what: string, runs: readonly Run[], one: string, other: string): string {
  const cells = (['wall', 'cpu'] as const).map((kind) => {
    const ratio = ratioOf(runs, kind, one, other);
    const [mine, theirs] = [one, other].map((name) => Math.round(medianOf(runs, (timing) => timing(name)[kind])));
    return `${ratio.toFixed(2)} (${mine} / ${theirs} ms)`;
  });
  return `| ${[what, ...cells].join(' | ')} |`;
}

export const HEADER = '| what | wall time | CPU time |\n|---|---|---|';

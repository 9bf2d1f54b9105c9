/**
 * Measures how much time the program takes in addition to the start of Node.js and the probes: `npm run bench`.
 *
 *   --runs N          how often everything is measured (default: 15)
 *   --peer 'COMMAND'  also measures another program that registers emulators
 *
 * Each run measures everything once, so that a noisy machine affects all measurements alike. Compare the medians and
 * the ratios; times alone depend on the machine.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import minimist from 'minimist';
import { architectures } from '../src/core/architectures.js';
import { probeExecutable } from '../src/core/elf.js';

const { runs, peer } = minimist(process.argv.slice(2), { default: { runs: 15 }, string: ['peer'] });
const root = path.resolve(import.meta.dirname, '..');
const env = { ...process.env, QEMU_BINARY_PATH: path.join(root, 'build/qemu/usr/bin') };
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'binfmt-bench-'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true }));
const empty = path.join(scratch, 'empty.cjs');
fs.writeFileSync(empty, '');

/** Milliseconds of each run, by name of what was measured. */
const timings = new Map<string, number[]>();

async function time(name: string, work: () => unknown): Promise<void> {
  const start = performance.now();
  await work();
  timings.set(name, [...(timings.get(name) ?? []), performance.now() - start]);
}

function command(file: string, args: string[], input = ''): void {
  const { status, error, stderr } = spawnSync(file, args, { env, encoding: 'utf8', input });
  if (status !== 0) throw error ?? new Error(`${file} ${args.join(' ')}: exit status ${status}\n${stderr}`);
}

const program = (...args: string[]) => command(path.join(root, 'dist/binfmt'), args);

const launcher = (input: string) => command(path.join(root, 'dist/launcher'), [], input);
for (const architecture of architectures) {
  fs.writeFileSync(path.join(scratch, architecture.name), probeExecutable(architecture), { mode: 0o755 });
}
const runsOf = architectures.map(({ name }) => `run\t${scratch}\t/${name}\n`);
const atOnce = `${runsOf.join('')}run-queued\t2000\n`;
const oneByOne = runsOf.map((line) => `${line}run-queued\t2000\n`).join('');

program('--install', 'all');
for (let i = 0; i < runs; i++) {
  await time('start of Node.js', () => command(process.execPath, [empty]));
  await time('status', () => program());
  await time('probes, all at once', () => launcher(atOnce));
  await time('install, already done', () => program('--install', 'all'));
  await time('launcher alone', () => launcher(''));
  await time('probes, one by one', () => launcher(oneByOne));
  program('--uninstall', 'all');
  await time('install', () => program('--install', 'all'));
  if (peer) {
    program('--uninstall', 'all');
    await time('peer', () => command('bash', ['-c', peer]));
    program('--install', 'all');
  }
}

function median(values: readonly number[] = []): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Combines the timings of each run (in milliseconds), and returns the median of the results. */
function medianOf(combine: (timing: (name: string) => number) => number): number {
  return median(Array.from({ length: runs }, (_, i) => combine((name) => timings.get(name)?.[i] ?? Number.NaN)));
}

console.log(`Node.js ${process.version}, ${os.availableParallelism()} processors, medians of ${runs} runs\n`);
for (const [name, values] of timings) {
  const ratio = medianOf((timing) => timing(name) / timing('start of Node.js'));
  console.log(`${name.padEnd(26)}${median(values).toFixed(1).padStart(8)} ms${ratio.toFixed(2).padStart(8)} × Node.js`);
}
const together = (timing: (name: string) => number) => timing('probes, all at once') - timing('launcher alone');
const single = (timing: (name: string) => number) => timing('probes, one by one') - timing('launcher alone');
const overhead = medianOf((timing) => timing('status') - timing('start of Node.js') - together(timing));
const atOnceRatio = medianOf((timing) => together(timing) / single(timing));
console.log(`\nstatus without Node.js and probes          ${overhead.toFixed(1)} ms (target: at most 15)`);
console.log(`probes, all at once / one by one           ${atOnceRatio.toFixed(2)} (target: at most 0.75)`);
if (peer)
  console.log(
    `install / peer                             ${medianOf((timing) => timing('install') / timing('peer')).toFixed(2)}`,
  );

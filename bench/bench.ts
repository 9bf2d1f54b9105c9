/**
 * How much time the program takes beyond what nobody can save: the start of Node.js and the probes.
 * Everything is run in turn, run by run, so that a noisy machine disturbs all alike; medians and
 * ratios count.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import minimist from 'minimist';
import { architectures } from '../src/core/architectures.js';
import { probeExecutable } from '../src/core/elf.js';
import { startLauncher } from '../src/system/launcher.js';

const { runs, peer } = minimist(process.argv.slice(2), { default: { runs: 15 }, string: ['peer'] });
const root = path.resolve(import.meta.dirname, '..');
const env = { ...process.env, QEMU_BINARY_PATH: path.join(root, 'build/qemu/usr/bin') };
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'binfmt-bench-'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true }));
const empty = path.join(scratch, 'empty.cjs');
fs.writeFileSync(empty, '');

const timings = new Map<string, number[]>();

async function time(name: string, work: () => unknown): Promise<void> {
  const start = performance.now();
  await work();
  timings.set(name, [...(timings.get(name) ?? []), performance.now() - start]);
}

function command(file: string, ...args: string[]): void {
  const { status, error, stderr } = spawnSync(file, args, { env, encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`${file} ${args.join(' ')}: exit status ${status}\n${stderr}`);
}

const program = (...args: string[]) => command(process.execPath, path.join(root, 'dist/binfmt.cjs'), ...args);

const launcher = startLauncher(path.join(root, 'dist/launcher'));
const probes = architectures.map((row) => ({ file: path.join(scratch, row.name), bytes: probeExecutable(row) }));
const probe = (rows: typeof probes) =>
  launcher.run(
    rows.map(({ file }) => ({ root: scratch, file: `/${path.basename(file)}` })),
    2000,
  );
await launcher.write(probes);

program('--install', 'all');
await probe(probes);
for (let i = 0; i < runs; i++) {
  await time('node', () => command(process.execPath, empty));
  await time('status', () => program());
  await time('install, nothing to do', () => program('--install', 'all'));
  await time('probes, all at once', () => probe(probes));
  await time('probes, one by one', async () => {
    for (const each of probes) await probe([each]);
  });
  program('--uninstall', 'all');
  await time('install', () => program('--install', 'all'));
  if (peer) {
    program('--uninstall', 'all');
    await time('peer', () => command('bash', '-c', peer));
    program('--install', 'all');
  }
}
launcher.close();

function median(name: string): number {
  const sorted = [...(timings.get(name) ?? [])].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const node = median('node');
console.log(`Node.js ${process.version}, ${os.availableParallelism()} processors, ${runs} runs, medians\n`);
for (const name of timings.keys()) {
  console.log(
    `${name.padEnd(26)}${median(name).toFixed(1).padStart(8)} ms${(median(name) / node).toFixed(2).padStart(8)} × node`,
  );
}
const own = median('status') - node - median('probes, all at once');
console.log(`\nown time of status         ${own.toFixed(1)} ms (target: at most 15)`);
console.log(
  `probes, at once / one by one  ${(median('probes, all at once') / median('probes, one by one')).toFixed(2)} (target: at most 0.75)`,
);
if (peer) console.log(`install / peer             ${(median('install') / median('peer')).toFixed(2)}`);

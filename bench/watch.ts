/**
 * Measures the watcher: `npm run bench:watch`.
 *
 * - how long it takes to restore an entry that was removed
 * - how much memory it uses over many restores (`--restores N`, default 10,000)
 * - how much processor time it uses if nothing changes, including the check every minute (`--idle SECONDS`,
 *   default 120)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import minimist from 'minimist';

const { restores, idle } = minimist(process.argv.slice(2), { default: { restores: 10_000, idle: 120 } });
const root = path.resolve(import.meta.dirname, '..');
const dir = '/proc/sys/fs/binfmt_misc';
const TICK = 10; // milliseconds; sysconf(_SC_CLK_TCK) is 100 on Linux

const watcher = spawn(path.join(root, 'dist/binfmt'), ['--install', 'all', '--watch', '--backoff', '0'], {
  env: { ...process.env, QEMU_BINARY_PATH: path.join(root, 'build/qemu/usr/bin') },
  stdio: ['ignore', 'ignore', 'pipe'],
});
process.on('exit', () => watcher.kill('SIGTERM'));
let log = '';
watcher.stderr.on('data', (data) => {
  log = (log + data).slice(-10_000);
});
while (!log.includes(' ready\n')) await once(watcher.stderr, 'data');

const launcher = watcher.pid ?? 0;
const node = Number(fs.readFileSync(`/proc/${launcher}/task/${launcher}/children`, 'utf8').trim().split(' ')[0]);
const proc = (pid: number, file: string) => fs.readFileSync(`/proc/${pid}/${file}`, 'utf8');
/**
 * Memory of launcher and Node.js, in MiB. `own`: what only their end gives back (RssAnon). `resident`: with pages of files, Node.js'
 * own above all, which the kernel may drop, and which watchers of other containers share (VmRSS).
 */
const memory = () => {
  const sum = (field: string) =>
    [launcher, node].reduce(
      (total, pid) => total + Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(proc(pid, 'status'))?.[1]),
      0,
    ) / 1024;
  return { own: sum('RssAnon'), resident: sum('VmRSS') };
};
/** Processor time of Node.js so far, in milliseconds. */
const processorTime = () => {
  const fields = proc(node, 'stat')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK;
};

function remove(name: string): void {
  const fd = fs.openSync(path.join(dir, name), fs.constants.O_WRONLY);
  fs.writeSync(fd, '-1');
  fs.closeSync(fd);
}

const names = fs.readdirSync(dir).filter((name) => name.startsWith('qemu-'));
const latencies: number[] = [];
for (let i = 0; i < 100; i++) {
  const name = names[i % names.length] ?? '';
  const start = performance.now();
  remove(name);
  while (!fs.existsSync(path.join(dir, name))) await new Promise(setImmediate);
  latencies.push(performance.now() - start);
}
latencies.sort((a, b) => a - b);
console.log(
  `time to restore an entry: median ${latencies[50]?.toFixed(1)} ms, slowest ${latencies.at(-1)?.toFixed(1)} ms (target: at most 100)`,
);

const sizes = [memory()];
for (let i = 0; i < restores; i += names.length) {
  remove('status'); // -1 removes all entries
  while (fs.readdirSync(dir).length < names.length + 2) await new Promise((resolve) => setTimeout(resolve, 5));
  sizes.push(memory());
}
const at = (share: number) => sizes[Math.floor((sizes.length - 1) * share)] ?? sizes[0];
for (const kind of ['own', 'resident'] as const) {
  const values = [0, 0.25, 0.5, 0.75, 1].map((share) => at(share)?.[kind].toFixed(1));
  console.log(`memory over ${restores} restores, ${kind}: ${values.join(', ')} MiB`);
}

const before = processorTime();
await new Promise((resolve) => setTimeout(resolve, idle * 1000));
const share = (processorTime() - before) / (idle * 10);
console.log(`processor time without changes, over ${idle} s: ${share.toFixed(3)} % (target: under 0.1)`);
process.exit(0);

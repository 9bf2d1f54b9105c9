/**
 * Compares the program with a plain native registrar (bench/peer.c) that has the same emulators, and with an empty Node.js
 * program: `npm run bench`. `--runs N`: how often everything is measured (default: 15). `--slow`: with emulators that start slowly,
 * which says what is started more than once.
 *
 * It prints medians of ratios, which say more than times: those depend on the machine.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import minimist from 'minimist';
import { registerLine, registrationOf } from '../src/core/binfmt/entry.js';
import { architectures, emulatorName } from '../src/core/platform/architectures.js';
import { firstRequests } from '../src/system/probing/first-probes.js';
import { compare, HEADER, medianOf, time, timeInTurn } from './pairs.js';
import { SLOW_COUNT, slowEmulators } from './slow.js';

const { runs, slow } = minimist(process.argv.slice(2), { default: { runs: 15 }, boolean: 'slow' });
const root = path.resolve(import.meta.dirname, '..');
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'binfmt-bench-'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true }));
const plain = path.join(root, 'build/emulators/usr/bin');
/** In the order of the table: those that clients expect first. */
const all = architectures.filter((each) => fs.existsSync(path.join(plain, emulatorName(each))));
const emulated = slow ? all.slice(0, SLOW_COUNT) : all;
const emulators = slow ? slowEmulators(emulated, scratch) : plain;
process.env['QEMU_BINARY_PATH'] = emulators;

const program = path.join(root, 'dist/binfmt');
const probes = path.join(root, 'dist/probes');
const peer = path.join(root, 'build/peer');
const requests = path.join(scratch, 'requests');
fs.writeFileSync(requests, firstRequests(architectures).replaceAll('@', `${root}/dist/`));
const empty = path.join(scratch, 'empty.cjs');
fs.writeFileSync(empty, '');

const lines = emulated.map((architecture) => {
  const name = emulatorName(architecture);
  const file = path.join(scratch, `${name}.conf`);
  fs.writeFileSync(
    file,
    `${registerLine(registrationOf(architecture, { name, interpreter: path.join(emulators, name), flags: 'POCF' }))}\n`,
  );
  return file;
});

const { model = 'an unknown processor' } = os.cpus()[0] ?? {};
console.log(`${os.availableParallelism()} processors (${model}), Linux ${os.release()}, Node.js ${process.version}`);
console.log(`Medians of ${runs} runs: ratio (binfmt / the other one)\n\n${HEADER}`);

for (const count of slow ? [SLOW_COUNT] : [1, 3, 9, emulated.length]) {
  const list = emulated.slice(0, count).map(({ name }) => name);
  const install = ['--uninstall', 'qemu-*', '--install', list.join(',')];
  const peerInstall = [peer, probes, '--uninstall', '--install', ...lines.slice(0, count)];
  const timed = timeInTurn(
    { install: [program, ...install], status: [program], peerInstall, peerStatus: [peer, probes] },
    runs,
  );
  const what = count === 1 ? '1 emulator' : `${count} emulators`;
  console.log(compare(`status, ${what} / bench/peer.c`, timed, 'status', 'peerStatus'));
  console.log(compare(`removal and installation, ${what} / bench/peer.c`, timed, 'install', 'peerInstall'));
}

time([program, '--install', 'all']);
const node = [process.execPath, empty];
const probing = ['sh', '-c', 'exec "$0" <"$1"', path.join(root, 'dist/launcher'), requests];
const alone = timeInTurn(
  {
    node,
    help: [program, '--help'],
    version: [program, '--version'],
    status: [program],
    again: [program, '--install', 'all'],
  },
  runs,
);
console.log(compare('--install all with nothing to do / status', alone, 'again', 'status'));
console.log(compare('--help / an empty Node.js program', alone, 'help', 'node'));
console.log(compare('--version / an empty Node.js program', alone, 'version', 'node'));

// On one processor: two that share a core slow each other down, and then the same work takes more processor time.
const [, first = '0'] = /^Cpus_allowed_list:\s*(\d+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8')) ?? [];
const pinned = (command: readonly string[]) => ['taskset', '--cpu-list', first, ...command];
const parts = timeInTurn({ node: pinned(node), status: pinned([program]), probes: pinned(probing) }, runs);
const more = medianOf(parts, (timing) => timing('status').cpu - timing('node').cpu - timing('probes').cpu);
console.log(
  `\nCPU time of status on one processor, beyond an empty Node.js program and the probes: ${more.toFixed(0)} ms`,
);

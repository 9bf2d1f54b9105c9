/**
 * Compares two builds of an emulator, run by run in turn: `npm run bench:emulators -- DIR DIR`. Each directory has a
 * `qemu-aarch64`, or on an arm64 machine a `qemu-x86_64`. `--runs N`: how often everything is measured (default: 9). `--native`:
 * compares one directory with the same work of this machine's own programs.
 *
 * The programs are Debian's (bench/foreign-root). It prints medians of ratios, first directory / second
 * one: below 1, the first is faster.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import minimist from 'minimist';
import { registerLine, registrationOf } from '../src/core/binfmt/entry.js';
import { type Architecture, emulatorName } from '../src/core/platform/architectures.js';
import { architectureNamed } from '../src/core/platform/platform.js';
import { compare, HEADER, ratioOf, timeInTurn } from './pairs.js';

const given = minimist(process.argv.slice(2), {
  default: { runs: 9 },
  boolean: 'native',
  string: ['_', 'architecture', 'own'],
});
const { runs, native, architecture: guest, own, _: directories } = given;
const rootOf = (name: string) => path.resolve(import.meta.dirname, '../build/bench', name);
const binfmtMisc = '/proc/sys/fs/binfmt_misc';
const architecture = architectureNamed(guest);
if (!architecture) throw new Error(`"${guest}" is no architecture`);
const name = emulatorName(architecture);
if (directories.length !== (native ? 1 : 2)) {
  throw new Error(
    `${native ? 'one directory is' : 'two directories are'} compared, and here are ${directories.length}`,
  );
}
const NATIVE = 'this machine itself';
const [one = '', other = NATIVE] = directories.map((directory) => path.resolve(directory, name));

/** A program started from this machine, fifty times: one start is too short to be measured. */
const startsOf = (root: string, program: string, ...args: string[]) => [
  'bash',
  '-c',
  'export QEMU_LD_PREFIX=$0; for _ in {1..50}; do "$@"; done',
  root,
  path.join(root, program),
  ...args,
];

const clean = ['env', '--ignore-environment', 'HOME=/tmp', 'PATH=/usr/sbin:/usr/bin'];
const workloadsIn = (root: string, inRoot = (...command: string[]) => [...clean, 'chroot', root, ...command]) => ({
  'start of a static program': startsOf(root, 'usr/bin/busybox', 'true'),
  'start of a dynamic program': startsOf(root, 'usr/bin/true'),
  'shell, 50 programs': inRoot('bash', '-c', 'for _ in {1..50}; do ls /usr >/tmp/out; done'),
  'apt-get install': inRoot(
    ...['apt-get', '-qq', '--yes', '--option', 'APT::Sandbox::User=root'],
    ...['--option', 'Dpkg::Options::=--force-unsafe-io', 'install', '--reinstall', '/tmp/bench.deb'],
  ),
  'gcc -O2': inRoot('gcc', '-O2', '-c', '-o', '/tmp/program.o', '/tmp/program.c'),
  'make --jobs=2, 4 files': inRoot('make', '--directory=/tmp', '--always-make', '--jobs=2', '--silent'),
  "Go's compiler": inRoot('go', 'tool', 'compile', '-p', 'bench', '-o', '/tmp/bench.a', '/tmp/program.go'),
  'Node.js starts': inRoot('node', '--eval', '0'),
  'Python starts, five times': inRoot('bash', '-c', 'for _ in {1..5}; do python3 -I -c 0; done'),
  'Python, a loop of 2 million': inRoot('python3', '-I', '-S', '-c', 'print(sum(i * i % 7 for i in range(2000000)))'),
  'tar and xz': inRoot('bash', '-c', 'tar --create /usr/lib/python3* | xz -0 --stdout >/tmp/out.xz'),
  'sha256sum, 20 MB': inRoot('sha256sum', '/tmp/data'),
  'xz with two threads, 20 MB': inRoot('xz', '-0', '--threads=2', '--block-size=4MiB', '--stdout', '/tmp/data'),
});

function register(foreign: Architecture, interpreter: string): void {
  const entry = path.join(binfmtMisc, name);
  if (fs.existsSync(entry)) fs.writeFileSync(entry, '-1');
  const line = registerLine(registrationOf(foreign, { name, interpreter, flags: 'POCF' }));
  fs.writeFileSync(path.join(binfmtMisc, 'register'), line);
}

const { model = 'an unknown processor' } = os.cpus()[0] ?? {};
console.log(
  `${os.availableParallelism()} processors (${model}), Linux ${os.release()}. Medians of ${runs} runs: ratio`,
);
for (const file of [one, other].filter((each) => each !== NATIVE)) {
  const [version] = execFileSync(file, ['--version'], { encoding: 'utf8' }).split('\n');
  console.log(`- ${file}: ${version}, ${(fs.statSync(file).size / 1e6).toFixed(1)} MB`);
}
console.log(`\n${HEADER}`);
const ofOther = workloadsIn(rootOf(native ? own : guest));
const ratios: number[] = [];
for (const [what, command] of Object.entries(workloadsIn(rootOf(guest)))) {
  const commands = { [one]: command, [other]: ofOther[what as keyof typeof ofOther] };
  const timed = timeInTurn(commands, runs, (file) => file === NATIVE || register(architecture, file));
  console.log(compare(what, timed, one, other));
  ratios.push(ratioOf(timed, 'wall', one, other));
}
const product = ratios.reduce((all, each) => all * each, 1);
console.log(`\nGeometric mean of the wall times: ${(product ** (1 / ratios.length)).toFixed(2)}`);

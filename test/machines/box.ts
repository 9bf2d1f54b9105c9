/** Machines in a box: a real Debian kernel under full-system emulation, whose whole system is the image and busybox. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { probeExecutable } from '../../src/core/binfmt/probe-executable.js';
import { row } from '../support/architectures.js';
import { type Done, resultsOf, scriptOf } from '../support/console.js';
import { BUILD_MACHINES } from '../support/debian.js';
import { ALL_IMAGE, busyboxIn, busyboxPackage, debianName, IMAGE, LABEL, unpackImage } from '../support/docker.js';
import { own } from '../support/machine.js';
import { mustStarted, ROOT, started } from '../support/program.js';
import { scratch } from '../support/scratch.js';
import { sayInstead } from '../support/skip.js';

export interface Box {
  /** The OCI name of its processor: `arm64`. */
  readonly host: string;
  /** Releases of Debian: it has the newest kernel of the first one that can be had. */
  readonly suite: string;
  /** The last part of the name of the kernel's package, if not the usual one: `arm64-16k`. */
  readonly flavour?: string;
  /** Added to the kernel's command line. */
  readonly append?: string;
  /** A processor of QEMU's, if not the newest. */
  readonly cpu?: string;
}

/** What it does before a test's own commands. busybox has the others; `binfmt` is the image's. */
const PROLOGUE = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
mount -t proc proc /proc
mount -t sysfs sys /sys
export PATH=/usr/bin:/bin HOME=/
misc=/proc/sys/fs/binfmt_misc
chmod 1777 /tmp
dmesg -n 1
`;

/** Foreign programs are in /guests/NAME/bin/busybox for these, unless it is the machine's own. */
const GUESTS = ['amd64', 'arm64', 's390x', 'riscv64', 'ppc64le', 'arm', '386'];

/** A program that exits with the lowest byte of its effective user id, by the name of its architecture. */
const EFFECTIVE_USER: Readonly<Record<string, string>> = {
  // mov eax, geteuid; syscall; mov edi, eax; mov eax, exit; syscall
  amd64: 'b86b000000 0f05 89c7 b83c000000 0f05',
  // mov x8, geteuid; svc 0; mov x8, exit; svc 0
  arm64: 'e81580d2 010000d4 a80b80d2 010000d4',
};

/** Debian's names, also of those that no container image is known for. */
const debianNames: Readonly<Record<string, string>> = { arm: 'armhf', '386': 'i386' };

/** Where the package of a busybox is, and stays. */
const busyboxPackageOf = (name: string) =>
  path.join(ROOT, 'build/machines/busybox', debianNames[name] ?? debianName(name));

let free = os.availableParallelism();
const waiting: (() => void)[] = [];

/** Downloads and machines run side by side, as many as this machine has processors, and begin in the order of the calls. */
async function inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
  if (free > 0) free--;
  else await new Promise<void>((begin) => waiting.push(begin));
  try {
    return await task();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free++;
  }
}

let common: Promise<string> | undefined;

/** Gets what every machine needs: the busyboxes, and the image with QEMU, whose id it returns. */
function prepare(): Promise<string> {
  if (common) return common;
  const image = inTurn(() => mustStarted('docker', BUILD_MACHINES));
  const busyboxes = GUESTS.map((name) => {
    const dir = busyboxPackageOf(name);
    return inTurn(() => mustStarted(path.join(ROOT, 'qemu/fetch'), [...busyboxPackage(path.basename(dir)), dir]));
  });
  common = Promise.all([image, ...busyboxes]).then(([id]) => id.trim());
  // The machines, which wait for it, report a failure.
  common.catch(() => {});
  return common;
}

/** The exit status of fetch-kernel if the mirror has no such kernel. */
const NOT_THERE = 3;

/** The directories of kernels that were looked for, by what they are called. */
const kernels = new Map<string, Promise<string | undefined>>();

function kernelDirectory({ host, suite, flavour = '' }: Box): Promise<string | undefined> {
  const name = [host, suite, flavour].join(' ');
  const known = kernels.get(name);
  if (known !== undefined) return known;
  const directory = inTurn(async () => {
    const script = path.join(import.meta.dirname, 'fetch-kernel');
    const { exit, stdout, stderr } = await started(script, [debianName(host), suite], { FLAVOUR: flavour });
    if (exit === 0) return stdout.trim();
    if (exit !== NOT_THERE) throw new Error(`the kernel cannot be fetched:\n${stderr}`);
    const reasons = stderr.split('\n').filter((line) => line.startsWith('fetch-kernel: '));
    sayInstead(`not tested: ${reasons.map((line) => line.replace('fetch-kernel: ', '')).join('; ')}`);
    return undefined;
  });
  kernels.set(name, directory);
  return directory;
}

/**
 * The version of its kernel, as in the name of the package: `7.3.4+deb13-cloud-amd64`. Undefined if the mirror has no such
 * kernel, which is said once in the result of the tests.
 */
export async function kernelOf(box: Box): Promise<string | undefined> {
  prepare();
  const directory = await kernelDirectory(box);
  return directory && fs.readFileSync(path.join(directory, 'version'), 'utf8').trim();
}

const systems = new Map<string, string>();

/** The directory that is the machine's system, made once for each processor. */
function systemFor(host: string): string {
  const known = systems.get(host);
  if (known !== undefined) return known;
  const dir = path.join(scratch(), 'system');
  unpackImage(host === own.name ? IMAGE : ALL_IMAGE, `linux/${host}`, dir);
  fs.chmodSync(dir, 0o755);
  fs.rmSync(path.join(dir, '.dockerenv'));
  const busybox = (name: string, to: string) => {
    fs.mkdirSync(path.join(dir, to), { recursive: true });
    fs.copyFileSync(busyboxIn(busyboxPackageOf(name)), path.join(dir, to, 'busybox'));
  };
  busybox(host, 'bin');
  for (const name of GUESTS.filter((each) => each !== host)) {
    busybox(name, `guests/${name}/bin`);
    fs.symlinkSync('busybox', path.join(dir, `guests/${name}/bin/echo`));
  }
  for (const [name, probeCode] of Object.entries(EFFECTIVE_USER)) {
    fs.writeFileSync(path.join(dir, `guests/euid-${name}`), probeExecutable({ ...row(name), probeCode }));
    fs.chmodSync(path.join(dir, `guests/euid-${name}`), 0o4755);
  }
  for (const name of ['dev', 'proc', 'sys', 'tmp', 'etc', 'root'])
    fs.mkdirSync(path.join(dir, name), { recursive: true });
  fs.writeFileSync(path.join(dir, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n');
  fs.writeFileSync(path.join(dir, 'etc/group'), 'root:x:0:\nuser:x:1000:\n');
  // Each machine has its own in this place.
  fs.writeFileSync(path.join(dir, 'init'), '');
  systems.set(host, dir);
  return dir;
}

/** For a machine with all that is done on it. */
const SECONDS_LIMIT = 500;

/** Boots it, and returns its console. Throws with the last lines if the machine does not come to the end. */
async function consoleOf({ host, suite, append = '', cpu, ...box }: Box, script: string): Promise<string> {
  const image = await prepare();
  const kernel = await kernelDirectory({ host, suite, ...box });
  const init = path.join(scratch(), 'init');
  fs.writeFileSync(init, script, { mode: 0o755 });
  const mounts = [`${systemFor(host)}:/system:ro`, `${init}:/system/init:ro`, `${kernel}:/kernel:ro`];
  const { exit, stdout, stderr } = await started('docker', [
    ...['run', '--rm', '--label', LABEL, '--network', 'none', '--tmpfs', '/tmp', '--env', `APPEND=${append}`],
    ...mounts.flatMap((mount) => ['--volume', mount]),
    ...[image, debianName(host), `${SECONDS_LIMIT}`, ...(cpu === undefined ? [] : ['-cpu', cpu])],
  ]);
  if (exit === 0) return stdout;
  const end = stdout.split('\n').slice(-40).join('\n');
  throw new Error(`the machine (${host}, ${suite}) failed:\n${end}\n${stderr}`);
}

const starts: (() => unknown)[] = [];

/**
 * A machine on which these commands of a shell are run as root. The function that this returns, for a hook `before`, waits for
 * what each named command did, without the kernel's own messages. When it is first called for one machine, it starts all.
 */
export function machine<Name extends string>(
  box: Box,
  commands: Readonly<Record<Name, string>>,
): () => Promise<Record<Name, Done>> {
  let done: Promise<Record<Name, Done>> | undefined;
  const start = () => {
    done ??= inTurn(async () => {
      const console = await consoleOf(box, `${PROLOGUE}${scriptOf(commands)}poweroff -f\n`);
      return resultsOf(Object.keys(commands) as Name[], console);
    });
    // The hook that waits for it reports a failure.
    done.catch(() => {});
    return done;
  };
  starts.push(start);
  return () => {
    for (const each of starts) each();
    return start();
  };
}

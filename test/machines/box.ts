/** Machines in a box: a real Debian kernel under full-system emulation, whose whole system is the image and busybox. */
import fs from 'node:fs';
import path from 'node:path';
import { probeExecutable } from '../../src/core/elf.js';
import { row } from '../support/architectures.js';
import { type Done, resultsOf, scriptOf } from '../support/console.js';
import { ALL_IMAGE, debianName, fetchBusybox, IMAGE, unpackImage } from '../support/docker.js';
import { own } from '../support/machine.js';
import { ROOT, run } from '../support/program.js';
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
    fs.copyFileSync(keptBusybox(name), path.join(dir, to, 'busybox'));
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
  systems.set(host, dir);
  return dir;
}

/** Debian's names, also of those that no container image is known for. */
const debianNames: Readonly<Record<string, string>> = { arm: 'armhf', '386': 'i386' };

function keptBusybox(name: string): string {
  const debian = debianNames[name] ?? debianName(name);
  const kept = path.join(ROOT, 'build/machines/busybox', debian);
  if (!fs.existsSync(kept)) {
    fs.mkdirSync(path.dirname(kept), { recursive: true });
    fs.copyFileSync(fetchBusybox(debian), kept);
  }
  return kept;
}

/** The exit status of fetch-kernel if the mirror has no such kernel. */
const NOT_THERE = 3;

/** Kernels that were looked for, by what they are called. */
const kernels = new Map<string, string | undefined>();

/**
 * The version of its kernel, as in the name of the package: `7.3.4+deb13-cloud-amd64`. Undefined if the mirror has no such
 * kernel, which is said once in the result of the tests.
 */
export function kernelOf({ host, suite, flavour = '' }: Box): string | undefined {
  const name = [host, suite, flavour].join(' ');
  if (!kernels.has(name)) {
    const fetched = run(path.join(import.meta.dirname, 'fetch-kernel'), [debianName(host), suite], {
      FLAVOUR: flavour,
    });
    const found = fetched.exit === 0;
    if (!found && fetched.exit !== NOT_THERE) throw new Error(`the kernel cannot be fetched:\n${fetched.stderr}`);
    kernels.set(name, found ? fs.readFileSync(path.join(fetched.stdout.trim(), 'version'), 'utf8').trim() : undefined);
    const reasons = fetched.stderr.split('\n').filter((line) => line.startsWith('fetch-kernel: '));
    if (!found) sayInstead(`not tested: ${reasons.map((line) => line.replace('fetch-kernel: ', '')).join('; ')}`);
  }
  return kernels.get(name);
}

/**
 * Boots it, runs commands of a shell as root, and returns what each named command did. The kernel's own messages are left out.
 * Throws with the console's last lines if the machine does not come to the end.
 */
export function onMachine<Name extends string>(
  { host, suite, flavour = '', append = '', cpu }: Box,
  commands: Readonly<Record<Name, string>>,
): Record<Name, Done> {
  const dir = systemFor(host);
  fs.writeFileSync(path.join(dir, 'init'), `${PROLOGUE}${scriptOf(commands)}poweroff -f\n`, { mode: 0o755 });
  const boot = path.join(import.meta.dirname, 'boot');
  const options = cpu === undefined ? [] : ['-cpu', cpu];
  const ended = run(boot, [debianName(host), suite, dir, ...options], { FLAVOUR: flavour, APPEND: append });
  if (ended.exit !== 0) {
    const end = ended.stdout.split('\n').slice(-40).join('\n');
    throw new Error(`the machine (${host}, ${suite}) failed:\n${end}\n${ended.stderr}`);
  }
  return resultsOf(Object.keys(commands) as Name[], ended.stdout);
}

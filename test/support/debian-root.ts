/** A root file system with Debian's own programs, which a host registers entries with at boot. */
import fs from 'node:fs';
import path from 'node:path';
import { must, ROOT } from './program.js';
import { scratch } from './scratch.js';

const PACKAGES = 'systemd binfmt-support openrc dash coreutils grep sed';

/** What a kind of host has not. */
const missing = {
  'debian-root': /^(openrc|librc|libeinfo|insserv)/,
  'openrc-root': /^(systemd|libsystemd-shared|binfmt-support)/,
} as const;

/** The directories that every host has. */
export function emptyRoot(): string {
  const root = path.join(scratch(), 'root');
  for (const directory of ['proc', 'tmp', 'run', 'etc', 'var', 'usr/bin', 'usr/local/lib']) {
    fs.mkdirSync(path.join(root, directory), { recursive: true });
  }
  for (const directory of ['bin', 'sbin', 'lib', 'lib64'])
    fs.symlinkSync(`usr/${directory}`, path.join(root, directory));
  return root;
}

/** Downloads the packages of all kinds of hosts once, with all that they need. Returns the directory that has them. */
function fetched(): string {
  const packages = path.join(ROOT, 'build/roots');
  const fetch = ['--package', PACKAGES, '--with-dependencies', '--suites', 'trixie forky'];
  must(path.join(ROOT, 'qemu/fetch'), [...fetch, packages]);
  return packages;
}

if (process.argv[1] === import.meta.filename) fetched();

/** A fresh root directory of one kind of host. */
export function debianRoot(kind: keyof typeof missing): string {
  const packages = fetched();
  const root = emptyRoot();
  for (const name of fs.readdirSync(packages).filter((each) => !missing[kind].test(each))) {
    const files = path.join(packages, name);
    const found = ['etc', 'usr', 'var'].map((each) => path.join(files, each)).filter((each) => fs.existsSync(each));
    must('cp', ['--archive', '--no-preserve=ownership', ...found, root]);
  }
  return root;
}

/** Runs a command with this root directory, which sees the binfmt_misc of the tests. */
export function inRoot(root: string, ...command: string[]): string {
  const script = 'mount --rbind /proc "$0/proc" && exec chroot "$0" "$@"';
  return must('unshare', ['--mount', 'sh', '-c', script, root, ...command]);
}

/** What systemd does at boot: it removes all entries first. */
export const bootWithSystemd = (root: string) => inRoot(root, '/usr/lib/systemd/systemd-binfmt');

export const updateBinfmts = (root: string, ...args: string[]) => inRoot(root, '/usr/sbin/update-binfmts', ...args);

/**
 * Starts OpenRC's service `binfmt`, if it belongs to the runlevel `boot`. Debian has its program, but not the service, which is
 * three lines long (OpenRC's init.d/binfmt.in).
 */
export function addOpenrcService(root: string): void {
  const service = '#!/usr/sbin/openrc-run\nstart() {\n\t/usr/lib/rc/sh/binfmt.sh\n}\n';
  fs.writeFileSync(path.join(root, 'etc/init.d/binfmt'), service, { mode: 0o755 });
}

/** What OpenRC does in the runlevel `boot`. Returns what it says. */
export function bootWithOpenrc(root: string): string {
  // Without this file it believes that the machine has not been started with it, and starts nothing.
  fs.mkdirSync(path.join(root, 'run/openrc'), { recursive: true });
  fs.writeFileSync(path.join(root, 'run/openrc/softlevel'), 'sysinit\n');
  return inRoot(root, '/usr/sbin/openrc', 'boot');
}

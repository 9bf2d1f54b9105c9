/** A root file system with Debian's own programs, which a host registers entries with at boot. */
import fs from 'node:fs';
import path from 'node:path';
import { must, ROOT } from './program.js';
import { scratch } from './scratch.js';

const PACKAGES = path.join(ROOT, 'build/debian-root');

/** Downloads the packages once: systemd and binfmt-support, with all that they need. Returns a fresh copy. */
export function debianRoot(): string {
  const fetch = ['--package', 'systemd binfmt-support', '--with-dependencies', '--suites', 'trixie'];
  must(path.join(ROOT, 'qemu/fetch'), [...fetch, PACKAGES]);
  const root = path.join(scratch(), 'root');
  fs.mkdirSync(root);
  for (const directory of ['bin', 'sbin', 'lib', 'lib64'])
    fs.symlinkSync(`usr/${directory}`, path.join(root, directory));
  for (const directory of ['proc', 'tmp', 'run', 'usr/local/lib']) {
    fs.mkdirSync(path.join(root, directory), { recursive: true });
  }
  for (const name of fs.readdirSync(PACKAGES)) {
    const files = path.join(PACKAGES, name);
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

/** The real Docker Engine, and the images that the tests in test/container run on it. */
import fs from 'node:fs';
import path from 'node:path';
import { MOUNT } from './kernel.js';
import { type Ended, must, ROOT, run } from './program.js';
import { scratch } from './scratch.js';

/** The image under test, built by test/run. */
export const IMAGE = 'binfmt-test';
export const FULL_IMAGE = 'binfmt-test:full';
/** The same for every host. */
export const ALL_IMAGE = 'binfmt-test-all';
const PROGRAMS = 'binfmt-test-programs';

export function docker(...args: string[]): Ended {
  return run('docker', args);
}

/** Runs the image as people do: `docker run --privileged --rm IMAGE ARGS`. */
export function privileged(args: readonly string[], image = IMAGE): Ended {
  return docker('run', '--privileged', '--rm', image, ...args);
}

/** The host's own binfmt_misc, mounted for as long as the tests run, as most hosts have it. */
export function mountOnHost(): () => void {
  if (fs.existsSync(path.join(MOUNT, 'register'))) return () => {};
  must('mount', ['-t', 'binfmt_misc', 'binfmt_misc', MOUNT]);
  return () => must('umount', [MOUNT]);
}

/** The same for a suite, which begins and ends with nothing of ours registered. */
export function onCleanHost(image = IMAGE): void {
  let restore = () => {};
  before(() => {
    restore = mountOnHost();
    uninstallAll(image);
  });
  after(() => {
    uninstallAll(image);
    restore();
  });
}

/** Builds the image of a directory with a Dockerfile. */
export function buildImage(tag: string, dir: string, platform?: string): string {
  const options = platform ? ['--platform', platform] : [];
  must('docker', ['buildx', 'build', '--quiet', '--load', ...options, '--tag', tag, dir]);
  return tag;
}

/** Unpacks an image's files into a directory, which is made for it. */
export function unpackImage(image: string, platform: string, dir: string): void {
  const container = must('docker', ['create', '--platform', platform, image, 'none']).trim();
  must('bash', ['-euc', `mkdir -p '${dir}'; docker export ${container} | tar -x -C '${dir}'`]);
  docker('rm', container);
}

/** Takes back whatever a test left in the kernel. */
export function uninstallAll(image = IMAGE): void {
  const { exit, stderr } = privileged(['--uninstall', 'all'], image);
  if (exit !== 0) throw new Error(stderr);
}

/** A tiny foreign container image with busybox. `architecture`: Debian's name. */
export function busyboxImage(architecture: string, platform: string): string {
  const tag = `binfmt-test-busybox:${architecture}`;
  if (docker('image', 'inspect', tag).exit === 0) return tag;
  const dir = scratch();
  const fetch = ['--package', 'busybox-static', '--architecture', architecture, '--suites', 'trixie sid bookworm'];
  must(path.join(ROOT, 'qemu/fetch'), [...fetch, path.join(dir, 'package')]);
  const busybox = ['usr/bin/busybox', 'bin/busybox'].find((file) => fs.existsSync(path.join(dir, 'package', file)));
  fs.mkdirSync(path.join(dir, 'bin'));
  fs.copyFileSync(path.join(dir, 'package', busybox ?? ''), path.join(dir, 'bin/busybox'));
  for (const applet of ['sh', 'uname', 'echo', 'cat']) fs.symlinkSync('busybox', path.join(dir, 'bin', applet));
  fs.writeFileSync(path.join(dir, 'Dockerfile'), 'FROM scratch\nCOPY bin/ /bin/\nENV PATH=/bin\nCMD ["sh"]\n');
  return buildImage(tag, dir, platform);
}

/** The image of test/container/programs.Dockerfile. */
export function programsImage(): string {
  const dir = path.join(ROOT, 'test/container');
  must('docker', [
    'buildx',
    'build',
    '--quiet',
    '--load',
    '--file',
    path.join(dir, 'programs.Dockerfile'),
    '--tag',
    PROGRAMS,
    dir,
  ]);
  return PROGRAMS;
}

/** The real Docker Engine, and the images that the tests in test/container run on it. */
import fs from 'node:fs';
import path from 'node:path';
import { entryNames, MOUNT, writeEntry } from './kernel.js';
import { type Guest, own } from './machine.js';
import { type Ended, must, ROOT, run } from './program.js';
import { scratch } from './scratch.js';

/** The image under test, built by test/run. */
export const IMAGE = 'binfmt-test';
export const FULL_IMAGE = 'binfmt-test:full';
/** The same for every host. */
export const ALL_IMAGE = 'binfmt-test-all';
/** For another host, with an emulator from source. */
export const SOURCE_IMAGE = 'binfmt-test-source';
const PROGRAMS = 'binfmt-test-programs';

/** What containers and networks of the tests carry: test/run removes them by it, and nothing else. */
export const LABEL = 'binfmt.test';

function labelled([command = '', ...args]: readonly string[]): string[] {
  return [command, ...(['run', 'create'].includes(command) ? ['--label', LABEL] : []), ...args];
}

export function docker(...args: string[]): Ended {
  return run('docker', labelled(args));
}

/** Like `docker`, but a failure of the command fails the test; returns its output. */
export function mustDocker(...args: string[]): string {
  return must('docker', labelled(args));
}

/** `docker run` with the label, for scripts. */
export const DOCKER_RUN = `docker run --label ${LABEL}`;

/** A Compose project of one file, whose service `binfmt` and network carry the label. */
export function composeProject(name: string, file: string, environment: NodeJS.ProcessEnv = {}) {
  const labels = path.join(scratch(), 'labels.yaml');
  const label = `labels: [${LABEL}]`;
  fs.writeFileSync(labels, `services: { binfmt: { ${label} } }\nnetworks: { default: { ${label} } }\n`);
  const project = ['compose', '--project-name', name, '--file', file, '--file', labels];
  return (...args: string[]): Ended => run('docker', [...project, ...args], environment);
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
export function onCleanHost(): void {
  let restore = () => {};
  before(() => {
    restore = mountOnHost();
    uninstallAll();
  });
  after(() => {
    uninstallAll();
    restore();
  });
}

/** Builds the image of a directory with a Dockerfile: without provenance, so that it is a manifest and no index (docs/cluster.md). */
export function buildImage(tag: string, dir: string, ...options: readonly string[]): string {
  must('docker', ['buildx', 'build', '--quiet', '--load', '--provenance=false', ...options, '--tag', tag, dir]);
  return tag;
}

/** An image of Debian with what registers entries at boot. */
export function debianImage(): string {
  const dir = scratch();
  fs.writeFileSync(
    path.join(dir, 'Dockerfile'),
    `FROM debian:trixie-slim
    RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd binfmt-support >/dev/null\n`,
  );
  return buildImage('binfmt-test-debian', dir);
}

/** Removes images of these names, with all of their tags. */
export function removeImages(...names: string[]): void {
  const tagged = names.flatMap((name) =>
    mustDocker('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', name).split('\n'),
  );
  docker('image', 'rm', '--force', ...tagged.filter((each) => each !== ''));
}

/** Unpacks an image's files into a directory, which is made for it. */
export function unpackImage(image: string, platform: string, dir: string): void {
  const container = mustDocker('create', '--platform', platform, image, 'none').trim();
  try {
    must('bash', ['-euc', `mkdir -p '${dir}'; docker export ${container} | tar -x -C '${dir}'`]);
  } finally {
    docker('rm', container);
  }
}

/** Removes the entries of emulators from the machine's own binfmt_misc. */
export function uninstallAll(): void {
  const restore = mountOnHost();
  for (const name of entryNames().filter((each) => each.startsWith('qemu-'))) writeEntry(name, '-1');
  restore();
}

/** What Debian calls an architecture, and `uname -m` in a container of it, by the OCI name. */
const containers: Readonly<Record<string, { readonly debian: string; readonly machine: string }>> = {
  amd64: { debian: 'amd64', machine: 'x86_64' },
  arm64: { debian: 'arm64', machine: 'aarch64' },
  loong64: { debian: 'loong64', machine: 'loongarch64' },
  ppc64le: { debian: 'ppc64el', machine: 'ppc64le' },
  riscv64: { debian: 'riscv64', machine: 'riscv64' },
  s390x: { debian: 's390x', machine: 's390x' },
};

function containerOf(name: string): { readonly debian: string; readonly machine: string } {
  const found = containers[name];
  if (!found) throw new Error(`no container image is known for ${name}`);
  return found;
}

/** The tiny container image of an example, and what `uname -m` says in it. */
export const guestImage = ({ name, platform }: Guest) => busyboxImage(containerOf(name).debian, platform);
export const guestMachine = ({ name }: Pick<Guest, 'name'>) => containerOf(name).machine;

/** Do containers of an example run on this host, now? `image`: its image. */
export function runsGuest(guest: Guest, image: string): boolean {
  const { stdout } = docker('run', '--rm', '--platform', guest.platform, image, 'uname', '-m');
  return stdout === `${guestMachine(guest)}\n`;
}

/** Debian's name of an architecture, by the OCI name. */
export const debianName = (name: string) => containerOf(name).debian;

/** The arguments of qemu/fetch for Debian's static busybox. `architecture`: Debian's name. */
export function busyboxPackage(architecture: string): string[] {
  return ['--package', 'busybox-static', '--architecture', architecture, '--suites', 'trixie sid bookworm'];
}

/** The busybox in the directory of that package. */
export function busyboxIn(dir: string): string {
  const files = ['usr/bin/busybox', 'bin/busybox'].map((file) => path.join(dir, file));
  return files.find((file) => fs.existsSync(file)) ?? '';
}

/** A tiny foreign container image with busybox. `architecture`: Debian's name. */
export function busyboxImage(architecture: string, platform: string): string {
  const tag = `binfmt-test-guest:${architecture}`;
  if (docker('image', 'inspect', tag).exit === 0) return tag;
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'bin'));
  const fetched = path.join(scratch(), 'package');
  must(path.join(ROOT, 'qemu/fetch'), [...busyboxPackage(architecture), fetched]);
  fs.copyFileSync(busyboxIn(fetched), path.join(dir, 'bin/busybox'));
  for (const applet of ['sh', 'uname', 'echo', 'cat']) fs.symlinkSync('busybox', path.join(dir, 'bin', applet));
  fs.writeFileSync(path.join(dir, 'Dockerfile'), 'FROM scratch\nCOPY bin/ /bin/\nENV PATH=/bin\nCMD ["sh"]\n');
  return buildImage(tag, dir, '--platform', platform);
}

/** The image of test/support/programs. `names`: only with the programs of these architectures. */
export function programsImage(...names: string[]): string {
  const tag = `${PROGRAMS}:${names.join('-') || 'latest'}`;
  const only = names.join('|') || '.*';
  return buildImage(tag, path.join(ROOT, 'test/support/programs'), '--build-arg', `ONLY=${only}`);
}

/** The files of an image in a directory, for this machine's platform. */
export function filesOfImage(image: string): string {
  const dir = path.join(scratch(), 'files');
  unpackImage(image, `linux/${own.name}`, dir);
  return dir;
}

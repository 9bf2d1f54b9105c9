/** A container that stands for a machine with podman, buildah and a Docker Engine of its own. */
import fs from 'node:fs';
import path from 'node:path';
import { docker, mustDocker } from './docker.js';
import { type Ended, must, ROOT } from './program.js';
import { scratch } from './scratch.js';

const NAME = 'binfmt-test-engines';

/** The users of the machine. carol has no subordinate ids. */
const users = { root: 0, alice: 61000, bob: 61001, carol: 61002 };
export type User = keyof typeof users;

/** Starts it, for a suite. `images`: an archive of these is its file /images.tar. */
export function startEngines(images: readonly string[]): void {
  docker('rm', '--force', NAME);
  const file = path.join(ROOT, 'test/container/engines.Dockerfile');
  must('docker', ['buildx', 'build', '--quiet', '--load', '--file', file, '--tag', NAME, path.dirname(file)]);
  // With the machine's processes, it is no container to the program.
  mustDocker('run', '--detach', '--privileged', '--pid=host', '--name', NAME, NAME, 'sleep', 'infinity');
  const archive = path.join(scratch(), 'images.tar');
  mustDocker('save', '--output', archive, ...images);
  fs.chmodSync(archive, 0o644);
  mustDocker('cp', archive, `${NAME}:/images.tar`);
}

export function stopEngines(): void {
  docker('rm', '--force', NAME);
}

/** Runs a script of bash as a user. */
export function as(user: User, script: string): Ended {
  const dir = `/run/user/${users[user]}`;
  const home = user === 'root' ? '/root' : `/home/${user}`;
  const environment = Object.entries({
    HOME: home,
    ...(user !== 'root' && { XDG_RUNTIME_DIR: dir, DOCKER_HOST: `unix://${dir}/docker.sock` }),
    QEMU_BINARY_PATH: '/opt/binfmt',
    PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
  }).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  return docker('exec', '--user', user, ...environment, '--workdir', home, NAME, 'bash', '-c', script);
}

/** Like `as`, but a failure fails the test. Returns standard output. */
export function mustAs(user: User, script: string): string {
  const { exit, stdout, stderr } = as(user, script);
  if (exit !== 0) throw new Error(`${script}: exit status ${exit}\n${stdout}${stderr}`);
  return stdout;
}

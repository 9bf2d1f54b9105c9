/** A container that stands for a machine with podman, buildah and a Docker Engine of its own. */
import fs from 'node:fs';
import path from 'node:path';
import { buildImage, docker, mustDocker } from './docker.js';
import { type Ended, ROOT } from './program.js';
import { scratch } from './scratch.js';

const NAME = 'binfmt-test-engines';

/** The users of the machine. carol has no subordinate ids. */
const users = { root: 0, alice: 61000, bob: 61001, carol: 61002 };
export type User = keyof typeof users;

/** Starts it, for a suite. `images`: an archive of these is its file /images.tar. */
export function startEngines(images: readonly string[]): void {
  docker('rm', '--force', NAME);
  buildImage(NAME, path.join(ROOT, 'test/engines'));
  // With the machine's processes, it is no container to the program.
  mustDocker('run', '--detach', '--privileged', '--pid=host', '--name', NAME, NAME, 'sleep', 'infinity');
  const archive = path.join(scratch(), 'images.tar');
  mustDocker('save', '--output', archive, ...images);
  fs.chmodSync(archive, 0o644);
  mustDocker('cp', archive, `${NAME}:/images.tar`);
  mustDocker('cp', path.join(ROOT, 'deploy'), `${NAME}:/deploy`);
  // A user namespace with all ids, whose root is root of the machine: its entries are not those of the host.
  const machine = `mkdir /cgroup2 && mount -t cgroup2 cgroup2 /cgroup2
    unshare --user --map-users=all --map-groups=all --setuid=0 --setgid=0 --mount bash -c '
      mount -t binfmt_misc binfmt_misc /mnt && umount /mnt; echo $$ >/machine; exec sleep infinity' &
    until [ -s /machine ]; do sleep 0.1; done`;
  mustDocker('exec', NAME, 'bash', '-euc', machine);
}

export function stopEngines(): void {
  docker('rm', '--force', NAME);
}

const homeOf = (user: User) => (user === 'root' ? '/root' : `/home/${user}`);

function environmentOf(user: User): string[] {
  const dir = `/run/user/${users[user]}`;
  return Object.entries({
    HOME: homeOf(user),
    ...(user !== 'root' && { XDG_RUNTIME_DIR: dir, DOCKER_HOST: `unix://${dir}/docker.sock` }),
    QEMU_BINARY_PATH: '/opt/binfmt',
    PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
  }).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
}

/** Runs a script of bash as a user. */
export function as(user: User, script: string): Ended {
  const enter = `exec nsenter --target "$(cat /machine)" --user --mount --wdns="$HOME" \
    setpriv --reuid ${user} --regid $(id -g ${user}) --init-groups bash -c "$1"`;
  return docker('exec', ...environmentOf(user), NAME, 'bash', '-c', enter, 'bash', script);
}

/** The same with the host's entries, and with rights on it that only root of the host has. */
export function onHostAs(user: User, script: string): Ended {
  const options = ['--user', user, '--workdir', homeOf(user)];
  return docker('exec', ...options, ...environmentOf(user), NAME, 'bash', '-c', script);
}

/** Like `as`, but a failure fails the test. Returns standard output. */
export const mustAs = (user: User, script: string) => outputOf(as(user, script), script);
export const mustOnHostAs = (user: User, script: string) => outputOf(onHostAs(user, script), script);

function outputOf({ exit, stdout, stderr }: Ended, script: string): string {
  if (exit !== 0) throw new Error(`${script}: exit status ${exit}\n${stdout}${stderr}`);
  return stdout;
}

/**
 * Starts the service manager of a user, `systemd --user`, as a login would: with cgroups of version 2, and one of its own. It alone
 * sees what is mounted for it.
 */
export function startUserManager(user: User): void {
  const environment = `HOME=/home/${user} XDG_RUNTIME_DIR=/run/user/${users[user]} QEMU_BINARY_PATH=`;
  mustAs(
    'root',
    `unshare --mount bash -euc '
      mount -t tmpfs tmpfs /run/systemd
      mkdir /run/systemd/system
      mount --bind /cgroup2 /sys/fs/cgroup
      own=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/${user}
      mkdir $own
      chown -R ${user} $own
      echo $$ >$own/cgroup.procs
      exec setpriv --reuid ${user} --regid $(id -g ${user}) --init-groups env ${environment} /lib/systemd/systemd --user
    ' >/home/${user}/manager.log 2>&1 &`,
  );
  mustAs(user, 'n=0; until systemctl --user is-system-running || [ $n = 100 ]; do sleep 0.1; n=$((n + 1)); done');
}

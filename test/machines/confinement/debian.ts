/** A Debian with podman in a virtual machine, under SELinux or AppArmor. */
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { type Done, scriptOf } from '../../support/console.js';
import { boot, type Debian, installDebian } from '../../support/debian.js';
import { busyboxImage, debianName, guestImage, mustDocker } from '../../support/docker.js';
import { guest, own } from '../../support/machine.js';
import { ROOT } from '../../support/program.js';
import { scratch } from '../../support/scratch.js';

/** The image under test, with the emulators of two examples. test/run builds it. */
export const SMALL_IMAGE = 'binfmt-test-confinement';

const debian: Debian = {
  architecture: debianName(own.name),
  suite: 'trixie',
  packages: ['selinux-policy-default', 'policycoreutils', 'selinux-utils', 'apparmor', 'podman', 'crun'],
  files: path.join(import.meta.dirname, 'files'),
  // SELinux's labels cannot be made from outside: its first boot writes them (files/usr/local/sbin/run-commands).
  firstBoot: 'security=selinux enforcing=0',
};

/** The functions and variables that the commands have. */
const prologue = (images: readonly string[]) => `
dmesg --console-level 1
# systemd mounts it when it is used for the first time.
ls /proc/sys/fs/binfmt_misc >/dev/null
# SELinux does not let podman read these files, but it may read a pipe.
${images.map((_, i) => `cat /run/${i}.tar | podman load --quiet`).join('\n')}
podman="podman run --rm --network none --quiet"
binfmt=${SMALL_IMAGE}
`;

/** A machine of its own for a test that boots it more than once. */
export const freshMachine = () => installDebian(debian);

/**
 * Runs commands of bash on it, as root and in the context of a service. `$podman` is `podman run` with options, and `$binfmt` is the
 * image under test. `images` are there too. `machine`: one that was booted before.
 */
export function onDebian<Name extends string>(
  module: 'selinux' | 'apparmor',
  images: readonly string[],
  commands: Readonly<Record<Name, string>>,
  machine = freshMachine(),
): Record<Name, Done> {
  const drive = scratch();
  const all = [SMALL_IMAGE, ...images];
  for (const [i, image] of all.entries()) mustDocker('save', '--output', path.join(drive, `${i}.tar`), image);
  fs.copyFileSync(path.join(ROOT, 'deploy/quadlet/binfmt.container'), path.join(drive, 'binfmt.container'));
  // Confined programs may write to a pipe of their caller, and not to the console.
  const piped = Object.entries<string>(commands).map(([name, command]) => [
    name,
    `set -o pipefail\n{\n${command}\n} 2>&1 </dev/null | cat`,
  ]);
  fs.writeFileSync(path.join(drive, 'commands'), prologue(all) + scriptOf(Object.fromEntries(piped)));
  const names = Object.keys(commands) as Name[];
  return boot(debian, machine, drive, names, `security=${module} enforcing=1`);
}

/** What both modules are tried with: the image of a foreign program, and commands about it. */
export function example() {
  const image = guestImage(guest);
  return {
    image,
    confined: `$podman --platform ${guest.platform} ${image} uname -m`,
    install: `$binfmt --install ${guest.name}`,
    uninstall: '$podman --privileged $binfmt --uninstall all >/dev/null 2>&1',
  };
}

/** The image as a service of systemd, as docs/rootless.md says: the unit is active when it is ready. */
export const QUADLET = `podman tag ${SMALL_IMAGE} localhost/${SMALL_IMAGE}
  mkdir -p /etc/containers/systemd
  sed 's,localhost/binfmt:latest,localhost/${SMALL_IMAGE}:latest,' /run/binfmt.container >/etc/containers/systemd/binfmt.container
  systemctl daemon-reload
  systemctl start binfmt; systemctl is-active binfmt; podman exec binfmt /usr/bin/binfmt healthcheck --strict`;

const daemonSet = parse(fs.readFileSync(path.join(ROOT, 'deploy/kubernetes/base/daemonset.yaml'), 'utf8'));
const { capabilities } = daemonSet.spec.template.spec.containers[0].securityContext;
/**
 * What Kubernetes gives the pod of deploy/kubernetes/base, as options of podman, which does not confine a container with the host's
 * processes unless it is told to.
 */
export const BASE_POD = `$podman --cap-drop ${capabilities.drop} --cap-add ${capabilities.add} \
  --security-opt no-new-privileges --read-only --tmpfs /run --tmpfs /tmp --pid=host`;

/** A tiny image with busybox, of this machine's platform. */
export const ownImage = () => busyboxImage(debianName(own.name), `linux/${own.name}`);

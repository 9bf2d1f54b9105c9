/** podman as root is a client like Docker. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { guestImage, guestMachine, IMAGE, onCleanHost } from '../support/docker.js';
import { mustOnHostAs, onHostAs, startEngines, stopEngines } from '../support/engines.js';
import { guest } from '../support/machine.js';
import { ROOT, statusIn } from '../support/program.js';

const image = `localhost/${IMAGE}:latest`;
const machine = `${guestMachine(guest)}\n`;
const inPodman = `podman run --rm --network none --quiet ${guestImage(guest)} uname -m`;

describe('podman, as root', () => {
  onCleanHost();
  before(() => {
    startEngines([`${IMAGE}:latest`, guestImage(guest)]);
    mustOnHostAs('root', 'podman load --quiet --input /images.tar');
  });
  after(stopEngines);

  it('installs with --privileged, and runs foreign containers then', () => {
    const ended = onHostAs('root', `podman run --privileged --rm ${image} --install ${guest.name}`);
    expect(ended.exit, ended.stderr).to.equal(0);
    expect(statusIn(ended).emulators).to.include(guest.emulator);
    expect(mustOnHostAs('root', inPodman)).to.equal(machine);
  });

  it('builds foreign images', () => {
    mustOnHostAs('root', `printf 'FROM ${guestImage(guest)}\nRUN uname -m\n' >Dockerfile`);
    const build = `podman build --no-cache --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --isolation chroot --network host --platform ${guest.platform} .`;
    expect(mustOnHostAs('root', `${build} 2>&1`)).to.contain(`\n${machine}`);
  });

  it('prints the status without privileges', () => {
    const { supported } = statusIn(onHostAs('root', `podman run --rm ${image}`));
    expect(supported).to.include(guest.platform);
  });

  it("installs with the host's directory, and without any capability", () => {
    const options =
      '--cap-drop ALL --read-only --security-opt no-new-privileges --volume /proc/sys/fs/binfmt_misc:/binfmt_misc';
    mustOnHostAs('root', 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc');
    mustOnHostAs('root', `podman run --rm ${options} ${image} --uninstall ${guest.name}`);
    expect(onHostAs('root', inPodman).exit).not.to.equal(0);
    const ended = onHostAs('root', `podman run --rm ${options} ${image} --install ${guest.name}`);
    expect(ended.exit, ended.stderr).to.equal(0);
    expect(mustOnHostAs('root', inPodman)).to.equal(machine);
  });

  it('runs it as a service from deploy/quadlet', () => {
    const file = fs.readFileSync(path.join(ROOT, 'deploy/quadlet/binfmt.container'), 'utf8');
    const quadlet = file.replace('localhost/binfmt:latest', image).replace('--install all', `--install ${guest.name}`);
    mustOnHostAs(
      'root',
      `mkdir -p /etc/containers/systemd; cat >/etc/containers/systemd/binfmt.container <<'END'\n${quadlet}END`,
    );
    const unit = mustOnHostAs('root', '/usr/libexec/podman/quadlet -dryrun 2>/dev/null');
    // No systemd is there to make a cgroup, and to be told.
    const start = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.replace(/--(cgroups|sdnotify|cidfile)=\S+/g, '') ?? 'false';
    mustOnHostAs('root', start.replaceAll('%t/%N', '/run/binfmt'));
    const ready = 'podman exec binfmt /usr/bin/binfmt healthcheck --strict';
    mustOnHostAs('root', `n=0; until ${ready} || [ $n = 300 ]; do sleep 0.1; n=$((n + 1)); done; ${ready}`);
    mustOnHostAs('root', `echo -1 >/proc/sys/fs/binfmt_misc/${guest.emulator}; sleep 1`);
    expect(mustOnHostAs('root', inPodman)).to.equal(machine);
    mustOnHostAs('root', 'podman rm --force --time 1 binfmt');
  });
});

/** --persist on a machine with systemd and SELinux, through two reboots. */
import { expect } from 'chai';
import type { Done } from '../../support/console.js';
import { guestMachine } from '../../support/docker.js';
import { guest } from '../../support/machine.js';
import { example, freshMachine, onDebian } from './debian.js';

const { name, emulator } = guest;
const machine = `${guestMachine(guest)}\n`;
const misc = '/proc/sys/fs/binfmt_misc';
const FILES = `/usr/local/lib/binfmt/${emulator} /etc/binfmt.d/${emulator}.conf`;

function expectDone(done: Done, output: string | RegExp): void {
  expect(done.exit, done.output).to.equal(0);
  if (typeof output === 'string') expect(done.output).to.equal(output);
  else expect(done.output).to.match(output);
}

describe('--persist, through reboots under SELinux', () => {
  let debian: string;
  before(() => {
    debian = freshMachine();
  });

  it('registers at once, and confined containers run', function () {
    this.timeout(900_000);
    const { image, confined } = example();
    const commands = {
      mode: 'getenforce',
      before: confined,
      install: `$podman --privileged --pid=host $binfmt --install ${name} --persist >/dev/null`,
      confined,
      labels: `stat --format %C ${FILES}`,
    };
    const done = onDebian('selinux', [image], commands, debian);
    expectDone(done.mode, 'Enforcing\n');
    expect(done.before.exit).not.to.equal(0);
    expectDone(
      done.install,
      new RegExp(`^installing: ${name} OK\r?\nbinfmt: systemd-binfmt registers what is in /etc/binfmt.d`),
    );
    expectDone(done.confined, machine);
    // Every container and the host's own services may read them.
    expectDone(done.labels, /^\S+:object_r:lib_t:s0\n\S+:object_r:etc_t:s0\n$/);
  });

  it('has the entry after a reboot, without any container, and takes it back', function () {
    this.timeout(900_000);
    const { image, confined } = example();
    const commands = {
      entry: `cat ${misc}/${emulator}`,
      confined,
      doctor: `$podman --privileged --pid=host $binfmt doctor ${name}`,
      uninstall: `$podman --privileged --pid=host $binfmt --uninstall ${name} --persist >/dev/null`,
      left: `ls -A /usr/local/lib /etc/binfmt.d; ls ${misc}`,
    };
    const done = onDebian('selinux', [image], commands, debian);
    expectDone(done.entry, new RegExp(`interpreter /usr/local/lib/binfmt/${emulator}\nflags: POCF\n`));
    expectDone(done.confined, machine);
    expectDone(done.doctor, /^PLATFORM .*\n\S+ +yes +.*\n$/);
    expectDone(done.uninstall, `uninstalling: ${emulator} OK\n`);
    expect(done.left.output).not.to.contain('qemu').and.not.to.contain('manifest');
  });

  it('has nothing of it after the next reboot', function () {
    this.timeout(900_000);
    const { image, confined } = example();
    const done = onDebian('selinux', [image], { entries: `ls ${misc}`, confined }, debian);
    expectDone(done.entries, 'register\nstatus\n');
    expect(done.confined.exit).not.to.equal(0);
  });
});

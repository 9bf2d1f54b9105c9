/** Under SELinux, each container may read its own files only. An emulator is a file of the container that registered it. */
import { expect } from 'chai';
import { registerLine, registrationOf } from '../../../src/core/binfmt/entry.js';
import type { Done } from '../../support/console.js';
import { guestMachine } from '../../support/docker.js';
import { guest } from '../../support/machine.js';
import { BASE_POD, example, onDebian, ownImage, QUADLET } from './debian.js';

const { name, emulator } = guest;
const machine = `${guestMachine(guest)}\n`;
/** The label of podman's privileged containers. */
const CATEGORIES = 'c1022,c1023';

/** Registers the emulator as any other container would that is started with --privileged. */
const otherRegistrar = () => {
  const line = registerLine(
    registrationOf(guest.architecture, { name: emulator, interpreter: `/e/${emulator}`, flags: 'PCF' }),
  );
  return [
    `$podman $binfmt export none ${name} | tar -x -C /run`,
    'mkdir /run/other',
    `mv /run/usr/local/lib/binfmt/${emulator} /run/other`,
    `cat >/run/other/register <<'END'`,
    `/bin/busybox mkdir /e; /bin/busybox cp /other/${emulator} /e`,
    '/bin/busybox mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc',
    `echo '${line}' >/proc/sys/fs/binfmt_misc/register`,
    'END',
    'chcon --recursive system_u:object_r:container_ro_file_t:s0 /run/other',
    `$podman --privileged --volume /run/other:/other:ro ${ownImage()} sh /other/register`,
  ].join('\n');
};

describe('under SELinux', () => {
  type Step =
    | 'mode'
    | 'labels'
    | 'other'
    | 'otherConfined'
    | 'denied'
    | 'otherUnconfined'
    | 'doctor'
    | 'install'
    | 'confined'
    | 'unconfined'
    | 'doctorAfter'
    | 'again'
    | 'stuck'
    | 'advised'
    | 'advisedConfined'
    | 'withoutSelinux'
    | 'withoutSelinuxConfined'
    | 'inside'
    | 'export'
    | 'exportConfined'
    | 'quadlet'
    | 'quadletConfined'
    | 'podConfined'
    | 'pod'
    | 'afterPod';
  let done: Record<Step, Done>;

  before(function () {
    this.timeout(900_000);
    const { image, confined, install, uninstall } = example();
    done = onDebian('selinux', [image, ownImage()], {
      mode: 'getenforce',
      labels: `$podman ${ownImage()} cat /proc/self/attr/current; $podman --privileged ${ownImage()} cat /proc/self/attr/current`,
      other: otherRegistrar(),
      otherConfined: confined,
      denied: `dmesg --notime | grep 'avc: *denied .*${emulator}'`,
      otherUnconfined: `$podman --security-opt label=disable --platform ${guest.platform} ${image} uname -m`,
      doctor: `$podman --privileged $binfmt doctor ${name}`,
      install: `$podman --privileged ${install}`,
      confined,
      unconfined: `$podman --security-opt label=disable --platform ${guest.platform} ${image} uname -m`,
      doctorAfter: `$podman --privileged $binfmt doctor ${name}`,
      again: `$podman --privileged ${install}`,
      stuck: `${uninstall}; $podman --privileged --tmpfs /usr/bin/mounted ${install}`,
      advised: `${uninstall}; $podman --privileged --security-opt label=type:spc_t --security-opt label=level:s0 ${install}`,
      advisedConfined: confined,
      withoutSelinux: `${uninstall}; $podman --cap-add SYS_ADMIN --security-opt label=disable ${install}`,
      withoutSelinuxConfined: confined,
      inside: `${uninstall}; $podman ${install}`,
      export: [
        uninstall,
        `$podman $binfmt export systemd ${name} | tar -x -C /`,
        'restorecon -R /usr/local/lib/binfmt /etc/binfmt.d',
        'systemctl restart systemd-binfmt',
        `ls --context /usr/local/lib/binfmt/${emulator}`,
      ].join('\n'),
      exportConfined: confined,
      quadlet: `${uninstall}; ${QUADLET}`,
      quadletConfined: confined,
      podConfined: `systemctl stop binfmt; ${uninstall}; ${BASE_POD} --security-opt label=type:container_t ${install}`,
      pod: `${BASE_POD} --security-opt label=type:spc_t ${install}`,
      afterPod: confined,
    });
  });

  it('confines containers, and gives each of them categories', () => {
    expect(done.mode.output).to.equal('Enforcing\n');
    expect(done.labels.output)
      .to.match(/:container_t:s0:c\d+,c\d+\s/)
      .and.match(/:spc_t:s0\s/);
  });

  it('an entry of another privileged container crashes in confined containers, and says nothing', () => {
    expect(done.other.exit, done.other.output).to.equal(0);
    expect(done.otherConfined).to.deep.equal({ exit: 139, output: '' });
    expect(done.denied.output).to.match(/\{ read \}.*container_t:s0:c\d+,c\d+ .*container_file_t:s0:c1022,c1023/);
    expect(done.otherUnconfined).to.deep.equal({ exit: 0, output: machine });
  });

  it('doctor: names the label, and what works', () => {
    expect(done.doctor.exit).to.equal(1);
    expect(done.doctor.output).to.contain('does not run in containers that SELinux confines  [emulator-label]');
    expect(done.doctor.output).to.contain(`container_file_t:s0:${CATEGORIES}`);
    expect(done.doctor.output).to.contain('--security-opt label=type:spc_t --security-opt label=level:s0');
  });

  it('installs an emulator that every container can run, in place of that entry', () => {
    expect(done.install.exit, done.install.output).to.equal(0);
    expect(done.install.output).to.contain('OK (replaced an entry that did not work)');
    expect(done.confined).to.deep.equal({ exit: 0, output: machine });
    expect(done.unconfined).to.deep.equal({ exit: 0, output: machine });
    expect(done.doctorAfter.exit, done.doctorAfter.output).to.equal(0);
    expect(done.again.output).to.contain('OK (already registered');
  });

  it('fails with what to do if the label cannot be changed', () => {
    expect(done.stuck.exit, done.stuck.output).to.equal(1);
    const line = done.stuck.output.split('\n').find((each) => each.startsWith('installing:'));
    expect(line).to.contain(`SELinux lets only containers with the categories ${CATEGORIES} read the emulator`);
    expect(line).to.contain('--security-opt label=level:s0');
  });

  it('runs everywhere after the command that it advises', () => {
    expect(done.advised.exit, done.advised.output).to.equal(0);
    expect(done.advisedConfined).to.deep.equal({ exit: 0, output: machine });
  });

  it('a confined container cannot register, and is told how it can', () => {
    expect(done.inside.exit).to.equal(3);
    expect(done.inside.output).to.contain('--cap-add SYS_ADMIN --security-opt label=disable');
    expect(done.withoutSelinux.exit, done.withoutSelinux.output).to.equal(0);
    expect(done.withoutSelinuxConfined).to.deep.equal({ exit: 0, output: machine });
  });

  it('what the host registers from exported files runs in every container', () => {
    expect(done.export.output).to.contain(':lib_t:s0');
    expect(done.exportConfined).to.deep.equal({ exit: 0, output: machine });
  });

  it('runs as a service of systemd, from deploy/quadlet', () => {
    expect(done.quadlet.exit, done.quadlet.output).to.equal(0);
    expect(done.quadlet.output).to.match(/^active$/m);
    expect(done.quadletConfined).to.deep.equal({ exit: 0, output: machine });
  });

  it('a pod of deploy/kubernetes/base registers with spc_t, and otherwise says that SELinux forbids it', () => {
    expect(done.podConfined.exit).to.equal(3);
    expect(done.podConfined.output).to.contain('a security module such as AppArmor or SELinux forbids it');
    expect(done.pod.exit, done.pod.output).to.equal(0);
    expect(done.afterPod).to.deep.equal({ exit: 0, output: machine });
  });
});

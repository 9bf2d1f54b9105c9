/** Under AppArmor, a profile says what containers may do. Emulators run under the profile of the container. */
import { expect } from 'chai';
import type { Done } from '../../support/console.js';
import { guestMachine } from '../../support/docker.js';
import { guest } from '../../support/machine.js';
import { BASE_POD, example, onDebian, ownImage, QUADLET } from './debian.js';

const machine = `${guestMachine(guest)}\n`;

describe('under AppArmor', () => {
  type Step =
    | 'profiles'
    | 'install'
    | 'confined'
    | 'bind'
    | 'bindConfined'
    | 'inside'
    | 'doctor'
    | 'advised'
    | 'last'
    | 'quadlet'
    | 'quadletConfined'
    | 'pod'
    | 'afterPod';
  let done: Record<Step, Done>;

  before(function () {
    this.timeout(900_000);
    const { image, confined, install, uninstall } = example();
    done = onDebian('apparmor', [image, ownImage()], {
      profiles: `$podman ${ownImage()} cat /proc/self/attr/current; $podman --privileged ${ownImage()} cat /proc/self/attr/current`,
      install: `$podman --privileged ${install}`,
      confined,
      bind: `${uninstall}; $podman --volume /proc/sys/fs/binfmt_misc:/binfmt_misc ${install}`,
      bindConfined: confined,
      inside: `${uninstall}; $podman --cap-add SYS_ADMIN ${install}`,
      doctor: `$podman --cap-add SYS_ADMIN $binfmt doctor ${guest.name}`,
      advised: `$podman --cap-add SYS_ADMIN --security-opt apparmor=unconfined ${install}`,
      last: confined,
      quadlet: `${uninstall}; ${QUADLET}`,
      quadletConfined: confined,
      pod: `systemctl stop binfmt; ${uninstall}; ${BASE_POD} --security-opt apparmor=unconfined ${install}`,
      afterPod: confined,
    });
  });

  it('confines containers, but not privileged ones', () => {
    expect(done.profiles.output)
      .to.match(/^containers-default-\S+ \(enforce\)$/m)
      .and.match(/\(?unconfined\)?$/m);
  });

  it('an entry of a privileged container runs in confined ones', () => {
    expect(done.install.exit, done.install.output).to.equal(0);
    expect(done.confined).to.deep.equal({ exit: 0, output: machine });
  });

  it("registers from a confined container with the host's directory", () => {
    expect(done.bind.exit, done.bind.output).to.equal(0);
    expect(done.bindConfined).to.deep.equal({ exit: 0, output: machine });
  });

  it('a confined container cannot mount, and is told how it can', () => {
    expect(done.inside.exit).to.equal(3);
    const remedy = '--cap-add SYS_ADMIN --security-opt apparmor=unconfined';
    expect(done.inside.output).to.contain(remedy);
    expect(done.doctor.output).to.contain('[confinement]').and.contain('containers-default').and.contain(remedy);
    expect(done.doctor.output.split('[confinement]')[1]).not.to.contain('label=disable');
    expect(done.advised.exit, done.advised.output).to.equal(0);
    expect(done.last).to.deep.equal({ exit: 0, output: machine });
  });

  it('runs as a service of systemd, from deploy/quadlet', () => {
    expect(done.quadlet.exit, done.quadlet.output).to.equal(0);
    expect(done.quadlet.output).to.match(/^active$/m);
    expect(done.quadletConfined).to.deep.equal({ exit: 0, output: machine });
  });

  it('a pod of deploy/kubernetes/base registers without a profile', () => {
    expect(done.pod.exit, done.pod.output).to.equal(0);
    expect(done.afterPod).to.deep.equal({ exit: 0, output: machine });
  });
});

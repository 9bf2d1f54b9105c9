/** Rootless engines: the real podman, buildah and Docker Engine, each run by users without any rights. */
import { expect } from 'chai';
import { docker, guestImage, guestMachine, IMAGE } from '../support/docker.js';
import { as, mustAs, startEngines, startUserManager, stopEngines } from '../support/engines.js';
import { guest, guest2 } from '../support/machine.js';
import { lastLine, statusIn } from '../support/program.js';

const binfmt = '/usr/bin/binfmt --rootless';
const machine = `${guestMachine(guest)}\n`;
const inPodman = `podman run --rm --network none --quiet ${guestImage(guest)} uname -m`;
const inDocker = `docker run --rm --network none --platform ${guest.platform} ${guestImage(guest)} uname -m`;
/** Entries of the machine itself. */
const onMachine = () => mustAs('root', 'mount -t binfmt_misc none /mnt; ls /mnt; umount /mnt');

describe('a rootless engine', () => {
  let untouched: string;

  before(() => {
    startEngines([guestImage(guest), `${IMAGE}:latest`]);
    untouched = onMachine();
  });
  after(stopEngines);
  afterEach(() => {
    expect(onMachine()).to.equal(untouched);
  });

  describe('podman', () => {
    it('gets emulators in its namespace, which is made if it is not there', () => {
      const ended = as('alice', `${binfmt} --install ${guest.name},${guest2.name}`);
      expect(ended.exit, ended.stderr).to.equal(0);
      expect(statusIn(ended).emulators).to.have.members([guest.emulator, guest2.emulator]);
      mustAs('alice', 'podman load --quiet --input /images.tar');
      expect(mustAs('alice', inPodman)).to.equal(machine);
    });

    it('has subordinate ids, which run --root maps too, so that chown works', () => {
      mustAs(
        'alice',
        `mkdir -p foreign/proc; podman export "$(podman create --network none ${guestImage(guest)})" | tar -x -C foreign`,
      );
      const script =
        'busybox touch /x; busybox chown 7:7 /x; busybox stat -c %u:%g /x; busybox wc -l </proc/self/uid_map';
      const ended = as('alice', `/usr/bin/binfmt run --root foreign ${guest.name} -- /bin/sh -c '${script}'`);
      expect(ended).to.deep.equal({ exit: 0, stdout: '7:7\n2\n', stderr: '' });
    });

    it('builds foreign images, and buildah does in its namespace', () => {
      mustAs('alice', `printf 'FROM ${guestImage(guest)}\nRUN uname -m\n' >Dockerfile`);
      const build = `--isolation chroot --network host --platform ${guest.platform} .`;
      expect(mustAs('alice', `podman build --no-cache ${build} 2>&1`)).to.contain(`\n${machine}`);
      expect(mustAs('alice', `podman unshare buildah build --no-cache ${build} 2>&1`)).to.contain(`\n${machine}`);
    });

    it('has them in the status, and in what the doctor says', () => {
      const { supported } = statusIn(as('alice', binfmt));
      expect(supported).to.include.members([guest.platform, guest2.platform]);
      const doctor = as('alice', `/usr/bin/binfmt doctor --rootless ${guest.name}`);
      expect(doctor.exit, doctor.stdout).to.equal(0);
      expect(doctor.stdout).to.contain(guest.emulator);
    });

    it('gets the remedy with --rootless and without sudo', () => {
      const { exit, stdout } = as('alice', '/usr/bin/binfmt doctor --rootless ppc');
      expect(exit).to.equal(1);
      expect(stdout).not.to.contain('sudo');
    });

    it('shows no others its emulators', () => {
      expect(statusIn(as('bob', binfmt)).emulators).to.deep.equal([]);
    });

    it('gets them for a user without subordinate ids too', () => {
      expect(as('carol', `${binfmt}=podman --install ${guest.name}`).exit).to.equal(0);
      mustAs('carol', 'podman load --quiet --input /images.tar');
      expect(mustAs('carol', inPodman)).to.equal(machine);
    });

    it('loses what is uninstalled, and nothing else', () => {
      const ended = as('alice', `${binfmt} --uninstall ${guest2.name}`);
      expect(ended.exit).to.equal(0);
      expect(statusIn(ended).emulators).to.deep.equal([guest.emulator]);
    });

    it('has a watcher that restores an entry, and that ends with the namespace', () => {
      const script = `${binfmt} --install ${guest.name} --watch >log 2>&1 & watcher=$!
        until grep -q '^}' log; do sleep 0.1; done
        podman unshare sh -c 'echo -1 >/proc/sys/fs/binfmt_misc/${guest.emulator}'
        until grep -q restored log; do sleep 0.1; done
        ${inPodman}
        podman system migrate
        wait $watcher; echo "exit status $?"; tail -n 1 log`;
      const { stdout, stderr } = as('alice', script);
      expect(stdout.startsWith(`${machine}exit status 3\n`), stdout + stderr).to.equal(true);
      expect(lastLine(stdout)).to.contain('the rootless engine has ended');
    });

    it('gets them from a service of its user, which is there again when the namespace has gone', () => {
      startUserManager('alice');
      mustAs(
        'alice',
        `mkdir -p ~/.local/lib/binfmt ~/.config/systemd/user
        cp -r /usr/lib/binfmt ~/.local/lib/binfmt/program
        cp /opt/binfmt/${guest.emulator}* ~/.local/lib/binfmt/
        cp /deploy/systemd/user/binfmt.service ~/.config/systemd/user/
        systemctl --user daemon-reload
        systemctl --user enable binfmt
        systemctl --user start binfmt`,
      );
      const runs = `n=0; until ${inPodman} 2>/dev/null || [ $n = 30 ]; do sleep 1; n=$((n + 1)); done`;
      expect(mustAs('alice', runs)).to.equal(machine);
      mustAs('alice', 'podman system migrate; systemctl --user is-active binfmt; sleep 2');
      expect(mustAs('alice', runs)).to.equal(machine);
      expect(as('alice', '/usr/bin/binfmt healthcheck --strict')).to.include({ exit: 0, stdout: 'ready\n' });
      expect(as('bob', '/usr/bin/binfmt healthcheck --strict').exit).to.equal(1);
      mustAs('alice', 'systemctl --user disable binfmt; systemctl --user stop binfmt; podman system migrate');
    });

    it('has none when its namespace is gone, until they are installed again', () => {
      expect(statusIn(as('alice', binfmt)).emulators).to.deep.equal([]);
      expect(as('alice', `${binfmt} --install ${guest.name}`).exit).to.equal(0);
      expect(mustAs('alice', inPodman)).to.equal(machine);
    });
  });

  describe('its namespace, entered with podman unshare', () => {
    const binfmtInside = 'podman unshare /usr/bin/binfmt';

    before(() => {
      mustAs('root', 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc');
      mustAs('carol', 'podman system migrate');
    });
    after(() => {
      mustAs('root', 'umount /proc/sys/fs/binfmt_misc');
    });

    it("is told that the machine's binfmt_misc is not its own", () => {
      const ended = as('carol', `${binfmtInside} --uninstall all`);
      expect(ended.exit).to.equal(3);
      expect(ended.stderr).to.contain('this is a user namespace').and.contain('--allow-userns');
    });

    it('gets one of its own with --allow-userns', () => {
      const ended = as('carol', `${binfmtInside} --install ${guest.name} --allow-userns`);
      expect(ended.exit, ended.stderr).to.equal(0);
      expect(mustAs('carol', inPodman)).to.equal(machine);
    });

    it("gets it from the image's files alone", () => {
      const script = `root=$(podman image mount localhost/binfmt-test:latest)
        QEMU_BINARY_PATH=$root/usr/bin $root/usr/bin/binfmt --allow-userns --install ${guest.name}`;
      mustAs('carol', 'podman system migrate');
      const ended = as('carol', `podman unshare sh -c '${script}'`);
      expect(ended.exit, ended.stderr).to.equal(0);
      expect(mustAs('carol', inPodman)).to.equal(machine);
    });
  });

  describe('a Docker Engine', () => {
    function startDocker(): void {
      const engine = `rootlesskit --state-dir=$XDG_RUNTIME_DIR/rootlesskit --net=host --copy-up=/etc --copy-up=/run dockerd \
        --host=$DOCKER_HOST --data-root=$HOME/docker --exec-root=$XDG_RUNTIME_DIR/exec \
        --pidfile=$XDG_RUNTIME_DIR/docker.pid --storage-driver=vfs --iptables=false --bridge=none >engine.log 2>&1`;
      mustAs(
        'bob',
        `(${engine} &); n=0; until docker info >/dev/null 2>&1 || [ $n = 300 ]; do sleep 0.1; n=$((n + 1)); done`,
      );
    }

    it('is named, with how to start it, if it does not run', () => {
      const ended = as('bob', `${binfmt}=docker --install ${guest.name}`);
      expect(ended.exit).to.equal(3);
      expect(statusIn(ended)).to.deep.equal({ supported: [], emulators: [] });
      expect(lastLine(ended.stderr))
        .to.contain('no rootless Docker Engine')
        .and.contain('systemctl --user start docker');
    });

    it('gets emulators in its namespace', () => {
      startDocker();
      mustAs('bob', 'docker load --quiet --input /images.tar');
      if (!untouched.includes(guest.emulator)) expect(as('bob', inDocker).exit).not.to.equal(0);
      const ended = as('bob', `${binfmt}=docker --install ${guest.name}`);
      expect(ended.exit, ended.stderr).to.equal(0);
      expect(mustAs('bob', inDocker)).to.equal(machine);
    });

    it('gets them from a container that stays, without an installed program', () => {
      mustAs('bob', `${binfmt}=docker --uninstall all`);
      mustAs(
        'bob',
        `docker run --detach --name watcher --network none --privileged ${IMAGE} --install ${guest.name} --allow-userns --watch`,
      );
      const ready = 'docker exec watcher /usr/bin/binfmt healthcheck --strict';
      mustAs('bob', `n=0; until ${ready} || [ $n = 300 ]; do sleep 0.1; n=$((n + 1)); done; ${ready}`);
      expect(mustAs('bob', inDocker)).to.equal(machine);
      mustAs('bob', 'docker rm --force watcher');
      expect(as('bob', `${binfmt}=docker --install ${guest.name}`).exit).to.equal(0);
    });

    it("has emulators of its own, beside podman's of the same user", () => {
      expect(as('bob', `${binfmt}=podman --install ${guest2.name}`).exit).to.equal(0);
      expect(statusIn(as('bob', `${binfmt}=docker`)).emulators).to.deep.equal([guest.emulator]);
      expect(statusIn(as('bob', binfmt)).emulators).to.deep.equal([guest2.emulator]);
      expect(mustAs('bob', inDocker)).to.equal(machine);
    });

    it('is found without its name, if podman does not run', () => {
      expect(statusIn(as('bob', `podman system migrate; ${binfmt}`)).emulators).to.deep.equal([guest.emulator]);
    });

    it('has none after a restart, until they are installed again', () => {
      mustAs(
        'bob',
        'pid=$(cat $XDG_RUNTIME_DIR/rootlesskit/child_pid); kill $pid; while [ -e /proc/$pid ]; do sleep 0.1; done',
      );
      startDocker();
      expect(statusIn(as('bob', binfmt)).emulators).to.deep.equal([]);
      expect(as('bob', `${binfmt} --install ${guest.name}`).exit).to.equal(0);
      expect(mustAs('bob', inDocker)).to.equal(machine);
    });
  });

  describe('that cannot run', () => {
    beforeEach(() => {
      mustAs('carol', 'podman system migrate');
    });

    const setting = '/proc/sys/user/max_user_namespaces';
    const forbidden = (script: string) => {
      const before = mustAs('root', `cat ${setting}; echo 0 >${setting}`).trim();
      const ended = as('carol', script);
      mustAs('root', `echo ${before} >${setting}`);
      return ended;
    };

    it('is told which setting forbids it, and what root can do', () => {
      const { exit, stderr } = forbidden(`${binfmt} --install ${guest.name}`);
      expect(exit).to.equal(3);
      expect(lastLine(stderr))
        .to.contain('user.max_user_namespaces is 0')
        .and.contain('sudo sysctl user.max_user_namespaces=')
        .and.match(/for the whole machine, as root: sudo .*binfmt --install all$/);
    });

    it('is told the same for Docker', () => {
      const { exit, stderr } = forbidden(`${binfmt}=docker --install ${guest.name}`);
      expect(exit).to.equal(3);
      expect(lastLine(stderr)).to.contain('user.max_user_namespaces is 0').and.not.contain('systemctl');
    });

    it('is told that there is no podman', () => {
      const { exit, stderr } = as('carol', `PATH=/nowhere ${binfmt} --install ${guest.name}`);
      expect(exit).to.equal(3);
      expect(lastLine(stderr)).to.contain(
        'there is no podman in the PATH, and this user runs no rootless Docker Engine',
      );
    });

    it('is told why podman cannot be started', () => {
      const { exit, stderr } = as('carol', `touch podman; PATH=$HOME ${binfmt} --install ${guest.name}`);
      expect(exit).to.equal(3);
      expect(lastLine(stderr)).to.contain('EACCES');
    });

    it('is told what podman says, if podman itself is at fault', () => {
      mustAs(
        'carol',
        'podman system migrate; mkdir -p .config/containers; echo "[" >.config/containers/containers.conf',
      );
      const { exit, stderr } = as('carol', `${binfmt} --install ${guest.name}`);
      mustAs('carol', 'rm .config/containers/containers.conf');
      expect(exit, stderr).to.equal(3);
      expect(lastLine(stderr))
        .to.contain('podman cannot make its namespaces (exit status 1')
        .and.contain('containers.conf')
        .and.contain('for one command, without an engine: ')
        .and.match(/binfmt run all -- COMMAND$/);
    });
  });

  describe('on a machine with emulators', () => {
    before(() => {
      mustAs('root', `mount -t binfmt_misc none /proc/sys/fs/binfmt_misc; /usr/bin/binfmt --install ${guest.name}`);
      untouched = onMachine();
    });
    beforeEach(() => {
      mustAs('bob', 'podman system migrate; podman load --quiet --input /images.tar');
    });
    after(() => {
      mustAs('root', '/usr/bin/binfmt --uninstall all; umount /proc/sys/fs/binfmt_misc');
    });

    for (const [what, call] of [
      ['the status', `${binfmt}`],
      ['doctor', `/usr/bin/binfmt doctor --rootless ${guest.name}`],
      ['an installation of what runs already', `${binfmt} --install ${guest.name}`],
      ['an installation that is impossible', `QEMU_BINARY_PATH=/nowhere ${binfmt} --install ${guest2.name} || true`],
      ['an unknown word', `${binfmt} --install nonsense || true`],
      ['a removal of nothing', `${binfmt} --uninstall ${guest2.name}`],
    ] as const) {
      it(`leaves its entries to the containers: ${what}`, () => {
        const { exit, stdout, stderr } = as('bob', `{ ${call}; } >&2; ${inPodman}`);
        expect(exit, stderr).to.equal(0);
        expect(stdout).to.equal(machine);
      });
    }

    it('hides its entries when others are installed', () => {
      const ended = as('bob', `${binfmt} --install ${guest2.name}`);
      expect(ended.exit, ended.stderr).to.equal(0);
      expect(statusIn(ended).emulators).to.deep.equal([guest2.emulator]);
    });
  });

  it('is not for root', () => {
    const { exit, stderr } = docker('run', '--rm', IMAGE, '--rootless');
    expect(exit).to.equal(2);
    expect(lastLine(stderr)).to.contain('you are root: leave out --rootless');
    const inside = as('alice', 'podman unshare /usr/bin/binfmt --rootless');
    expect(inside.exit).to.equal(2);
    expect(lastLine(inside.stderr)).to.contain('use --allow-userns');
  });

  it('is entered where podman is, not where it has been', () => {
    mustAs(
      'alice',
      `rm -rf $XDG_RUNTIME_DIR/*; podman load --quiet --input /images.tar; ${binfmt} --install ${guest.name}`,
    );
    expect(mustAs('alice', inPodman)).to.equal(machine);
  });

  it('has to be one that is known', () => {
    const { exit, stderr } = as('alice', `${binfmt}=lxc`);
    expect(exit).to.equal(2);
    expect(lastLine(stderr)).to.equal('binfmt: --rootless takes podman or docker, not "lxc"');
  });
});

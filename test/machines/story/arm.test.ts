/**
 * An ARM machine with Debian 12, its dynamic emulators and its Docker Engine, from the first failure to the third boot
 * (test/README.md). Each boot types its commands in `before`; the tests look at what was printed.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { type Done, scriptOf } from '../../support/console.js';
import { boot, type Debian, installDebian } from '../../support/debian.js';
import { busyboxImage, docker, unpackImage } from '../../support/docker.js';
import { must, ROOT } from '../../support/program.js';
import { scratch } from '../../support/scratch.js';
import { skipBecause } from '../../support/skip.js';
import {
  doctor,
  historyOf,
  inContainer,
  inEmptyRoot,
  inService,
  into,
  misc,
  onHost,
  READY,
  startService,
  typeAsPrinted,
  waitUntil,
} from './commands.js';

const FOREIGN = ['amd64', 'riscv64', 's390x'];

const debian: Debian = {
  architecture: 'arm64',
  suite: 'bookworm',
  packages: ['docker.io', 'iptables', 'apparmor', 'dbus', 'sudo', 'qemu-user', 'qemu-user-binfmt'],
  files: path.join(import.meta.dirname, 'system'),
};

const MISSING = /^exec \/bin\/uname: no such file or directory/;

describe('an ARM machine with Debian 12', () => {
  let machine: string;
  let drive: string;

  /** `early`: before Docker starts. `late`: afterwards. */
  function boots<Early extends string, Late extends string>(
    early: Readonly<Record<Early, string>>,
    late: Readonly<Record<Late, string>>,
  ): Record<Early | Late, Done> {
    fs.writeFileSync(path.join(drive, 'early'), scriptOf(early));
    fs.writeFileSync(path.join(drive, 'late'), `${scriptOf(late)}systemctl --no-block reboot\n`);
    const names = [...Object.keys(early), ...Object.keys(late)] as (Early | Late)[];
    return boot(debian, machine, drive, names, 'systemd.wants=story-early.service systemd.wants=story.service');
  }

  function expectDone(done: Done, output: string | RegExp): void {
    expect(done.exit, done.output).to.equal(0);
    if (typeof output === 'string') expect(done.output).to.equal(output);
    else expect(done.output).to.match(output);
  }

  function expectMissing(done: Done): void {
    expect(done.exit).not.to.equal(0);
    expect(done.output).to.match(MISSING);
  }

  before(function () {
    this.timeout(3_600_000);
    const image = busyboxImage('arm64', 'linux/arm64');
    if (docker('run', '--rm', '--platform', 'linux/arm64', image, 'uname', '-m').exit !== 0) {
      skipBecause(this, 'to install Debian, programs of arm64 must run here');
    }
    machine = installDebian(debian);
    drive = path.join(scratch(), 'drive');
    fs.mkdirSync(path.join(drive, 'images'), { recursive: true });
    // test/run makes it: for arm64, with the name `binfmt`.
    fs.copyFileSync(path.join(ROOT, 'build/machines/story/binfmt.tar'), path.join(drive, 'images/binfmt.tar'));
    fs.copyFileSync(path.join(ROOT, 'deploy/systemd/binfmt.service'), path.join(drive, 'binfmt.service'));
    for (const name of FOREIGN) {
      const tag = busyboxImage(name, `linux/${name}`);
      must('docker', ['save', '--output', path.join(drive, 'images', `${name}.tar`), tag]);
      const files = path.join(scratch(), 'files');
      unpackImage(tag, `linux/${name}`, files);
      fs.mkdirSync(path.join(drive, 'root', name), { recursive: true });
      fs.copyFileSync(path.join(files, 'bin/busybox'), path.join(drive, 'root', name, 'busybox'));
    }
  });

  describe('as Debian installs it', () => {
    let done: ReturnType<typeof firstBoot>;
    const firstBoot = () =>
      boots(
        {},
        {
          system: 'cat /proc/1/comm; uname -m; docker --version; dpkg-query --show qemu-user-binfmt systemd',
          load: `for each in images/*; do docker load --quiet --input $each; done
            for each in ${FOREIGN.join(' ')}; do docker tag binfmt-test-guest:$each busybox:$each; done`,
          theirs: `cat ${misc}/qemu-x86_64`,
          theirsOnHost: onHost('amd64'),
          theirsInContainer: inContainer('amd64'),

          persistDoctor: into('doctor', doctor('linux/riscv64')),
          persisted: typeAsPrinted('doctor', 'docker run .* --persist'),
          persistedInContainer: inContainer('riscv64'),

          withF: `docker run --rm binfmt export systemd amd64 2>/dev/null | tar -x -O etc/binfmt.d/qemu-x86_64.conf |
              sed 's,:/usr/local/lib/binfmt/,:/usr/bin/,' >/etc/binfmt.d/qemu-x86_64.conf
            systemctl restart systemd-binfmt`,
          dynamic: `cat ${misc}/qemu-x86_64`,
          dynamicOnHost: onHost('amd64'),
          dynamicInContainer: inContainer('amd64'),
          dynamicDoctor: into('doctor', doctor('linux/amd64')),
          remedy: typeAsPrinted('doctor', 'docker run .* --install '),
          mended: `cat ${misc}/qemu-x86_64`,
          mendedOnHost: onHost('amd64'),
          mendedInContainer: inContainer('amd64'),

          registered: 'docker run --privileged --rm binfmt --install s390x',
          registeredInContainer: inContainer('s390x'),
          watcher: 'docker run --detach --restart always --privileged --name binfmt binfmt --install amd64 --watch',
          ready: waitUntil(READY),
          services: `${startService('amd64')} && ${startService('riscv64')}`,
          amd64Service: waitUntil(inService('amd64')),
          riscv64Service: waitUntil(inService('riscv64')),
        },
      );

    before(function () {
      this.timeout(1_800_000);
      done = firstBoot();
    });

    it('is an ARM machine whose process 1 is systemd', () => {
      expectDone(done.system, /^systemd\naarch64\nDocker version 20\.10\..*\nqemu-user-binfmt.*\nsystemd\t252/);
      expect(done.load.exit, done.load.output).to.equal(0);
    });

    it('runs amd64 programs on the host and not in containers, as the entry has no flag F', () => {
      expectDone(done.theirs, /interpreter \/usr\/libexec\/qemu-binfmt\/x86_64-binfmt-P\nflags: PO\n/);
      expectDone(done.theirsOnHost, 'x86_64\n');
      expectMissing(done.theirsInContainer);
      expect(done.persistDoctor.exit).to.equal(1);
      expect(done.persistDoctor.output).to.contain('linux/riscv64 does not run in containers  [not-in-containers]');
    });

    it('runs riscv64 containers after it has typed how doctor installs an emulator on the host', () => {
      expectDone(
        done.persisted,
        /^# docker run --privileged --pid=host --rm binfmt --install riscv64 --persist\ninstalling: riscv64 OK .*\nbinfmt: systemd-binfmt /,
      );
      expectDone(done.persistedInContainer, 'riscv64\n');
    });

    it('runs them only on the host with flag F too, and doctor says that the emulator is dynamically linked', () => {
      expectDone(done.dynamic, /interpreter \/usr\/bin\/qemu-x86_64\nflags: POCF\n/);
      expectDone(done.dynamicOnHost, 'x86_64\n');
      expectMissing(done.dynamicInContainer);
      expect(done.dynamicDoctor.exit).to.equal(1);
      expect(done.dynamicDoctor.output).to.contain('linux/amd64 does not run in containers  [dynamic-emulator]');
    });

    it('runs amd64 containers after it has typed the remedy, although the text of the entry is the same', () => {
      expectDone(
        done.remedy,
        /^# docker run --privileged --rm binfmt --install amd64\ninstalling: amd64 OK \(replaced/,
      );
      expect(done.mended.output).to.equal(done.dynamic.output);
      expectDone(done.mendedOnHost, 'x86_64\n');
      expectDone(done.mendedInContainer, 'x86_64\n');
    });

    it('runs s390x containers after it has registered the emulator', () => {
      expectDone(done.registered, /^installing: s390x OK/);
      expectDone(done.registeredInContainer, 's390x\n');
    });

    it('runs services of amd64 and riscv64', () => {
      expectDone(done.ready, /ready/);
      expectDone(done.amd64Service, /^x86_64\n/);
      expectDone(done.riscv64Service, /^riscv64\n/);
    });
  });

  describe('after a reboot, with the watcher as a container', () => {
    let done: ReturnType<typeof secondBoot>;
    const secondBoot = () =>
      boots(
        {
          docker: 'systemctl is-active docker',
          persisted: `cat ${misc}/qemu-riscv64`,
          persistedOnHost: onHost('riscv64'),
          persistedInRoot: inEmptyRoot('riscv64'),
          mended: `cat ${misc}/qemu-x86_64`,
          mendedInRoot: inEmptyRoot('amd64'),
          registered: `cat ${misc}/qemu-s390x`,
          registeredInRoot: inEmptyRoot('s390x'),
        },
        {
          containers: "docker ps --all --format '{{.Names}}: {{.Status}}'; cut -d. -f1 /proc/uptime",
          persistedInContainer: inContainer('riscv64'),
          registeredInContainer: inContainer('s390x'),
          ready: waitUntil(READY),
          inContainer: inContainer('amd64'),
          amd64Service: waitUntil(inService('amd64')),
          amd64History: historyOf('amd64'),
          riscv64Service: waitUntil(inService('riscv64')),
          riscv64History: historyOf('riscv64'),
          restarted: `systemctl restart systemd-binfmt; ${waitUntil(inContainer('amd64'))}`,
          restored: 'docker logs binfmt 2>&1 | tail -n 4',
          unit: `docker rm --force binfmt
            sed s/INSTALL=all/INSTALL=amd64,s390x/ binfmt.service >/etc/systemd/system/binfmt.service
            sudo systemctl enable --now binfmt`,
          unitReady: READY,
        },
      );

    before(function () {
      this.timeout(1_800_000);
      done = secondBoot();
    });

    it('runs what is on the host, before Docker starts', () => {
      expect(done.docker.output).to.equal('inactive\n');
      expectDone(done.persisted, /interpreter \/usr\/local\/lib\/binfmt\/qemu-riscv64\nflags: POCF\n/);
      expectDone(done.persistedOnHost, 'riscv64\n');
      expectDone(done.persistedInRoot, 'riscv64\n');
    });

    it('does not run what was only registered: the entries are those of Debian and the administrator again', () => {
      expectDone(done.registered, /interpreter \/usr\/libexec\/qemu-binfmt\/s390x-binfmt-P\nflags: PO\n/);
      expect(done.registeredInRoot.exit).to.equal(127);
      expectDone(done.mended, /interpreter \/usr\/bin\/qemu-x86_64\nflags: POCF\n/);
      expect(done.mendedInRoot.exit).to.equal(127);
      expectMissing(done.registeredInContainer);
    });

    it('runs containers of what is on the host, and of what the watcher keeps', () => {
      expectDone(done.persistedInContainer, 'riscv64\n');
      expectDone(done.ready, /ready/);
      expectDone(done.inContainer, 'x86_64\n');
    });

    it('runs the service of the platform that the host registers: it starts at the first try', () => {
      expectDone(done.riscv64Service, /^riscv64\n/);
      expectDone(done.riscv64History, 'running, restarted 0 times\nstarts: 2\n');
    });

    it('runs the service of the platform that the watcher keeps: Docker tries until it starts', () => {
      expectDone(done.amd64Service, /^x86_64\n/);
      expectDone(
        done.amd64History,
        /^running, restarted \d+ times\n(exec \/bin\/sh: no such file or directory\n)*starts: 2\n$/,
      );
    });

    it('runs amd64 containers also after systemd-binfmt has restarted, because the watcher restores the entry', () => {
      expectDone(done.restarted, /^x86_64\n/);
      expect(done.restored.output).to.match(/ restored amd64: /);
    });

    it('has the watcher ready when systemd has started its unit', () => {
      expect(done.unit.exit, done.unit.output).to.equal(0);
      expectDone(done.unitReady, /ready/);
    });
  });

  describe('after another reboot, with the watcher as a unit of systemd', () => {
    let done: ReturnType<typeof thirdBoot>;
    const thirdBoot = () =>
      boots(
        { inRoot: inEmptyRoot('amd64') },
        {
          // Without waiting: story.service says After=binfmt.service.
          inContainer: inContainer('amd64'),
          others: inContainer('s390x'),
          amd64Service: waitUntil(inService('amd64')),
          amd64History: historyOf('amd64'),
          doctor: doctor('linux/amd64 linux/riscv64 linux/s390x'),
        },
      );

    before(function () {
      this.timeout(1_800_000);
      done = thirdBoot();
    });

    it('runs amd64 containers in units that systemd starts after it', () => {
      expect(done.inRoot.exit).to.equal(127);
      expectDone(done.inContainer, 'x86_64\n');
      expectDone(done.others, 's390x\n');
    });

    it('runs the amd64 service', () => {
      expectDone(done.amd64Service, /^x86_64\n/);
      expectDone(done.amd64History, /^running, restarted \d+ times\n(exec .*\n)*starts: 3\n$/);
    });

    it('has nothing that doctor would mend', () => {
      expectDone(done.doctor, /^PLATFORM .*\n(linux\/\S+ +yes +.*\n){3}$/);
    });
  });
});

import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  buildImage,
  docker,
  guestImage,
  guestMachine,
  IMAGE,
  mustDocker,
  onCleanHost,
  privileged,
  uninstallAll,
} from '../support/docker.js';
import { chartIn, commandsOf, findingOf } from '../support/doctor.js';
import { entryNames, entryText, MOUNT, writeEntry } from '../support/kernel.js';
import { guest, guest2 } from '../support/machine.js';
import { must, PROGRAM, ROOT, run, shell } from '../support/program.js';
import { scratch } from '../support/scratch.js';
import { skipBecause } from '../support/skip.js';
import { skipWhereEntriesAreKept } from '../support/survival.js';
import { until } from '../support/watcher.js';

const { name, platform, emulator: entry } = guest;
const machineName = `${guestMachine(guest)}\n`;
let foreign: string;
const runForeign = () => docker('run', '--rm', '--platform', platform, foreign, 'uname', '-m');
const doctor = (...args: string[]) => privileged(['doctor', ...args]);

/** A machine with Debian 12's emulators, which are dynamically linked, and the real systemd-binfmt. */
function debian12(): string {
  const tag = 'binfmt-test-debian12';
  const dir = scratch();
  const fetch = ['--package', 'qemu-user', '--suites', 'bookworm'];
  must(path.join(ROOT, 'qemu/fetch'), [...fetch, path.join(ROOT, 'build/qemu-debian12')]);
  fs.copyFileSync(path.join(ROOT, 'build/qemu-debian12/usr/bin', entry), path.join(dir, entry));
  const ours = fs.readFileSync(path.join(ROOT, `build/qemu/usr/share/qemu/binfmt.d/${entry}.conf`), 'utf8');
  fs.writeFileSync(path.join(dir, `${entry}.conf`), ours.trim().replace(/:[A-Z]*$/, ':FPOC\n'));
  fs.writeFileSync(
    path.join(dir, 'Dockerfile'),
    `FROM debian:trixie-slim
    RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd >/dev/null
    COPY ${entry} /usr/bin/
    COPY ${entry}.conf /etc/binfmt.d/`,
  );
  return buildImage(tag, dir);
}

describe('doctor, on a host that keeps binfmt_misc mounted', () => {
  onCleanHost();
  before(() => {
    foreign = guestImage(guest);
  });
  afterEach(() => uninstallAll());

  it('the same entry, a static emulator and a dynamic one: it tells them apart, and its remedy works', () => {
    const machine = debian12();
    expect(privileged(['--install', name]).exit).to.equal(0);
    const text = entryText(entry);
    expect(runForeign().stdout).to.equal(machineName);
    const silent = { exit: 0, stderr: '' };
    expect(doctor('--json')).to.include(silent);
    expect(chartIn(doctor('--json')).findings).to.deep.equal([]);

    uninstallAll();
    const register = `mount -t binfmt_misc none ${MOUNT} && exec /usr/lib/systemd/systemd-binfmt`;
    mustDocker('run', '--rm', '--privileged', machine, 'sh', '-c', register);
    expect(entryText(entry), 'byte for byte').to.equal(text);
    const { exit, stderr } = runForeign();
    expect(exit).not.to.equal(0);
    expect(stderr).to.contain('no such file or directory');

    const ended = doctor('--json');
    expect(ended.exit).to.equal(1);
    const chart = chartIn(ended);
    expect(chart.findings).to.have.length(1);
    const finding = findingOf('dynamic-emulator', chart);
    expect(finding.see).to.contain('no such file or directory');
    expect(finding.evidence[0]).to.equal('probe: ENOENT although flag F is set');
    expect(finding.evidence[1]).to.match(new RegExp(`the kernel starts it: /usr/bin/${entry} needs /lib.*/ld`));
    expect(chart.platforms).to.deep.include.members([
      {
        ...{ platform, runs: false, handler: entry, native: false, flags: 'POCF' },
        ...{ emulator: `/usr/bin/${entry}`, version: null, static: false, shipped: false },
        why: 'no such file or directory (ENOENT): its emulator, or the loader of its emulator, is not there',
      },
    ]);

    const [remedy = ''] = commandsOf(finding);
    expect(remedy).to.equal(`docker run --privileged --rm ${IMAGE} --install ${name}`);
    expect(shell(remedy).exit).to.equal(0);
    expect(runForeign().stdout).to.equal(machineName);
    expect(entryText(entry)).to.equal(text);
    expect(chartIn(doctor('--json')).findings).to.deep.equal([]);
  }).timeout(300_000);

  it("is told by systemd-binfmt's files that something wiped the entries", async () => {
    const machine = debian12();
    const script = `mount -t binfmt_misc none ${MOUNT}; cd /usr/lib/systemd
      ./systemd-binfmt && ./systemd-binfmt --unregister && echo wiped; exec sleep 300`;
    const container = 'binfmt-test-wiped';
    mustDocker('run', '--detach', '--name', container, '--privileged', machine, 'sh', '-c', script);
    try {
      await until(() => docker('logs', container).stdout === 'wiped\n', 'systemd-binfmt');
      // Process 1 of that container is what doctor sees as the host.
      const pid = `container:${container}`;
      const ended = docker('run', '--rm', '--privileged', `--pid=${pid}`, IMAGE, 'doctor', '--json', name);
      const finding = findingOf('no-entry', chartIn(ended));
      expect(finding.because).to.contain('something has wiped the entries since');
      expect(finding.evidence).to.include(`/etc/binfmt.d/${entry}.conf has ${entry}`);
      expect(entryNames()).to.deep.equal([]);
    } finally {
      mustDocker('rm', '--force', container);
    }
  });

  it('through --pid=host it reads the file of an emulator that the kernel does not start', () => {
    privileged(['--install', name]);
    writeEntry(entry, '0');
    const ended = docker('run', '--rm', '--privileged', '--pid=host', IMAGE, 'doctor', '--json', name);
    expect(findingOf('disabled-entry', chartIn(ended)).remedies).to.have.length(2);
  });

  it('without privileges it says what runs, and what it could not see', () => {
    privileged(['--install', name]);
    const ended = docker('run', '--rm', IMAGE, 'doctor', '--json', name);
    const finding = findingOf('permission', chartIn(ended));
    expect(finding.severity).to.equal('note');
    expect(chartIn(ended).platforms[0]).to.include({ runs: true, emulator: `/usr/bin/${entry}`, handler: null });
    expect(ended.exit).to.equal(0);
    const failing = docker('run', '--rm', IMAGE, 'doctor', '--json', guest2.name);
    expect(findingOf('permission', chartIn(failing)).severity).to.equal('problem');
    expect(failing.exit).to.equal(1);
  });

  it('leaves nothing behind', () => {
    const entries = entryNames();
    for (const args of [[], ['all'], [name, '--repeat', '3']]) doctor(...args);
    expect(entryNames()).to.deep.equal(entries);
  });
});

describe('doctor, on a host that does not keep binfmt_misc mounted', () => {
  before(function () {
    const mounted = fs.existsSync(path.join(MOUNT, 'register'));
    if (mounted) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
  });
  beforeEach(skipWhereEntriesAreKept);

  it('vanishing: it says so before anybody installs in vain, changes nothing, and its remedy works', () => {
    const ended = doctor('--json');
    expect(ended.exit).to.equal(1);
    const finding = findingOf('vanishing', chartIn(ended));
    expect(fs.existsSync(path.join(MOUNT, 'register'))).to.equal(false);
    const installed = privileged(['--install', name]);
    expect(installed.exit).to.equal(3);
    const remedy = commandsOf(finding).find((command) => command.includes('--pid=host'));
    try {
      expect(shell(remedy ?? 'false').exit).to.equal(0);
      expect(chartIn(doctor('--json', name)).findings).to.deep.equal([]);
    } finally {
      while (fs.existsSync(path.join(MOUNT, 'register'))) must('umount', [MOUNT]);
    }
  });

  it('a container that sees the processes of the host is not the host: what it registers vanishes, and it says so', () => {
    const rights = ['--cap-drop', 'ALL', '--cap-add', 'SYS_ADMIN', '--security-opt', 'apparmor=unconfined'];
    const ended = docker('run', '--rm', '--pid=host', ...rights, IMAGE, '--install', name);
    expect(ended.stderr).to.contain('would vanish');
    expect(ended.exit).to.equal(3);
  });

  it('automount: the host would mount it when it is looked at, and nobody has', () => {
    // The kernel lets the process group of the automounter itself through, and waits for no answer.
    const script = `exec 3> >(sleep 60)
      mount -t autofs -o fd=3,pgrp=$$,minproto=5,maxproto=5,direct systemd-1 ${MOUNT}
      unshare --mount bash -c "umount ${MOUNT}; ${PROGRAM} doctor --json"; true`;
    const alone = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'setsid', 'bash', '-c', script];
    const finding = findingOf('automount', chartIn(run('unshare', alone)));
    expect(finding.evidence).to.deep.equal([`${MOUNT} on the host: autofs, and no binfmt_misc on it`]);
  });
});

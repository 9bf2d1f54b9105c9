import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  buildImage,
  composeProject,
  docker,
  guestImage,
  IMAGE,
  mustDocker,
  privileged,
  runsGuest,
  uninstallAll,
} from '../support/docker.js';
import { commandsInLine, expectWhole } from '../support/doctor.js';
import { mounted, onHost, unmountHost } from '../support/host.js';
import { entryNames, MOUNT, registerForeign, writeEntry } from '../support/kernel.js';
import { guest, guest2 } from '../support/machine.js';
import { must, ROOT, run, statusIn } from '../support/program.js';
import { crashingEmulator } from '../support/programs.js';
import { scratch } from '../support/scratch.js';
import { skipBecause } from '../support/skip.js';
import { skipWhereEntriesAreKept } from '../support/survival.js';
import { until } from '../support/watcher.js';

const { name, platform, emulator: entry } = guest;
let foreign: string;
const runsForeign = () => runsGuest(guest, foreign);

describe('an installation on a host that does not keep binfmt_misc mounted', () => {
  before(function () {
    foreign = guestImage(guest);
    // A machine of somebody's own keeps it mounted; CI's does not.
    if (mounted()) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
  });
  beforeEach(skipWhereEntriesAreKept);
  afterEach(() => {
    unmountHost();
    expect(runsForeign()).to.equal(false);
  });

  it('fails if the entries would vanish, and leaves nothing; one line has the cause and three commands', () => {
    const ended = privileged(['--install', 'all']);
    expect(ended.exit).to.equal(3);
    expect(ended.stderr.trim().split('\n')).to.have.length(1);
    const commands = commandsInLine(ended.stderr);
    expect(commands).to.deep.equal([
      `docker run --privileged --pid=host --rm ${IMAGE} --install all`,
      `sudo mount -t binfmt_misc binfmt_misc ${MOUNT}`,
      `docker run --detach --restart always --privileged ${IMAGE} --install all --watch`,
    ]);
    for (const command of commands) expectWhole(command);
    expect(statusIn(ended).supported).not.to.include(platform);
    expect(mounted()).to.equal(false);
  });

  it('mounts binfmt_misc on the host with --pid=host, and the entries stay', () => {
    const ended = docker('run', '--rm', '--privileged', '--pid=host', IMAGE, '--install', name);
    expect(ended).to.include({ exit: 0, stderr: `installing: ${name} OK\n` });
    expect(mounted()).to.equal(true);
    expect(entryNames()).to.deep.equal([entry]);
    expect(runsForeign()).to.equal(true);
  });

  it('mounts binfmt_misc on the host through a shared bind mount, and the entries stay', () => {
    must('mount', ['--make-rshared', '/']);
    try {
      const bind = '/proc/sys/fs/binfmt_misc:/binfmt_misc:rshared';
      const ended = docker('run', '--rm', '--privileged', '-v', bind, IMAGE, '--install', name);
      expect(ended).to.include({ exit: 0, stderr: `installing: ${name} OK\n` });
      expect(mounted()).to.equal(true);
      expect(runsForeign()).to.equal(true);
    } finally {
      must('mount', ['--make-rprivate', '/']);
    }
  });

  it('fails in a container that only sees the processes of the host, because the entries would vanish', () => {
    const rights = ['--cap-drop', 'ALL', '--cap-add', 'SYS_ADMIN', '--security-opt', 'apparmor=unconfined'];
    const ended = docker('run', '--rm', '--pid=host', ...rights, IMAGE, '--install', name);
    expect(ended.stderr).to.contain('would vanish');
    expect(ended.exit).to.equal(3);
  });

  it('believes nobody who keeps the entries while it looks and then lets go: it fails, since they vanish', async () => {
    // Lets go as soon as something is registered, which only happens where somebody is believed to keep it.
    const hold = `mount -t binfmt_misc none ${MOUNT}; echo holding
      until [ -e ${MOUNT}/${entry} ]; do :; done; umount ${MOUNT}`;
    const holder = spawn('timeout', ['20', 'unshare', '--mount', '--propagation', 'private', 'bash', '-euc', hold]);
    const ended = new Promise((resolve) => holder.on('close', resolve));
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    const installed = privileged(['--install', 'all']);
    expect(await ended, 'the holder saw an entry').to.equal(0);
    expect(installed.exit).to.equal(3);
    expect(installed.stderr).to.contain('would vanish');
  });
});

describe('the service of deploy/compose.yaml', () => {
  let started = false;
  const project = composeProject('binfmt-test', path.join(ROOT, 'deploy/compose.yaml'), {
    BINFMT_IMAGE: IMAGE,
    BINFMT_INSTALL: `${name},${guest2.name}`,
  });
  const compose = (...args: string[]) => {
    const { exit, stdout, stderr } = project(...args);
    if (exit !== 0) throw new Error(`docker compose ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const container = () => compose('ps', '--all', '--quiet', 'binfmt').trim();
  const inspect = (format: string) => mustDocker('inspect', '--format', format, container()).trim();
  const health = () => inspect('{{.State.Health.Status}}');
  const log = () => compose('logs', '--no-log-prefix', 'binfmt');
  const healthy = () =>
    until(
      () => health() === 'healthy',
      () => `healthy, is ${health()}:\n${log()}`,
    );
  const runsAgain = () => until(runsForeign, () => `foreign containers, in:\n${log()}`);

  before(async function () {
    foreign = guestImage(guest);
    if (mounted()) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
    started = true;
    compose('up', '--detach');
    await healthy();
  });
  after(() => {
    // Where the tests were skipped, neither a service nor a mount is theirs.
    if (!started) return;
    compose('down');
    unmountHost();
  });

  it('is healthy, and foreign containers run, although the host never mounted binfmt_misc', () => {
    expect(mounted()).to.equal(false);
    expect(runsForeign()).to.equal(true);
    expect(inspect('{{.HostConfig.Privileged}} {{.HostConfig.CapDrop}} {{.HostConfig.ReadonlyRootfs}}')).to.equal(
      'false [ALL] true',
    );
  });

  for (const [what, disturb, cause] of [
    [
      'one entry was removed',
      () => writeEntry(entry, '-1'),
      new RegExp(`restored ${name}: its entry had been removed`),
    ],
    [
      'all entries were removed',
      () => writeEntry('status', '-1'),
      new RegExp(`restored ${guest2.name}: its entry had been removed`),
    ],
    [
      'one entry was disabled',
      () => writeEntry(entry, '0'),
      new RegExp(`restored ${name}: its entry had been disabled`),
    ],
    [
      'a broken entry was registered in front',
      () => registerForeign('broken', name, crashingEmulator(), 'F'),
      new RegExp(`restored ${name}: another entry had taken its programs`),
    ],
  ] as const) {
    it(`makes foreign containers run again after ${what}`, async () => {
      onHost(disturb);
      await until(
        () => cause.test(log()),
        () => `${cause}, in:\n${log()}`,
      );
      await runsAgain();
    });
  }

  it('makes foreign containers run again after systemd-binfmt has removed or registered entries', async () => {
    const image = 'binfmt-test-systemd';
    const dir = scratch();
    fs.writeFileSync(
      path.join(dir, 'Dockerfile'),
      'FROM debian:trixie-slim\nRUN apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd >/dev/null\n',
    );
    buildImage(image, dir);
    const systemd = (...args: string[]) => {
      const script = `mount -t binfmt_misc none ${MOUNT} && exec /usr/lib/systemd/systemd-binfmt ${args.join(' ')}`;
      mustDocker('run', '--rm', '--privileged', image, 'sh', '-c', script);
    };
    systemd('--unregister');
    await runsAgain();
    systemd();
    await runsAgain();
  });

  it('comes back if its process is killed', async () => {
    const pid = inspect('{{.State.Pid}}');
    process.kill(Number(pid), 'SIGKILL');
    await until(() => !['0', pid].includes(inspect('{{.State.Pid}}')), 'another process');
    await runsAgain();
    await healthy();
  });

  it('stops at once for docker restart, and comes back', async () => {
    const start = Date.now();
    mustDocker('restart', container());
    expect(Date.now() - start).to.be.below(8000); // docker waits ten seconds before it kills
    await runsAgain();
    expect(log()).to.match(/stopping: SIGTERM/);
  });

  it('does not fight with a second service', async () => {
    const earlier = log().length;
    const second = ['--name', 'binfmt-test-second', '--privileged', IMAGE];
    mustDocker('run', '--detach', ...second, '--install', `${name},${guest2.name}`, '--watch');
    try {
      await until(() => / ready\n/.test(docker('logs', 'binfmt-test-second').stderr), 'the second');
      onHost(() => writeEntry('status', '-1'));
      await runsAgain();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const logs = () => log().slice(earlier) + docker('logs', 'binfmt-test-second').stderr;
      const settled = logs();
      expect(settled).not.to.match(/waiting|not-ready/);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      expect(logs()).to.equal(settled);
    } finally {
      mustDocker('rm', '--force', 'binfmt-test-second');
    }
  });

  it('has no processes but its own two, even after health checks', async () => {
    for (let i = 0; i < 3; i++)
      expect(docker('exec', container(), '/usr/bin/binfmt', 'healthcheck', '--strict').exit).to.equal(0);
    const processes = mustDocker('top', container(), '-o', 'pid,stat,comm').trim().split('\n').slice(1);
    expect(processes, processes.join('\n')).to.have.length(2);
  });

  it('comes back by itself if the Docker Engine is restarted', async function () {
    const restart = process.env['BINFMT_TEST_RESTART_ENGINE'];
    if (!restart) skipBecause(this, 'BINFMT_TEST_RESTART_ENGINE names no command that restarts the Docker Engine');
    // The engine would keep the temporary directory of this test run, which is soon gone.
    must('env', ['--unset', 'TMPDIR', 'bash', '-c', restart]);
    await until(() => run('docker', ['info']).exit === 0, 'the engine');
    await runsAgain();
    await healthy();
  });
});

describe("the image's own health check", () => {
  it('passes if no watcher is running, and fails with --strict', () => {
    expect(docker('run', '--rm', IMAGE, 'healthcheck')).to.include({
      exit: 0,
      stderr: 'binfmt: no watcher is running here\n',
    });
    expect(docker('run', '--rm', IMAGE, 'healthcheck', '--strict').exit).to.equal(1);
    const test = mustDocker('image', 'inspect', '--format', '{{json .Config.Healthcheck.Test}}', IMAGE);
    expect(JSON.parse(test)).to.deep.equal(['CMD', '/usr/bin/binfmt', 'healthcheck']);
  });

  it('sees a watcher that listens somewhere else too', async () => {
    const container = 'binfmt-test-listening';
    const options = ['--install', name, '--watch', '--listen', '127.0.0.1:8080'];
    const often = ['--health-interval', '1s', '--health-start-interval', '1s'];
    mustDocker('run', '--detach', '--name', container, '--privileged', ...often, IMAGE, ...options);
    const health = () => mustDocker('inspect', '--format', '{{.State.Health.Status}}', container).trim();
    const log = () => mustDocker('inspect', '--format', '{{(index .State.Health.Log 0).Output}}', container).trim();
    try {
      await until(
        () => health() === 'healthy',
        () => `healthy, is ${health()}`,
      );
      // The health check of an image without a watcher passes too, and says something else.
      expect(log()).to.equal('ready');
      onHost(() => writeEntry('status', '0'));
      await until(
        () => health() === 'unhealthy',
        () => `unhealthy, is ${health()}`,
      );
    } finally {
      onHost(() => writeEntry('status', '1'));
      mustDocker('rm', '--force', container);
      uninstallAll();
    }
  }).timeout(120_000);
});

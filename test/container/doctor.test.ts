import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { debian12, registerDynamic } from '../support/debian12.js';
import {
  DOCKER_RUN,
  docker,
  guestImage,
  guestMachine,
  IMAGE,
  mustDocker,
  onCleanHost,
  privileged,
  uninstallAll,
} from '../support/docker.js';
import { commandsIn, expectWhole, pasted, problemIn, reportIn } from '../support/doctor.js';
import { entryNames, entryText, MOUNT, writeEntry } from '../support/kernel.js';
import { guest, guest2 } from '../support/machine.js';
import { must, PROGRAM, run, shell } from '../support/program.js';
import { skipBecause } from '../support/skip.js';
import { skipWhereEntriesAreKept } from '../support/survival.js';
import { until } from '../support/watcher.js';

const { name, platform, emulator: entry } = guest;
const machineName = `${guestMachine(guest)}\n`;
let foreign: string;
const runForeign = () => docker('run', '--rm', '--platform', platform, foreign, 'uname', '-m');
const doctor = (...args: string[]) => privileged(['doctor', ...args]);

describe('doctor in a container, on a host that keeps binfmt_misc mounted', () => {
  onCleanHost();
  before(() => {
    foreign = guestImage(guest);
  });
  afterEach(() => uninstallAll());

  it('tells a static and a dynamic emulator with the same entry apart, and its advice works', () => {
    expect(privileged(['--install', name]).exit).to.equal(0);
    const text = entryText(entry);
    expect(runForeign().stdout).to.equal(machineName);
    const silent = { exit: 0, stderr: '' };
    expect(doctor('--json')).to.include(silent);
    expect(reportIn(doctor('--json')).problems).to.deep.equal([]);

    uninstallAll();
    registerDynamic();
    expect(entryText(entry), 'byte for byte').to.equal(text);
    const { exit, stderr } = runForeign();
    expect(exit).not.to.equal(0);
    expect(stderr).to.contain('no such file or directory');

    const ended = doctor('--json');
    expect(ended.exit).to.equal(1);
    const { problems, platforms } = reportIn(ended);
    expect(problems).to.have.length(1);
    const problem = problemIn('dynamic-emulator', { problems });
    expect(problem.text.symptom).to.contain('no such file or directory');
    expect(problem.facts).to.include({ entry, interpreter: `/usr/bin/${entry}`, seen: 'started' });
    expect(problem.facts['loader']).to.match(/^\/lib.*\/ld/);
    expect(problem.facts['probe']).to.deep.equal({ result: 'refused', errno: 'ENOENT' });
    expect(platforms).to.have.length(1);
    expect(platforms[0]).to.include({
      ...{ platform, runs: false, entry, native: false, flags: 'POCF' },
      ...{ emulator: `/usr/bin/${entry}`, version: null, static: false, shipped: false },
    });
    expect(platforms[0]?.why).to.match(/^no such file or directory \(ENOENT\): /);

    const [command = ''] = commandsIn(problem);
    expect(command).to.equal(`docker run --privileged --rm ${IMAGE} --install ${name}`);
    expect(shell(command).exit).to.equal(0);
    expect(runForeign().stdout).to.equal(machineName);
    expect(entryText(entry)).to.equal(text);
    expect(reportIn(doctor('--json')).problems).to.deep.equal([]);
  }).timeout(300_000);

  it("learns from systemd-binfmt's files on the host that something removed the entries", async () => {
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
      const problem = problemIn('no-entry', reportIn(ended));
      expect(problem.facts).to.deep.include({
        boot: true,
        configured: [{ file: `/etc/binfmt.d/${entry}.conf`, entry }],
      });
      expect(commandsIn(problem)[0]).to.equal('sudo systemctl restart systemd-binfmt');
      expect(entryNames()).to.deep.equal([]);
    } finally {
      mustDocker('rm', '--force', container);
    }
  });

  it('advises two ways for a disabled entry: to enable it, or to replace it', () => {
    privileged(['--install', name]);
    writeEntry(entry, '0');
    const ended = docker('run', '--rm', '--privileged', '--pid=host', IMAGE, 'doctor', '--json', name);
    const commands = commandsIn(problemIn('disabled-entry', reportIn(ended)));
    expect(commands).to.deep.equal([
      `echo 1 | sudo tee ${MOUNT}/${entry}`,
      `docker run --privileged --rm ${IMAGE} --install ${name}`,
    ]);
    expect(pasted(commands[1] ?? '').exit).to.equal(0);
    expect(runForeign().stdout).to.equal(machineName);
  });

  it('reports without privileges what runs, and what it was not allowed to read', () => {
    privileged(['--install', name]);
    const ended = docker('run', '--rm', IMAGE, 'doctor', '--json', name);
    expect(problemIn('permission', reportIn(ended)).severity).to.equal('note');
    expect(reportIn(ended).platforms[0]).to.include({ runs: true, emulator: `/usr/bin/${entry}`, entry: null });
    expect(ended.exit).to.equal(0);
    const failing = docker('run', '--rm', IMAGE, 'doctor', '--json', guest2.name);
    const problem = problemIn('permission', reportIn(failing));
    expect(problem.severity).to.equal('problem');
    expect(failing.exit).to.equal(1);
    // Every way that it advises is a whole command, and answers the question that could not be answered.
    for (const command of commandsIn(problem)) {
      expectWhole(command);
      const again = pasted(command);
      expect(reportIn(again).problems.map(({ id }) => id))
        .to.include('no-entry')
        .and.not.include('permission');
    }
  });

  it('leaves nothing behind', () => {
    const entries = entryNames();
    for (const args of [[], ['all'], [name, '--repeat', '3']]) doctor(...args);
    expect(entryNames()).to.deep.equal(entries);
  });
});

describe('doctor in a container, on a host that does not keep binfmt_misc mounted', () => {
  before(function () {
    const mounted = fs.existsSync(path.join(MOUNT, 'register'));
    if (mounted) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
  });
  beforeEach(skipWhereEntriesAreKept);

  it('warns that entries would vanish, changes nothing, and its advice works', () => {
    const ended = doctor('--json');
    expect(ended.exit).to.equal(1);
    const problem = problemIn('vanishing', reportIn(ended));
    expect(fs.existsSync(path.join(MOUNT, 'register'))).to.equal(false);
    const installed = privileged(['--install', name]);
    expect(installed.exit).to.equal(3);
    for (const command of commandsIn(problem)) expectWhole(command);
    const onHost = commandsIn(problem).find((command) => command.includes('--pid=host'));
    try {
      expect(pasted(onHost ?? 'false').exit).to.equal(0);
      expect(reportIn(doctor('--json', name)).problems).to.deep.equal([]);
    } finally {
      while (fs.existsSync(path.join(MOUNT, 'register'))) must('umount', [MOUNT]);
    }
  });

  it('reports an automount point that was not used yet', () => {
    // The kernel lets the process group of the automounter itself through, and waits for no answer.
    const script = `exec 3> >(sleep 60)
      mount -t autofs -o fd=3,pgrp=$$,minproto=5,maxproto=5,direct systemd-1 ${MOUNT}
      unshare --mount bash -c "umount ${MOUNT}; ${PROGRAM} doctor --json"; true`;
    const alone = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'setsid', 'bash', '-c', script];
    const problem = problemIn('automount', reportIn(run('unshare', alone)));
    expect(commandsIn(problem)).to.deep.equal(['sudo systemctl start proc-sys-fs-binfmt_misc.mount']);
  });
});

describe('doctor --explain in a container without any rights', () => {
  it('explains a log from standard input', () => {
    const log = '#5 [linux/arm64 2/2] RUN tar -xf a.tar\\n#5 0.2 tar: a: Cannot open: Invalid argument\\n';
    const ended = shell(
      `printf '${log}' | ${DOCKER_RUN} -i --rm --cap-drop ALL --read-only ${IMAGE} doctor --json --explain -`,
    );
    const [explanation] = JSON.parse(ended.stdout).explanations;
    expect(explanation).to.include({
      id: 'tar-invalid-argument',
      line: '#5 0.2 tar: a: Cannot open: Invalid argument',
    });
    expect(explanation.here.map((each: { platform: string }) => each.platform)).to.deep.equal(['linux/arm64']);
  });
});

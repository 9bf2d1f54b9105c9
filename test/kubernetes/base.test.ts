/** deploy/kubernetes/base on a host that does not keep binfmt_misc mounted. */
import { expect } from 'chai';
import { docker, IMAGE, mustDocker, uninstallAll } from '../support/docker.js';
import { expectGuestsRun, prepareGuests, runsGuestPod } from '../support/guest-pods.js';
import { mounted, onHost, unmountHost } from '../support/host.js';
import { entryNames, MOUNT, writeEntry } from '../support/kernel.js';
import { DaemonSet, kubectl, mustKubectl } from '../support/kubernetes.js';
import { guest } from '../support/machine.js';
import { must } from '../support/program.js';
import { skipBecause } from '../support/skip.js';
import { skipWhereEntriesAreKept } from '../support/survival.js';
import { PATIENCE, untilWithin } from '../support/watcher.js';

describe('deploy/kubernetes/base on a host that does not keep binfmt_misc mounted', () => {
  const ours = new DaemonSet();
  let started = false;

  before(async function () {
    if (mounted()) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
    skipWhereEntriesAreKept.call(this);
    await prepareGuests();
    started = true;
  });
  beforeEach(() => ours.apply({ image: IMAGE }));
  after(() => {
    if (!started) return;
    ours.remove();
    uninstallAll();
    unmountHost();
  });

  const readyAgain = () =>
    untilWithin(
      PATIENCE,
      () => ours.ready(),
      () => `a pod that is ready, in:\n${ours.log()}`,
    );

  it('runs pods of four other architectures', () => expectGuestsRun());

  it('has three capabilities, a root file system that it cannot change, seccomp, and no token', () => {
    const format =
      '{{.HostConfig.Privileged}} {{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{.HostConfig.ReadonlyRootfs}}';
    expect(ours.inspect(format)).to.equal('false [SYS_ADMIN SYS_PTRACE SYS_CHROOT] [ALL] true');
    const status = mustDocker('exec', ours.container(), '/usr/bin/binfmt', '--version');
    expect(status).to.match(/^binfmt/);
    const process = must('cat', [`/proc/${ours.inspect('{{.State.Pid}}')}/status`]);
    expect(process).to.match(/^NoNewPrivs:\t1$/m);
    expect(process).to.match(/^Seccomp:\t2$/m);
    expect(process).to.match(/^CapEff:\t00000000002c0000$/m);
    expect(ours.inspect('{{range .Mounts}}{{.Destination}} {{end}}')).not.to.contain('serviceaccount');
  });

  it('mounts binfmt_misc on the host, so that the entries stay when the pod is gone, and when all is removed', async () => {
    expect(mounted()).to.equal(true);
    const entries = entryNames();
    ours.delete();
    await untilWithin(PATIENCE, () => ours.container() === '', 'the container to end');
    expect(entryNames()).to.deep.equal(entries);
    await expectGuestsRun();
  });

  for (const [what, disturb] of [
    ['deleted', () => ours.kubectl('delete', 'pod', ours.pod(), '--wait=false')],
    ['evicted', () => evict(ours.pod())],
    ['killed', () => mustDocker('kill', '--signal', 'KILL', ours.container())],
  ] as const) {
    it(`keeps the entries while its pod is ${what}, and comes back`, async () => {
      const [entries, pod, container] = [entryNames(), ours.pod(), ours.container()];
      disturb();
      await untilWithin(
        PATIENCE,
        () => docker('inspect', '--format', '{{.State.Running}}', container).stdout !== 'true\n',
        what,
      );
      expect(entryNames()).to.deep.equal(entries);
      expect(await runsGuestPod(guest)).to.equal(true);
      await untilWithin(PATIENCE, () => !['', container].includes(ours.container()), 'another container');
      await readyAgain();
      if (what === 'killed') expect(ours.pod()).to.equal(pod);
      else expect(ours.pod()).not.to.equal(pod);
      expect(entryNames()).to.deep.equal(entries);
    });
  }

  /** As `kubectl drain` asks for it. */
  function evict(pod: string): void {
    const minor = Number.parseInt(JSON.parse(mustKubectl('get', '--raw', '/version')).minor, 10);
    const eviction = {
      apiVersion: minor >= 22 ? 'policy/v1' : 'policy/v1beta1',
      kind: 'Eviction',
      metadata: { name: pod, namespace: ours.namespace },
    };
    const path = `/api/v1/namespaces/${ours.namespace}/pods/${pod}/eviction`;
    const command = `kubectl create --raw '${path}' --filename - <<<'${JSON.stringify(eviction)}'`;
    must('bash', ['-euc', command], { KUBECONFIG: process.env['BINFMT_TEST_KUBECONFIG'] });
  }

  it('keeps its pod and the entries while the kubelet is restarted', async function () {
    const restart = process.env['BINFMT_TEST_RESTART_KUBELET'];
    if (!restart) skipBecause(this, 'BINFMT_TEST_RESTART_KUBELET names no command that restarts the kubelet');
    const [pod, container] = [ours.pod(), ours.container()];
    must('env', ['--unset', 'TMPDIR', 'bash', '-c', restart]);
    await untilWithin(PATIENCE, () => runsGuestPod(guest), 'a pod that runs');
    await readyAgain();
    expect([ours.pod(), ours.container()]).to.deep.equal([pod, container]);
  });

  it('restores all entries after systemd-binfmt --unregister, which writes -1 to status', async () => {
    const entries = entryNames();
    writeEntry('status', '-1');
    await untilWithin(PATIENCE, () => entryNames().length === entries.length, 'the entries');
    await expectGuestsRun();
    await untilWithin(
      PATIENCE,
      () => ours.log().includes(`restored ${guest.name}: its entry had been removed`),
      'a line in the log',
    );
  });

  it('keeps the entries if binfmt_misc is unmounted on the host, and mounts it there again', async () => {
    unmountHost();
    expect(await runsGuestPod(guest)).to.equal(true);
    mustDocker('kill', '--signal', 'HUP', ours.container());
    await untilWithin(PATIENCE, mounted, 'the mount');
  });

  it('does not fight with a second DaemonSet', async () => {
    const second = new DaemonSet('binfmt-test-second');
    second.apply({ image: IMAGE });
    try {
      const logs = () => ours.log() + second.log();
      const earlier = logs().length;
      onHost(() => writeEntry('status', '-1'));
      await untilWithin(PATIENCE, () => runsGuestPod(guest), 'a pod that runs');
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const settled = logs();
      expect(settled).not.to.match(/waiting|not-ready/);
      expect(settled.length).to.be.above(earlier);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      expect(logs()).to.equal(settled);
    } finally {
      second.remove();
    }
    await expectGuestsRun();
  });

  it('tolerates every taint, and is among the last pods that a node gives up', () => {
    const priority = ours.kubectl('get', 'pod', ours.pod(), '--output', 'jsonpath={.spec.priority}');
    expect(Number(priority)).to.equal(2_000_001_000);
    mustKubectl('taint', 'node', '--all', 'binfmt.test/full=yes:NoSchedule', 'binfmt.test/out=yes:NoExecute');
    try {
      ours.kubectl('rollout', 'restart', 'daemonset/binfmt');
      ours.rolledOut();
    } finally {
      kubectl('taint', 'node', '--all', 'binfmt.test/full-', 'binfmt.test/out-');
    }
  });

  it('leaves no entry if it is deleted after the component uninstall was applied', async () => {
    ours.apply({ image: IMAGE, components: ['scheduling', 'uninstall'] });
    await expectGuestsRun();
    ours.delete();
    mustKubectl('delete', 'clusterrole,clusterrolebinding', 'binfmt');
    expect(mustKubectl('get', 'nodes', '--output', 'jsonpath={.items[*].metadata.labels}')).not.to.contain('binfmt/');
    await untilWithin(PATIENCE, () => entryNames().length === 0, 'no entry');
  });
});

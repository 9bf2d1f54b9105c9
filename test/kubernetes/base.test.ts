/** deploy/kubernetes/base on a host that does not keep binfmt_misc mounted. */
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { api } from '../support/api-server.js';
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
  beforeEach(async () => {
    if (!(await ours.ready())) ours.apply({ image: IMAGE });
  });
  after(async () => {
    if (!started) return;
    await ours.delete();
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
    await ours.delete();
    expect(entryNames()).to.deep.equal(entries);
    expect(await runsGuestPod(guest)).to.equal(true);
  });

  /** The entries stay while `disturb` ends the container, and until another one is ready. */
  const endsAndComesBack = async (disturb: () => unknown) => {
    const [entries, container] = [entryNames(), ours.container()];
    await disturb();
    const running = () => docker('inspect', '--format', '{{.State.Running}}', container).stdout;
    await untilWithin(PATIENCE, () => running() !== 'true\n', 'its container to end');
    expect(entryNames()).to.deep.equal(entries);
    expect(await runsGuestPod(guest, { tolerations: [{ operator: 'Exists' }] })).to.equal(true);
    await untilWithin(PATIENCE, () => !['', container].includes(ours.container()), 'another container');
    await readyAgain();
    expect(entryNames()).to.deep.equal(entries);
  };

  it('keeps the entries while its pod is killed, and comes back', async () => {
    const pod = await ours.pod();
    await endsAndComesBack(() => mustDocker('kill', '--signal', 'KILL', ours.container()));
    expect(await ours.pod()).to.equal(pod);
  });

  it('keeps the entries while its pod is evicted, and comes back, whatever taints the node has', async () => {
    const pod = await ours.pod();
    mustKubectl('taint', 'node', '--all', 'binfmt.test/full=yes:NoSchedule', 'binfmt.test/out=yes:NoExecute');
    try {
      await endsAndComesBack(() => evict(pod));
    } finally {
      kubectl('taint', 'node', '--all', 'binfmt.test/full-', 'binfmt.test/out-');
    }
    expect(await ours.pod()).not.to.equal(pod);
  });

  /** As `kubectl drain` asks for it. */
  async function evict(name: string | undefined): Promise<void> {
    const { minor } = JSON.parse(await api('/version'));
    const apiVersion = Number.parseInt(minor, 10) >= 22 ? 'policy/v1' : 'policy/v1beta1';
    const eviction = { apiVersion, kind: 'Eviction', metadata: { name, namespace: ours.namespace } };
    await api(`/api/v1/namespaces/${ours.namespace}/pods/${name}/eviction`, 'POST', eviction);
  }

  it('is among the last pods that a node gives up', () => {
    expect(ours.kubectl('get', 'pods', '--output', 'jsonpath={.items[0].spec.priority}')).to.equal('2000001000');
  });

  it('keeps its pod and the entries while the kubelet is restarted', async function () {
    const restart = process.env['BINFMT_TEST_RESTART_KUBELET'];
    if (!restart) skipBecause(this, 'BINFMT_TEST_RESTART_KUBELET names no command that restarts the kubelet');
    const [pod, container] = [await ours.pod(), ours.container()];
    must('env', ['--unset', 'TMPDIR', 'bash', '-c', restart]);
    await untilWithin(PATIENCE, () => runsGuestPod(guest), 'a pod that runs');
    await readyAgain();
    expect([await ours.pod(), ours.container()]).to.deep.equal([pod, container]);
  });

  it('restores all entries after systemd-binfmt --unregister, which writes -1 to status', async () => {
    const entries = entryNames();
    writeEntry('status', '-1');
    await untilWithin(PATIENCE, () => entryNames().length === entries.length, 'the entries');
    expect(await runsGuestPod(guest)).to.equal(true);
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
    try {
      second.apply({ image: IMAGE });
      const earlier = [ours.log(), second.log()].map(({ length }) => length);
      const said = () => [ours.log(), second.log()].map((log, i) => log.slice(earlier[i])).join('');
      onHost(() => writeEntry('status', '-1'));
      await untilWithin(PATIENCE, () => runsGuestPod(guest), 'a pod that runs');
      const atRest = async () => {
        const before = said();
        await setTimeout(2000);
        return before.includes('restored') && said() === before;
      };
      await untilWithin(PATIENCE, atRest, said);
      expect(said())
        .to.contain('restored')
        .and.not.to.match(/waiting|not-ready/);
    } finally {
      await second.delete();
    }
    expect(await runsGuestPod(guest)).to.equal(true);
  });
});

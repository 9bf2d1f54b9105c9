/** deploy/kubernetes/base on a host that does not keep binfmt_misc mounted. */
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { api } from '../support/api-server.js';
import { IMAGE, uninstallAll } from '../support/docker.js';
import { expectGuestsRun, prepareGuests, runsGuestPod } from '../support/guest-pods.js';
import { mounted, onHost, unmountHost } from '../support/host.js';
import { entryNames, MOUNT, writeEntry } from '../support/kernel.js';
import { DaemonSet, kubectl, mustKubectl, onContainerd, processesOf } from '../support/kubernetes.js';
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

  it('has three capabilities, a root file system that it cannot change, seccomp, and no token', async () => {
    expect(ours.kubectl('exec', 'daemonset/binfmt', '--', '/usr/bin/binfmt', '--version')).to.match(/^binfmt/);
    const status = await ours.procfs('status');
    expect(status).to.match(/^NoNewPrivs:\t1$/m);
    expect(status).to.match(/^Seccomp:\t2$/m);
    for (const set of ['CapEff', 'CapBnd']) expect(status).to.match(new RegExp(`^${set}:\t00000000002c0000$`, 'm'));
    const mounts = await ours.procfs('mountinfo');
    expect(mounts).to.match(/^\d+ \d+ \S+ \S+ \/ ro,/m);
    expect(mounts).not.to.contain('serviceaccount');
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
    const [entries, container] = [entryNames(), (await ours.containers()).join()];
    await disturb();
    await untilWithin(PATIENCE, () => processesOf(container).length === 0, 'its container to end');
    expect(entryNames()).to.deep.equal(entries);
    expect(await runsGuestPod(guest, { tolerations: [{ operator: 'Exists' }] })).to.equal(true);
    const another = async () => (await ours.containers()).flatMap(processesOf).length > 0;
    await untilWithin(PATIENCE, another, 'another container');
    await readyAgain();
    expect(entryNames()).to.deep.equal(entries);
  };

  it('keeps the entries while its pod is killed, and comes back', async () => {
    const pod = await ours.pod();
    await endsAndComesBack(() => ours.kill('SIGKILL'));
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

  for (const what of ['the kubelet', ...(onContainerd() ? ['containerd'] : [])]) {
    it(`keeps its pod and the entries while ${what} is restarted`, async function () {
      const variable = `BINFMT_TEST_RESTART_${what.replace('the ', '').toUpperCase()}`;
      const restart = process.env[variable];
      if (!restart) skipBecause(this, `${variable} names no command that restarts ${what}`);
      const [pod, processes] = [await ours.pod(), await ours.processes()];
      must('env', ['--unset', 'TMPDIR', 'bash', '-c', restart]);
      await untilWithin(PATIENCE, () => runsGuestPod(guest), 'a pod that runs');
      await readyAgain();
      expect([await ours.pod(), (await ours.processes())[0]]).to.deep.equal([pod, processes[0]]);
    });
  }

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
    await ours.kill('SIGHUP');
    await untilWithin(PATIENCE, mounted, 'the mount');
  });

  it('restores an entry after binfmt_misc was unmounted on the host, and mounted again at once', async () => {
    must('sh', ['-c', `umount ${MOUNT} && mount -t binfmt_misc binfmt_misc ${MOUNT}`]);
    const entries = entryNames();
    writeEntry(guest.emulator, '-1');
    await untilWithin(PATIENCE, () => entryNames().length === entries.length, 'the entry');
    expect(await runsGuestPod(guest)).to.equal(true);
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

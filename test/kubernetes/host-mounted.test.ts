/** deploy/kubernetes/host-mounted, on a host that keeps binfmt_misc mounted and on one that does not. */
import { expect } from 'chai';
import { IMAGE, mountOnHost, uninstallAll } from '../support/docker.js';
import { expectGuestsRun, prepareGuests, runsGuestPod } from '../support/guest-pods.js';
import { mounted } from '../support/host.js';
import { entryNames, MOUNT, writeEntry } from '../support/kernel.js';
import { DaemonSet, kubectl, removeNamespace } from '../support/kubernetes.js';
import { guest } from '../support/machine.js';
import { skipBecause } from '../support/skip.js';
import { PATIENCE, untilWithin } from '../support/watcher.js';

const rendering = { image: IMAGE, components: ['host-mounted'] };

describe('deploy/kubernetes/host-mounted', () => {
  const ours = new DaemonSet();
  let restore = () => {};

  before(async () => {
    restore = mountOnHost();
    await prepareGuests();
    ours.apply(rendering);
  });
  after(async () => {
    await ours.delete();
    uninstallAll();
    restore();
  });

  it('runs pods of four other architectures', () => expectGuestsRun());

  it('has no capability, and sees of the host one directory and no process', async () => {
    const status = await ours.procfs('status');
    expect(status).to.match(/^CapEff:\t0000000000000000$/m);
    expect(status).to.match(/^CapBnd:\t0000000000000000$/m);
    expect(status).to.match(/^NoNewPrivs:\t1$/m);
    expect(status).to.match(/^Seccomp:\t2$/m);
    expect(status).to.match(/^NSpid:\t\d+\t1$/m);
    expect(ours.kubectl('get', 'daemonset', 'binfmt', '--output', 'jsonpath={..hostPath.path}')).to.equal(MOUNT);
    expect((await ours.procfs('mountinfo')).match(/ - binfmt_misc /g)).to.have.length(1);
  });

  it('restores entries that are removed, and keeps them when its pod is killed', async () => {
    const entries = entryNames();
    writeEntry('status', '-1');
    await untilWithin(PATIENCE, () => entryNames().length === entries.length, 'the entries');
    await untilWithin(
      PATIENCE,
      () => ours.log().includes(`restored ${guest.name}: its entry had been removed`),
      'a line in the log',
    );
    await ours.kill('SIGKILL');
    expect(await runsGuestPod(guest)).to.equal(true);
    expect(entryNames()).to.deep.equal(entries);
    await untilWithin(PATIENCE, () => ours.ready(), 'a pod that is ready');
  });
});

describe('deploy/kubernetes/host-mounted on a host that does not keep binfmt_misc mounted', () => {
  const ours = new DaemonSet('binfmt-test-not-mounted');

  before(function () {
    if (mounted()) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
  });
  after(() => removeNamespace(ours.namespace));

  it('is not ready, and its log says why', async () => {
    ours.change(rendering);
    const log = () => kubectl('logs', '--namespace', ours.namespace, 'daemonset/binfmt').stdout;
    await untilWithin(PATIENCE, () => log().includes(`failed ${guest.name}: cannot mount binfmt_misc`), log);
    expect(log()).not.to.contain(' ready\n');
    expect(await ours.ready()).to.equal(false);
  });
});

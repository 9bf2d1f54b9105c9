/** deploy/kubernetes/scheduling: what the scheduler makes of the labels and of the taint. */
import { expect } from 'chai';
import { IMAGE, uninstallAll } from '../support/docker.js';
import { guests, outputOf, outputsOf, prepareGuests } from '../support/guest-pods.js';
import { unmountHost } from '../support/host.js';
import { DaemonSet, GUESTS, kubectl, mustKubectl } from '../support/kubernetes.js';
import { guest } from '../support/machine.js';
import { PATIENCE, untilWithin } from '../support/watcher.js';

const TAINT = 'binfmt/starting';

describe('deploy/kubernetes/scheduling', () => {
  const ours = new DaemonSet();
  let started = false;

  const node = (path: string) => mustKubectl('get', 'nodes', '--output', `jsonpath={.items[0]${path}}`);
  const labels = () =>
    Object.keys(JSON.parse(node('.metadata.labels')) as object).filter((each) => each.startsWith('binfmt/'));

  before(async () => {
    await prepareGuests();
    started = true;
  });
  after(async () => {
    if (!started) return;
    await ours.delete();
    mustKubectl('delete', 'clusterrole,clusterrolebinding', 'binfmt', '--ignore-not-found');
    kubectl('taint', 'node', '--all', `${TAINT}-`);
    uninstallAll();
    unmountHost();
  });

  it('lets pods wait that ask for a platform, until it runs on a node', async () => {
    mustKubectl('taint', 'node', '--all', `${TAINT}=:NoSchedule`);
    const nodeSelector = Object.fromEntries(guests.map(({ name }) => [`binfmt/linux-${name}`, 'true']));
    const waiting = outputsOf([guest], { nodeSelector });
    const reasons = () =>
      mustKubectl('get', 'pods', '--namespace', GUESTS, '--output', 'jsonpath={.items[*].status.conditions[*].reason}');
    await untilWithin(PATIENCE, () => reasons() === 'Unschedulable', reasons);
    expect(labels()).to.deep.equal([]);

    ours.apply({ image: IMAGE, components: ['scheduling'] });
    expect(await waiting).to.deep.equal([outputOf(guest)]);
    expect(labels()).to.include.members(Object.keys(nodeSelector));
    expect(node('.spec.taints[*].key')).not.to.contain(TAINT);
  });

  it('takes the labels away when the DaemonSet is deleted', async () => {
    await ours.delete();
    await untilWithin(PATIENCE, () => labels().length === 0, 'no label');
  });
});

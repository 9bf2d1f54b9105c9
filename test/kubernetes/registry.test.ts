/** Images in a real registry, from which the kubelet's runtime pulls them by digest: ours, and those of other platforms. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { imageHosts } from '../../image/hosts.js';
import { api } from '../support/api-server.js';
import { guestImage, mustDocker, uninstallAll } from '../support/docker.js';
import { expectGuestsRun, outputOf, outputsOf, prepareGuests } from '../support/guest-pods.js';
import { unmountHost } from '../support/host.js';
import { DaemonSet, GUESTS, guestPod, mustKubectl, onContainerd } from '../support/kubernetes.js';
import { guest, guest2, own } from '../support/machine.js';
import { must, ROOT } from '../support/program.js';
import { startRegistry, stopRegistry } from '../support/registry.js';
import { scratch } from '../support/scratch.js';
import { skipBecause } from '../support/skip.js';
import { PATIENCE, untilWithin } from '../support/watcher.js';

describe('images in a registry', () => {
  const ours = new DaemonSet();
  let registry: string;
  const nameOf = (name: string) => `${registry}/${name}`;

  before(async () => {
    registry = startRegistry();
    await prepareGuests();
    // One index of two platforms, none of which is the node's.
    const pushed = [guest, guest2].map((each) => {
      mustDocker('tag', guestImage(each), nameOf(`guests:${each.name}`));
      mustDocker('push', '--quiet', nameOf(`guests:${each.name}`));
      return nameOf(`guests:${each.name}`);
    });
    must('docker', ['buildx', 'imagetools', 'create', '--tag', nameOf('guests'), ...pushed]);
  });
  after(async () => {
    await ours.delete();
    stopRegistry(['binfmt', 'guests'].map(nameOf));
    uninstallAll();
    unmountHost();
  });

  it('for two platforms are pulled by digest, and run pods of other architectures', async () => {
    const another = imageHosts().find((host) => host !== own.name);
    const platforms = `image-all.platform=linux/${own.name},linux/${another}`;
    const output = 'image-all.output=type=image,push=true,oci-mediatypes=true';
    const bake = ['bake', '--progress=quiet', '--set', platforms, '--set', output, 'image-all'];
    const file = path.join(scratch(), 'metadata.json');
    must('docker', ['buildx', ...bake, '--metadata-file', file], { IMAGE: nameOf('binfmt'), EMULATORS: 'debian' });
    const digest = JSON.parse(fs.readFileSync(file, 'utf8'))['image-all']['containerimage.digest'];
    ours.apply({ image: `${nameOf('binfmt')}@${digest}` });
    const pulled = ours.kubectl('get', 'pods', '--output', 'jsonpath={.items[*].status.containerStatuses[*].imageID}');
    expect(pulled).to.contain(digest);
    await expectGuestsRun();
  });

  it('run for another platform if a pod names the digest that docs/cluster.md finds, and not the index', async function () {
    if (!onContainerd()) skipBecause(this, 'the kubelet does not use containerd itself');
    const page = fs.readFileSync(path.join(ROOT, 'docs/cluster.md'), 'utf8');
    const [, typed = ''] = /\$\((docker buildx imagetools inspect [^)]*)\)$/m.exec(page) ?? [];
    const digest = must('bash', [
      '-c',
      typed.replace('busybox:1', nameOf('guests')).replace('"arm64"', `"${guest.name}"`),
    ]);
    const pods = (image: string) => ({ containers: [{ name: 'guest', image, command: ['uname', '-m'] }] });
    expect(await outputsOf([guest], pods(`${nameOf('guests')}@${digest}`))).to.deep.equal([outputOf(guest)]);

    const pod = guestPod(guest, pods(nameOf('guests')));
    await api(`/api/v1/namespaces/${GUESTS}/pods`, 'POST', pod);
    const selector = `involvedObject.name=${pod.metadata.name}`;
    const events = () => mustKubectl('get', 'events', '--namespace', GUESTS, '--field-selector', selector);
    await untilWithin(PATIENCE, () => events().includes('no match for platform in manifest'), events);
  });
});

/** An image for several platforms in a real registry, from which the kubelet's runtime pulls it by its digest. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { imageHosts } from '../../image/hosts.js';
import { IMAGE, uninstallAll } from '../support/docker.js';
import { expectGuestsRun, prepareGuests } from '../support/guest-pods.js';
import { unmountHost } from '../support/host.js';
import { DaemonSet } from '../support/kubernetes.js';
import { own } from '../support/machine.js';
import { must } from '../support/program.js';
import { startRegistry, stopRegistry } from '../support/registry.js';
import { scratch } from '../support/scratch.js';

describe('an image for two platforms, in a registry', () => {
  const ours = new DaemonSet();
  let image: string;

  before(async () => {
    image = `${startRegistry()}/binfmt`;
    await prepareGuests();
  });
  after(async () => {
    await ours.delete();
    stopRegistry([image]);
    uninstallAll(IMAGE);
    unmountHost();
  });

  it('is pulled by its digest, and its pod runs pods of other architectures', async () => {
    const another = imageHosts().find((host) => host !== own.name);
    const file = path.join(scratch(), 'metadata.json');
    const set = [`platform=linux/${own.name},linux/${another}`, 'output=type=image,push=true,oci-mediatypes=true'];
    must(
      'docker',
      [
        ...['buildx', 'bake', '--progress=quiet', '--metadata-file', file],
        ...set.flatMap((each) => ['--set', `image-all.${each}`]),
        'image-all',
      ],
      { IMAGE: image, EMULATORS: 'debian' },
    );
    const digest = JSON.parse(fs.readFileSync(file, 'utf8'))['image-all']['containerimage.digest'];
    ours.apply({ image: `${image}@${digest}` });
    const pulled = ours.kubectl('get', 'pods', '--output', 'jsonpath={.items[*].status.containerStatuses[*].imageID}');
    expect(pulled).to.contain(digest);
    await expectGuestsRun();
  });
});

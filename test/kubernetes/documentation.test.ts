/** Types what docs/cluster.md says, in order, and compares what is printed with what it says. */
import fs from 'node:fs';
import path from 'node:path';
import { docker, guestImage, IMAGE, mustDocker, uninstallAll } from '../support/docker.js';
import { guests } from '../support/guest-pods.js';
import { mounted, unmountHost } from '../support/host.js';
import { DEPLOY, kubectl } from '../support/kubernetes.js';
import { run } from '../support/program.js';
import { scratch } from '../support/scratch.js';
import { skipBecause } from '../support/skip.js';
import { CLUSTER, expectPrinted, storiesOf } from '../typed/story.js';

/** The examples are about arm64. */
const arm64 = guests.find(({ name }) => name === 'arm64');
/** Names that the page has for images. */
const BUSYBOX = 'arm64v8/busybox:1';
const NAME = 'binfmt:latest';

if (arm64 !== undefined) {
  describe('docs/cluster.md, typed', () => {
    before(function () {
      if (mounted()) skipBecause(this, 'this host keeps binfmt_misc mounted');
      mustDocker('tag', guestImage(arm64), BUSYBOX);
      mustDocker('tag', IMAGE, NAME);
    });
    afterEach(() => {
      kubectl('delete', 'namespace', 'binfmt', '--ignore-not-found');
      kubectl('delete', 'clusterrole,clusterrolebinding', 'binfmt', '--ignore-not-found');
      kubectl('delete', 'pod', 'hello', '--ignore-not-found');
      kubectl(
        'label',
        'nodes',
        '--all',
        ...['arm', 'arm-v6', 'arm-v7', 'arm64'].map((each) => `binfmt/linux-${each}-`),
      );
      uninstallAll();
      unmountHost();
    });
    after(() => void docker('image', 'rm', BUSYBOX));

    for (const { commands } of storiesOf('docs/cluster.md').filter(({ machine }) => machine === CLUSTER)) {
      it(`${commands[0]?.typed}`, () => {
        // People change the kustomization.
        const clone = scratch();
        fs.cpSync(DEPLOY, path.join(clone, 'deploy/kubernetes'), { recursive: true });
        const inClone = (text: string) => run('bash', ['-c', `exec 2>&1\ncd ${clone}\n${text}`]);
        expectPrinted(commands, inClone);
      });
    }
  });
}

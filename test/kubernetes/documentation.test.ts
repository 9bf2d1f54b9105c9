/** Types what docs/cluster.md says, in order, and compares what is printed with what it says. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { IMAGE, mustDocker, uninstallAll } from '../support/docker.js';
import { guests } from '../support/guest-pods.js';
import { mounted, unmountHost } from '../support/host.js';
import { entryNames } from '../support/kernel.js';
import { cloneOfDeploy, DaemonSet, giveToNode, kubectl, mustKubectl, removeNamespace } from '../support/kubernetes.js';
import { ROOT, run } from '../support/program.js';
import { skipBecause } from '../support/skip.js';
import { CLUSTER, expectPrinted, storiesOf } from '../typed/story.js';

/** The examples are about arm64. */
const arm64 = guests.find(({ name }) => name === 'arm64');
/** The name that the page has for our image. */
const NAME = `binfmt:${JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')).version}`;

if (arm64 !== undefined) {
  describe('docs/cluster.md, typed', () => {
    before(function () {
      if (mounted()) skipBecause(this, 'this host keeps binfmt_misc mounted');
      mustDocker('tag', IMAGE, NAME);
      giveToNode(NAME);
      removeNamespace('binfmt');
      kubectl('wait', '--for=delete', 'namespace/binfmt', '--timeout=120s');
    });
    after(async () => {
      await new DaemonSet().delete();
      kubectl('delete', 'clusterrole,clusterrolebinding', 'binfmt', '--ignore-not-found');
      uninstallAll();
      unmountHost();
    });

    const stories = storiesOf('docs/cluster.md').filter(({ machine }) => machine === CLUSTER);
    /** What removes everything comes last. */
    const removing = (typed = '') => Number(typed.includes('uninstall'));
    const inOrder = stories.toSorted((a, b) => removing(a.commands[0]?.typed) - removing(b.commands[0]?.typed));
    /** A clone, as people change the kustomization in it. */
    const clone = cloneOfDeploy();

    for (const { commands } of inOrder) {
      it(`${commands[0]?.typed}`, () =>
        expectPrinted(commands, (text) => run('bash', ['-c', `exec 2>&1\ncd ${clone}\n${text}`])));
    }

    it('takes everything away, also what components have added', () => {
      expect(removing(inOrder.at(-1)?.commands[0]?.typed)).to.equal(1);
      const names = 'clusterrole,clusterrolebinding,namespace';
      expect(mustKubectl('get', names, '--output', 'name')).not.to.match(/\/binfmt$/m);
      expect(mustKubectl('get', 'nodes', '--output', 'jsonpath={.items[*].metadata.labels}')).not.to.contain('binfmt/');
      expect(entryNames()).to.deep.equal([]);
    });
  });
}

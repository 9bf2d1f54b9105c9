/** The file for those who have no use for kustomize. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { cloneOfDeploy, DEPLOY, mustKubectl } from '../support/kubernetes.js';
import { must, ROOT } from '../support/program.js';
import { scratch } from '../support/scratch.js';

describe('deploy/kubernetes/binfmt.yaml', () => {
  it('is up to date (npm run kubernetes)', () => {
    const made = path.join(scratch(), 'binfmt.yaml');
    must(path.join(DEPLOY, 'generate'), [made]);
    expect(fs.readFileSync(path.join(DEPLOY, 'binfmt.yaml'), 'utf8')).to.equal(fs.readFileSync(made, 'utf8'));
  });

  it('is what the kustomization for users gives, until they change it', () => {
    const [, ...without] = fs.readFileSync(path.join(DEPLOY, 'binfmt.yaml'), 'utf8').split('\n');
    expect(mustKubectl('kustomize', DEPLOY)).to.equal(without.join('\n'));
  });

  it('takes the patch of docs/cluster.md, with all that its table adds, and leaves the options of a component', () => {
    const page = fs.readFileSync(path.join(ROOT, 'docs/cluster.md'), 'utf8');
    const [patch] = /^patches:$.*?(?=^```$)/ms.exec(page) ?? [];
    const added = [...page.matchAll(/`(\{ op: add, .* \})` \|$/gm)].map(([, operation]) => `      - ${operation}\n`);
    expect(added).to.have.length(3);
    const copy = path.join(cloneOfDeploy(), 'deploy/kubernetes');
    const file = path.join(copy, 'kustomization.yaml');
    const withComponent = fs.readFileSync(file, 'utf8').replace('components: []', 'components: [scheduling]');
    fs.writeFileSync(file, withComponent + patch + added.join(''));
    const { spec } = parseAllDocuments(mustKubectl('kustomize', copy))
      .map((document) => document.toJS())
      .find(({ kind }) => kind === 'DaemonSet').spec.template;
    expect(spec.containers[0].args.join(' ')).to.equal(
      '--install arm64,riscv64 --watch --node=$(NODE_NAME) --remove-taint=binfmt/starting --interval=30',
    );
    expect(spec.imagePullSecrets).to.deep.equal([{ name: 'SECRET' }]);
    expect(spec.securityContext.seLinuxOptions).to.deep.equal({ type: 'spc_t' });
  });
});

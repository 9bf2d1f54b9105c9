import path from 'node:path';
import { expect } from 'chai';
import fs from 'fs-extra';
import { imageHosts } from '../../image/hosts.js';
import { hostOf, sets } from '../../qemu/sets.js';
import { ROOT } from '../support/program.js';

const read = (file: string) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const firstGroups = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, group = '']) => group);

describe('the hosts of the image', () => {
  const hosts = imageHosts();

  it('have the stages that the Dockerfile needs for each, and there are no others', () => {
    const dockerfile = read('Dockerfile');
    expect(firstGroups(dockerfile, /^FROM .* AS host-(.+)$/gm)).to.have.members(hosts);
    expect(firstGroups(dockerfile, /^FROM .* AS node-(.+)$/gm)).to.have.members(hosts);
    // Debian's name of each host means the same architecture.
    const debian = [...dockerfile.matchAll(/ AS host-(.+)\nENV DEBIAN=(\S+)/g)];
    expect(debian.map(([, host]) => host)).to.have.members(hosts);
    for (const [, host, name = ''] of debian) expect(hostOf(name).name).to.equal(host);
  });

  it('are architectures that images carry emulators for, with the paths of their loaders', () => {
    for (const host of hosts) {
      expect(sets.image).to.include(hostOf(host));
      expect(hostOf(host).loaders, host).to.be.an('array').that.is.not.empty;
    }
  });

  it('are all in the documentation', async () => {
    const docs = path.join(ROOT, 'docs');
    const pages = (await fs.pathExists(docs)) ? (await fs.readdir(docs)).map((name) => `docs/${name}`) : [];
    const text = ['README.md', ...pages.filter((name) => name.endsWith('.md'))].map(read).join('\n');
    expect(new Set(firstGroups(text, /^\| `?linux\/(\w+)`? +\|/gm))).to.include.all.keys(hosts);
  });
});

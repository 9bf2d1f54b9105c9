/** Downloads from the Debian mirror, and what is missing there. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parseControl } from '../../image/packages.js';
import { lastLine, ROOT, run, started } from '../support/program.js';
import { proxyWithout } from '../support/proxy.js';
import { scratch } from '../support/scratch.js';

describe('qemu/fetch', () => {
  const fetch = path.join(ROOT, 'qemu/fetch');

  it('fails with one last line that says so if no release has the version', () => {
    const options = ['--version', '1.0', '--architecture', 'amd64'];
    const { exit, stderr } = run(fetch, [...options, path.join(scratch(), 'out')]);
    expect(exit).to.equal(1);
    expect(stderr.trimEnd().split('\n').at(-1)).to.equal('qemu/fetch: no package qemu-user 1.0 for amd64');
  }).timeout(120_000);

  it('unpacks several packages into a directory each', () => {
    const dir = path.join(scratch(), 'out');
    const packages = ['zlib1g-dev', 'libpcre2-dev'];
    const { exit, stderr } = run(fetch, ['--package', packages.join(' '), '--suites', 'trixie forky bookworm', dir]);
    expect(exit, stderr).to.equal(0);
    expect(fs.readdirSync(dir)).to.have.members(packages);
    for (const name of packages)
      expect(parseControl(fs.readFileSync(path.join(dir, name, 'control'), 'utf8')).name).to.equal(name);
  }).timeout(120_000);
});

describe('qemu/fetch-source', () => {
  const script = path.join(ROOT, 'qemu/fetch-source');
  const versionIn = (dir: string) => /^Version: (.*)$/m.exec(fs.readFileSync(path.join(dir, 'control'), 'utf8'))?.[1];

  it('fails with one last line that says so, and what else there is, if the mirror does not have the version', () => {
    const out = path.join(scratch(), 'out');
    const { exit, stderr } = run(script, ['--version', '9.9', out]);
    expect(exit).to.equal(1);
    expect(lastLine(stderr)).to.equal(
      "qemu/fetch-source: the source of QEMU 9.9 cannot be downloaded; EMULATORS=debian takes Debian's emulators",
    );
    expect(fs.existsSync(out)).to.equal(false);
  }).timeout(120_000);

  it('takes the next version if files of the newest one are missing, and leaves nothing else behind', async () => {
    const dir = scratch();
    const newest = run(script, [path.join(dir, 'newest')]);
    // Where the mirror has no source at all, that is what it says.
    if (newest.exit !== 0) return expect(lastLine(newest.stderr)).to.contain('EMULATORS=debian');
    const version = versionIn(path.join(dir, 'newest')) ?? '';
    const tarball = `/qemu_${version.replace(/^\d+:|-[^-]*$/g, '')}.orig.`;
    const proxy = await proxyWithout((url) => decodeURIComponent(url).includes(tarball));
    const { exit, stderr } = await started(script, [path.join(dir, 'next')], { http_proxy: proxy.url });
    proxy.close();
    expect(proxy.refused, stderr).to.be.above(0);
    expect(stderr).to.contain(`${version.replace(/^\d+:/, '')} is listed, but cannot be downloaded`);
    if (exit === 0) expect(versionIn(path.join(dir, 'next'))).not.to.equal(version);
    else expect(lastLine(stderr)).to.contain('EMULATORS=debian');
    expect(fs.readdirSync(dir).sort()).to.deep.equal(exit === 0 ? ['newest', 'next'] : ['newest']);
  }).timeout(300_000);
});

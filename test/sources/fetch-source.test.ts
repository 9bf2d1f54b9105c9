import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { lastLine, ROOT, run, started } from '../support/program.js';
import { proxyWithout } from '../support/proxy.js';
import { scratch } from '../support/scratch.js';

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

import { createHash } from 'node:crypto';
import path from 'node:path';
import { expect } from 'chai';
import fs from 'fs-extra';
import { parseControl } from '../../image/packages.js';
import { checkStatic, collect } from '../../qemu/collect.js';
import { hostOf, sets } from '../../qemu/sets.js';
import { architectures } from '../../src/core/platform/architectures.js';
import { EMULATORS, ROOT } from '../support/program.js';
import { dynamicEmulator } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const unpacked = path.join(ROOT, 'build/qemu');

describe('collecting the emulators of an image', () => {
  const debianName = parseControl(fs.readFileSync(path.join(unpacked, 'control'), 'utf8')).architecture;
  const host = hostOf(debianName);
  const other = hostOf(host.name === 'arm64' ? 'amd64' : 'arm64');

  it('copies the emulators of the set except the one for the host, and writes their checksums into the manifest', async () => {
    const out = path.join(scratch(), 'out');
    const { emulators } = await collect(unpacked, 'image', out);
    const written = await fs.readJson(path.join(out, 'usr/share/binfmt/manifest.json'));
    expect(written).to.deep.equal({ emulators });
    const expected = sets.image.filter((architecture) => architecture !== host).map(({ name }) => name);
    expect(emulators.map(({ architecture }) => architecture)).to.deep.equal(expected);
    for (const { name, sha256 } of emulators) {
      const bytes = await fs.readFile(path.join(out, 'usr/bin', name));
      expect(createHash('sha256').update(bytes).digest('hex')).to.equal(sha256);
    }
  }).timeout(60_000);

  it('accepts all emulators of the package as static programs for this machine', async () => {
    for (const { target } of architectures) {
      const file = path.join(EMULATORS, `qemu-${target}`);
      checkStatic(file, await fs.readFile(file), host);
    }
  }).timeout(60_000);

  it('refuses programs that are dynamically linked, or built for another machine, and files that are no programs', async () => {
    const dynamic = dynamicEmulator();
    const bytes = await fs.readFile(dynamic);
    expect(() => checkStatic(dynamic, bytes, host)).to.throw('dynamically linked');
    expect(() => checkStatic(dynamic, bytes, other)).to.throw(`not a program for ${other.name}`);
    expect(() => checkStatic('x', Buffer.from('#!/bin/sh'), host)).to.throw('not a program');
  });

  it('loses nothing if the set has an unknown name', async () => {
    const out = scratch();
    await fs.outputFile(path.join(out, 'file'), '');
    const error = await collect(unpacked, 'arm64,none', out).catch(String);
    expect(error).to.contain('SET: "none" is none of image, full, ');
    expect(await fs.pathExists(path.join(out, 'file'))).to.equal(true);
  });
});

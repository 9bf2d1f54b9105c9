import { createHash } from 'node:crypto';
import path from 'node:path';
import { expect } from 'chai';
import fs from 'fs-extra';
import { parseControl, upstreamVersion } from '../../image/packages.js';
import { checkStatic, collect } from '../../qemu/collect.js';
import { manifestEntry } from '../../qemu/manifest.js';
import { sets } from '../../qemu/sets.js';
import { architectures } from '../../src/core/architectures.js';
import { row, scratch } from '../support/kernel.js';
import { EMULATORS, ROOT, run } from '../support/program.js';
import { dynamicEmulator } from '../support/programs.js';

const control = 'Package: qemu-user\nVersion: 1:11.1.3+ds-1~bpo13+1\nSource: qemu\nArchitecture: amd64\n';

describe('the emulators of an image', () => {
  it('are named with version and origin', () => {
    const entry = manifestEntry(row('arm64'), parseControl(control), 'ab');
    expect(entry).to.deep.equal({
      name: 'qemu-aarch64',
      architecture: 'arm64',
      version: '11.1.3',
      package: 'qemu-user',
      packageVersion: '1:11.1.3+ds-1~bpo13+1',
      source: 'qemu',
      sha256: 'ab',
    });
    expect(() => parseControl('Package: x\n')).to.throw('"Version"');
    expect(upstreamVersion('1:10.0.11+ds-0+deb13u1+b2')).to.equal('10.0.11');
  });

  it('come in sets of known architectures', () => {
    for (const name of sets['image'] ?? []) expect(architectures.map((each) => each.name)).to.include(name);
    expect(sets['image']).to.have.length(13);
    expect(sets['full']).to.have.length(33);
  });

  it('are collected without the own one, and with a manifest that is true', async () => {
    const out = path.join(scratch(), 'out');
    const { emulators } = await collect(path.join(ROOT, 'build/qemu'), 'image', out);
    const written = await fs.readJson(path.join(out, 'usr/share/binfmt/manifest.json'));
    expect(written).to.deep.equal({ emulators });
    expect(emulators).to.have.length(12);
    expect(emulators.map(({ architecture }) => architecture)).not.to.include('amd64');
    for (const { name, sha256 } of emulators) {
      const bytes = await fs.readFile(path.join(out, 'usr/bin', name));
      expect(createHash('sha256').update(bytes).digest('hex')).to.equal(sha256);
    }
  }).timeout(60_000);

  it('are all static, and are refused when they are not, or for another machine', async () => {
    for (const { target } of architectures) {
      const file = path.join(EMULATORS, `qemu-${target}`);
      checkStatic(file, await fs.readFile(file), row('amd64'));
    }
    const dynamic = dynamicEmulator();
    const bytes = await fs.readFile(dynamic);
    expect(() => checkStatic(dynamic, bytes, row('amd64'))).to.throw('dynamically linked');
    expect(() => checkStatic(dynamic, bytes, row('arm64'))).to.throw('not a program for arm64');
    expect(() => checkStatic('x', Buffer.from('#!/bin/sh'), row('arm64'))).to.throw('not a program');
  }).timeout(60_000);

  it('cannot be fetched in a version that there is none of: said in one line', () => {
    const { exit, stderr } = run(path.join(ROOT, 'qemu/fetch'), ['--version', '1.0', path.join(scratch(), 'out')]);
    expect(exit).to.equal(1);
    expect(stderr.trimEnd().split('\n').at(-1)).to.equal('qemu/fetch: no package qemu-user 1.0 for amd64');
  }).timeout(120_000);
});

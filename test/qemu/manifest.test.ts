import { expect } from 'chai';
import { parseControl } from '../../image/packages.js';
import { manifestEntry, upstreamVersion } from '../../qemu/manifest.js';
import { emulatorsFor, hostOf } from '../../qemu/sets.js';
import { architectures } from '../../src/core/platform/architectures.js';
import { row } from '../support/architectures.js';

describe('the manifest of the emulators', () => {
  it('names each emulator with its version and the package that it comes from', () => {
    const control = 'Package: qemu-user\nVersion: 1:11.1.3+ds-1~bpo13+1\nSource: qemu\nArchitecture: amd64\n';
    expect(
      manifestEntry(hostOf('arm64'), parseControl(control), { sha256: 'ab', size: 7, buildId: 'cd' }),
    ).to.deep.equal({
      name: 'qemu-aarch64',
      architecture: 'arm64',
      version: '11.1.3',
      package: 'qemu-user',
      packageVersion: '1:11.1.3+ds-1~bpo13+1',
      source: 'qemu',
      sha256: 'ab',
      buildId: 'cd',
      size: 7,
    });
  });

  it('names the patches of an emulator that was built from source', () => {
    const control = 'Package: qemu\nVersion: 1:10.2.2+ds-1\nArchitecture: amd64\nPatches: fast\n';
    const file = { sha256: 'ab', size: 7, buildId: 'cd' };
    expect(manifestEntry(hostOf('arm64'), parseControl(control), file)).to.deep.include({
      package: 'qemu',
      source: 'qemu',
      patches: ['fast'],
    });
  });

  it("has QEMU's version without Debian's additions", () => {
    expect(upstreamVersion('1:10.0.11+ds-0+deb13u1+b2')).to.equal('10.0.11');
    expect(upstreamVersion('8.2')).to.equal('8.2');
  });
});

describe('the set of emulators of an image', () => {
  const namesIn = (set: string, host: string) => emulatorsFor(set, row(host)).map(({ name }) => name);

  it('is all architectures, or those of them that container images exist for, without the host', () => {
    const foreign = architectures.filter(({ name }) => name !== 'arm64');
    expect(emulatorsFor('full', row('arm64'))).to.deep.equal(foreign);
    expect(emulatorsFor('image', row('arm64'))).to.deep.equal(foreign.filter(({ inImage }) => inImage));
    expect(namesIn('image', 'arm64')).to.include.members(['amd64', 'arm', '386']);
    for (const name of ['alpha', 'arm64']) expect(namesIn('image', 'arm64')).not.to.include(name);
  });

  it('is also a list, in which an architecture may have any of its names', () => {
    expect(namesIn('riscv64,aarch64,linux/arm/v7,riscv64', 'amd64')).to.deep.equal(['arm64', 'riscv64', 'arm']);
    expect(namesIn('image,alpha', 's390x')).to.include.members(['alpha', 'amd64']);
    expect(namesIn('arm64', 'arm64')).to.deep.equal([]);
  });

  it('cannot have an unknown name, nor that of an inherited property', () => {
    for (const name of ['mainframe', 'constructor', ''])
      expect(() => emulatorsFor(`arm64,${name}`, row('amd64'))).to.throw(
        `SET: "${name}" is none of image, full, amd64, arm64, `,
      );
  });
});

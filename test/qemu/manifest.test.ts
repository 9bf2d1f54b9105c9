import { expect } from 'chai';
import { parseControl } from '../../image/packages.js';
import { hostOf } from '../../qemu/collect.js';
import { manifestEntry, upstreamVersion } from '../../qemu/manifest.js';
import { setNamed, sets } from '../../qemu/sets.js';
import { architectures } from '../../src/core/architectures.js';

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

  it("has QEMU's version without Debian's additions", () => {
    expect(upstreamVersion('1:10.0.11+ds-0+deb13u1+b2')).to.equal('10.0.11');
    expect(upstreamVersion('8.2')).to.equal('8.2');
  });
});

describe('the sets of emulators', () => {
  it('are all architectures, and those of them that container images exist for', () => {
    expect(setNamed('full')).to.equal(architectures);
    expect(setNamed('image')).to.equal(sets.image);
    expect(sets.image.map(({ name }) => name)).to.include.members(['amd64', 'arm64', 'arm', '386']);
    expect(sets.image.map(({ name }) => name)).not.to.include('alpha');
  });

  it('have no set of an inherited property name', () => {
    expect(() => setNamed('constructor')).to.throw('unknown set "constructor"; known sets: image, full');
  });
});

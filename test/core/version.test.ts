import { expect } from 'chai';
import { compareVersions, parseQemuVersion } from '../../src/core/version.js';

describe('versions', () => {
  for (const [output, version] of [
    ['qemu-aarch64 version 11.1.3 (Debian 1:11.1.3+ds-1~bpo13+1)\nCopyright …', '11.1.3'],
    ['qemu-x86_64 version 8.2.2', '8.2.2'],
    ['box64 v0.3', undefined],
    ['', undefined],
  ] as const) {
    it(`in ${JSON.stringify(output.slice(0, 30))}: ${version}`, () =>
      expect(parseQemuVersion(output)).to.equal(version));
  }

  for (const [one, other, sign] of [
    ['11.1.3', '8.2.2', 1],
    ['8.2.2', '11.1.3', -1],
    ['10.0', '10.0.0', 0],
    ['10.0.11', '10.0.2', 1],
    ['5.12.0-rc1', '5.12', 0],
    ['5.4.0-150-generic', '5.12', -1],
    ['6.18.44-fc', '5.12', 1],
  ] as const) {
    it(`${one} against ${other}: ${sign}`, () => expect(Math.sign(compareVersions(one, other))).to.equal(sign));
  }
});

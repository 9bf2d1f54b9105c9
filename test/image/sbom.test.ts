import path from 'node:path';
import { expect } from 'chai';
import fs from 'fs-extra';
import { bundleComponents, controlComponents } from '../../image/components.js';
import { nodeVersion } from '../../image/runtime.js';
import { spdx } from '../../image/sbom.js';
import { ROOT } from '../support/program.js';
import { scratch } from '../support/scratch.js';

describe('the components of an image', () => {
  it('include each npm package of the bundle once, with version, licence and licence text', async () => {
    const metafile = path.join(scratch(), 'bundle.json');
    const files = ['node_modules/minimist/index.js', 'node_modules/@biomejs/biome/bin/biome', 'src/main.ts'];
    await fs.writeJson(metafile, { inputs: { ...Object.fromEntries(files.map((file) => [file, {}])) } });
    const components = await bundleComponents(metafile, ROOT);
    expect(components.map(({ name }) => name)).to.deep.equal(['@biomejs/biome', 'minimist']);
    for (const { name, version, licence, copyright } of components) {
      expect(version, name).to.match(/^\d+\.\d+\.\d+$/);
      expect([licence, copyright], name).not.to.include(undefined);
    }
  });

  it('include the version of a published Node.js', () => {
    const text = 'x https://example.org/download/release/v24.21.0/node-v24.21.0.tar.gz';
    expect(nodeVersion(Buffer.from(text))).to.equal('24.21.0');
    expect(() => nodeVersion(Buffer.from('#!/bin/sh'))).to.throw('version');
  });
});

describe('the SBOM of an image', () => {
  const components = [
    { kind: 'deb', name: 'libx++1', version: '1:2~3', architecture: 'arm64', copyright: 'as you like' },
    { kind: 'npm', name: 'y', version: '1.0.0', licence: 'MIT', copyright: 'MIT' },
  ] as const;
  const linked = controlComponents(
    'Package: libc6-dev-arm64-cross\nVersion: 2\nSource: cross-toolchain-base (70)\nArchitecture: all\n\n' +
      'Package: libgcc-14-dev\nVersion: 14\nSource: gcc-14-cross (14)\nArchitecture: all\n\n',
  );
  const documentOf = (year: number) =>
    spdx({ platform: 'linux/arm64', revision: 'r1', created: new Date(Date.UTC(year, 0)), linked }, components);

  it('differs only in its date if it is made again', () => {
    const { creationInfo } = documentOf(2026);
    expect(creationInfo.created).to.equal('2026-01-01T00:00:00Z');
    expect(documentOf(2027).creationInfo.created).to.equal('2027-01-01T00:00:00Z');
    expect({ ...documentOf(2027), creationInfo }).to.deep.equal(documentOf(2026));
  });

  it('names the image, its components, and what its programs are linked with', () => {
    const { packages, relationships } = documentOf(2026);
    expect(packages.map(({ SPDXID }) => SPDXID)).to.deep.equal([
      'SPDXRef-generic-binfmt-r1',
      'SPDXRef-deb-libx--1-1-2-3-arm64',
      'SPDXRef-npm-y-1.0.0',
      'SPDXRef-deb-libc6-dev-arm64-cross-2-all',
      'SPDXRef-deb-libgcc-14-dev-14-all',
    ]);
    expect(packages[1]?.externalRefs[0]?.referenceLocator).to.equal('pkg:deb/debian/libx%2B%2B1@1%3A2~3?arch=arm64');
    const types = relationships.map(({ relationshipType }) => relationshipType);
    expect(types).to.deep.equal(['DESCRIBES', 'CONTAINS', 'CONTAINS', 'STATIC_LINK', 'STATIC_LINK']);
  });

  it('knows the licences of the libraries that cross compilers link', () => {
    expect(linked.map(({ licence }) => licence)).to.deep.equal([
      'LGPL-2.1-or-later',
      'GPL-3.0-or-later WITH GCC-exception-3.1',
    ]);
  });

  it('says that something was built from source, and with which patches', () => {
    const built = { kind: 'deb', name: 'z', version: '1', architecture: 'source', patches: ['fast'] } as const;
    const subject = { platform: 'linux/arm64', revision: 'r1', created: new Date(), linked };
    const [, part] = spdx(subject, [built]).packages;
    expect(part?.sourceInfo).to.equal("built from Debian's source package; patches: fast");
    expect(documentOf(2026).packages.map(({ sourceInfo }) => sourceInfo)).to.not.include.members([part?.sourceInfo]);
  });

  it('contains the text of a licence that has no SPDX name', () => {
    const { packages, hasExtractedLicensingInfos } = documentOf(2026);
    expect(packages[1]?.licenseConcluded).to.equal('LicenseRef-libx--1');
    expect(hasExtractedLicensingInfos).to.deep.equal([
      { licenseId: 'LicenseRef-libx--1', extractedText: 'as you like' },
    ]);
  });
});

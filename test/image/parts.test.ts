import path from 'node:path';
import { expect } from 'chai';
import fs from 'fs-extra';
import { ofBundle, ofControls, ofPackage } from '../../image/components.js';
import { itemsIn, withoutLanguages } from '../../image/icu.js';
import { parseControl } from '../../image/packages.js';
import { collectRuntime, nodeVersion } from '../../image/runtime.js';
import { spdx } from '../../image/sbom.js';
import { scratch } from '../support/kernel.js';
import { must, ROOT } from '../support/program.js';

describe('control fields of packages', () => {
  it('tell the source, also where it is of another name or version, or left out', () => {
    const sourceOf = (line: string) => parseControl(`Package: x\nVersion: 1-2+b1\nArchitecture: all\n${line}`).source;
    expect(sourceOf('')).to.deep.equal({ name: 'x', version: '1-2+b1' });
    expect(sourceOf('Source: y')).to.deep.equal({ name: 'y', version: '1-2+b1' });
    expect(sourceOf('Source: y (1-2)')).to.deep.equal({ name: 'y', version: '1-2' });
  });

  it('tell what is linked in', () => {
    const control =
      'Package: x\nVersion: 1\nArchitecture: all\nBuilt-Using: glibc (= 2.41-12), zlib (= 1:1.3)\nStatic-Built-Using: a (= 1)\n';
    expect(parseControl(control).builtUsing).to.deep.equal([
      { name: 'glibc', version: '2.41-12' },
      { name: 'zlib', version: '1:1.3' },
      { name: 'a', version: '1' },
    ]);
  });
});

/** A common data file of ICU with these items, each of four bytes, behind something else. */
function dataFile(names: readonly string[], big: boolean): Buffer {
  const header = Buffer.alloc(32);
  const table = Buffer.alloc(4 + 8 * names.length);
  const texts = Buffer.from(names.map((name) => `${name}\0`).join(''), 'latin1');
  const word = (buffer: Buffer, value: number, at: number) =>
    big ? buffer.writeUInt32BE(value, at) : buffer.writeUInt32LE(value, at);
  if (big) header.writeUInt16BE(header.length);
  else header.writeUInt16LE(header.length);
  header.set([0xda, 0x27], 2);
  header[8] = big ? 1 : 0;
  header.write('CmnD', 12);
  word(table, names.length, 0);
  let name = table.length;
  for (const [i, each] of names.entries()) {
    word(table, name, 4 + 8 * i);
    word(table, table.length + texts.length + 4 * i, 8 + 8 * i);
    name += each.length + 1;
  }
  return Buffer.concat([Buffer.from('CmnD, not it'), header, table, texts, Buffer.alloc(4 * names.length, 'x')]);
}

describe("ICU's data", () => {
  const names = [
    'd/cnvalias.icu',
    'd/de.res',
    'd/root.res',
    'd/zone/zh_Hant.res',
    'd/ibm-37.cnv',
    'd/zone/tz.res',
    'd/z',
  ];
  for (const big of [false, true]) {
    it(`loses what is of single languages, and nothing else (${big ? 'big' : 'little'}-endian)`, () => {
      const file = dataFile(names, big);
      expect(itemsIn(file).map(({ name }) => name)).to.deep.equal(names.slice(0, -1));
      expect(withoutLanguages(file)).to.equal(16);
      const left = itemsIn(file).filter(({ start, end }) => file.toString('latin1', start, end) === 'xxxx');
      expect(left.map(({ name }) => name)).to.deep.equal(['d/cnvalias.icu', 'd/root.res']);
    });
  }

  it('is left as it is in a file that has none', () => {
    const file = Buffer.from('CmnD CmnD');
    expect(withoutLanguages(file)).to.equal(0);
    expect(file.toString()).to.equal('CmnD CmnD');
  });
});

describe('what an image is made of', () => {
  it("is told of the emulators' package, with what is linked in", async () => {
    const part = await ofPackage(path.join(ROOT, 'build/qemu'));
    expect(part).to.include({ kind: 'deb', name: 'qemu-user', licence: 'GPL-2.0-or-later' });
    expect(part.copyright).to.contain('GNU General Public License');
    expect(part.contains?.map(({ name }) => name)).to.include.members(['glibc', 'glib2.0']);
    expect(part.contains?.every(({ licence }) => licence !== undefined)).to.equal(true);
  });

  it("is told of the program's packages", async () => {
    const parts = await ofBundle(path.join(ROOT, 'build/bundle.json'), ROOT);
    expect(parts.map(({ name }) => name)).to.include.members(['minimist', 'node-fetch']);
    for (const { name, version, licence, copyright } of parts) {
      expect(version, name).to.match(/^\d+\.\d+\.\d+$/);
      expect([licence, copyright], name).not.to.include(undefined);
    }
  });

  it('is a document, the same but for its date, and with a text where there is no name for a licence', () => {
    const parts = [
      { kind: 'deb', name: 'libx++1', version: '1:2~3', architecture: 'arm64', copyright: 'as you like' },
      { kind: 'npm', name: 'y', version: '1.0.0', licence: 'MIT', copyright: 'MIT' },
    ] as const;
    const linked = ofControls(
      'Package: libc6-dev-arm64-cross\nVersion: 2\nSource: cross-toolchain-base (70)\nArchitecture: all\n\n' +
        'Package: libgcc-14-dev\nVersion: 14\nSource: gcc-14-cross (14)\nArchitecture: all\n\n',
    );
    expect(linked.map(({ licence }) => licence)).not.to.include(undefined);
    const at = (year: number) =>
      spdx({ platform: 'linux/arm64', revision: 'r1', created: new Date(Date.UTC(year, 0)), linked }, parts);
    const { creationInfo, packages, hasExtractedLicensingInfos, ...rest } = at(2026);
    expect(creationInfo.created).to.equal('2026-01-01T00:00:00Z');
    expect({ ...at(2027), creationInfo }).to.deep.equal(at(2026));
    expect(packages.map(({ SPDXID }) => SPDXID)).to.deep.equal([
      'SPDXRef-generic-binfmt-r1',
      'SPDXRef-deb-libx--1-1-2-3-arm64',
      'SPDXRef-npm-y-1.0.0',
      'SPDXRef-deb-libc6-dev-arm64-cross-2-all',
      'SPDXRef-deb-libgcc-14-dev-14-all',
    ]);
    expect(packages[1]?.externalRefs[0]?.referenceLocator).to.equal('pkg:deb/debian/libx%2B%2B1@1%3A2~3?arch=arm64');
    expect(packages[1]?.licenseConcluded).to.equal('LicenseRef-libx--1');
    expect(hasExtractedLicensingInfos).to.deep.equal([
      { licenseId: 'LicenseRef-libx--1', extractedText: 'as you like' },
    ]);
    expect(rest.relationships).to.have.length(5);
  });
});

describe('the Node.js of an image', () => {
  it('tells its version', () => {
    const text = 'x https://example.org/download/release/v24.21.0/node-v24.21.0.tar.gz';
    expect(nodeVersion(Buffer.from(text))).to.equal('24.21.0');
    expect(() => nodeVersion(Buffer.from('#!/bin/sh'))).to.throw('version');
  });

  it('is not put together where there is none, or a library is in no package', async () => {
    const [published, packages, out] = [scratch(), scratch(), scratch()];
    const parts = { published, packages, tools: '', out };
    expect(await collectRuntime(parts).catch(String)).to.contain('no Node.js');
    const source = path.join(scratch(), 'main.c');
    await fs.writeFile(source, 'int main(void) { return 0; }');
    await fs.ensureDir(path.join(published, 'usr/local/bin'));
    must('cc', ['-o', path.join(published, 'usr/local/bin/node'), source]);
    expect(await collectRuntime(parts).catch(String)).to.match(/no package has the library ld-linux/);
  });
});

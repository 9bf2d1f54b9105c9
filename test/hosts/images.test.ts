/** What lies in the image of each host; nothing of it is started. */
import path from 'node:path';
import { expect } from 'chai';
import fs from 'fs-extra';
import { checkStatic } from '../../qemu/collect.js';
import { sets } from '../../qemu/sets.js';
import { parseElf, sameMachine } from '../../src/core/binfmt/elf.js';
import { probeExecutable } from '../../src/core/binfmt/probe-executable.js';
import { row } from '../support/architectures.js';
import { filesOf, hosts, linkedWith, manifestOf, sbomOf } from './hosts.js';

const bytesOf = (host: string, file: string) => fs.readFileSync(path.join(filesOf(host), file));

for (const host of hosts) {
  describe(`the image for linux/${host}`, () => {
    it('has emulators of all others, static and for its machine', () => {
      const { emulators } = manifestOf(host);
      const names = emulators.map(({ architecture }) => architecture);
      expect(names).to.have.members(sets.image.map(({ name }) => name).filter((name) => name !== host));
      for (const { name } of emulators) checkStatic(name, bytesOf(host, `usr/bin/${name}`), row(host));
      const carried = fs.readdirSync(path.join(filesOf(host), 'usr/bin'));
      expect(carried).to.have.members([...emulators.map(({ name }) => name), 'binfmt']);
    });

    it('has launcher and entry program, static and for its machine', () => {
      for (const name of ['binfmt', 'launcher']) checkStatic(name, bytesOf(host, `usr/lib/binfmt/${name}`), row(host));
    });

    it('has Node.js for its machine, with a loader', () => {
      for (const name of ['node', 'ld.so', 'libc.so.6']) {
        const elf = parseElf(bytesOf(host, `usr/lib/binfmt/${name}`));
        const machine = parseElf(probeExecutable(row(host)));
        expect(elf && machine && sameMachine(elf, machine), name).to.equal(true);
      }
    });

    it('lists what it is made of, with versions and licences, and has these as texts', () => {
      const { packages, relationships, hasExtractedLicensingInfos } = sbomOf(host);
      const ids = packages.map(({ SPDXID }) => SPDXID);
      expect(new Set(ids).size).to.equal(ids.length);
      for (const { spdxElementId, relatedSpdxElement } of relationships)
        expect([...ids, 'SPDXRef-DOCUMENT']).to.include.members([spdxElementId, relatedSpdxElement]);
      const [emulator] = manifestOf(host).emulators;
      expect(packages.find(({ name }) => name === emulator?.package)?.versionInfo).to.equal(emulator?.packageVersion);
      expect(packages.map(({ name }) => name)).to.include.members(['libc6', 'minimist', 'node-fetch', 'glib2.0']);
      const texts = hasExtractedLicensingInfos.map(({ licenseId }) => licenseId);
      for (const { name, versionInfo, licenseConcluded, externalRefs } of packages) {
        expect(versionInfo, name).to.match(/\d|dev/);
        expect(licenseConcluded, name).not.to.equal('NOASSERTION');
        if (licenseConcluded.startsWith('LicenseRef-')) expect(texts).to.include(licenseConcluded);
        expect(externalRefs[0]?.referenceLocator).to.match(/^pkg:(deb\/debian|npm|generic)\/[^/]+@/);
      }
      for (const name of [emulator?.package ?? '', 'libc6', 'libstdc++6', 'minimist', 'node-fetch'])
        expect(bytesOf(host, `usr/share/doc/${name}/copyright`).length, name).to.be.greaterThan(100);
    });

    it('lists what its launcher is linked with', () => {
      const names = linkedWith('binfmt', sbomOf(host)).map((each) => each?.name);
      expect(names).to.have.length(2);
      expect(names[0]).to.match(/^libc6-dev/);
      expect(names[1]).to.match(/^libgcc-\d+-dev/);
    });

    it('has files without a date', () => {
      for (const name of ['usr/bin/binfmt', 'usr/lib/binfmt/node', 'usr/share/binfmt'])
        expect(fs.lstatSync(path.join(filesOf(host), name)).mtimeMs, name).to.equal(0);
    });
  });
}

/**
 * The image of another host with emulators that are cross-compiled from source. Where the mirror has no source, test/run
 * has said so, and they are Debian's: what holds for both is tested then.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { checkStatic } from '../../qemu/collect.js';
import { row } from '../support/architectures.js';
import { ALL_IMAGE, docker, onCleanHost, privileged, SOURCE_IMAGE } from '../support/docker.js';
import { entryNames } from '../support/kernel.js';
import { must } from '../support/program.js';
import { scratch } from '../support/scratch.js';
import { BIND, filesOf, foreign, linkedWith, manifestOf, sbomOf, writable } from './hosts.js';

const host = foreign.includes('arm64') ? 'arm64' : 'amd64';
/** Those of test/run: each takes minutes to build. */
const targets = ['s390x'];
const PACKAGE = 'qemu';

describe(`the image for linux/${host} with emulators from source`, () => {
  let emulators: ReturnType<typeof manifestOf>['emulators'];
  let fromSource: boolean;
  const bytesOf = (name: string) => fs.readFileSync(path.join(filesOf(host, SOURCE_IMAGE), 'usr/bin', name));

  before(() => {
    emulators = manifestOf(host, SOURCE_IMAGE).emulators;
    fromSource = emulators[0]?.package === PACKAGE;
  });

  it('has the emulators of its set, and no other', () => {
    expect(emulators.map(({ architecture }) => architecture)).to.deep.equal(targets);
    const files = fs.readdirSync(path.join(filesOf(host, SOURCE_IMAGE), 'usr/bin'));
    expect(files).to.have.members([...emulators.map(({ name }) => name), 'binfmt']);
  });

  it('has static, position-independent programs for its machine, with a build ID', () => {
    for (const { name, buildId } of emulators) {
      const elf = checkStatic(name, bytesOf(name), row(host));
      expect(elf, name).to.include({ fixed: false, buildId });
      expect(buildId).to.match(/^[0-9a-f]{40}$/);
    }
  });

  it('has no path of the build in an emulator', () => {
    if (fromSource)
      for (const { name } of emulators)
        expect(bytesOf(name).toString('latin1'), name).not.to.match(/(?<!\w)\/qemu\/|\/package\.build|\/libraries\//);
  });

  it('lists the source, its version, and what is linked in, with licences', () => {
    const [{ package: name = '', packageVersion = '', source = '' } = {}] = emulators;
    expect(source).to.equal('qemu');
    const sbom = sbomOf(host, SOURCE_IMAGE);
    expect(sbom.packages.find((each) => each.name === name)?.versionInfo).to.equal(packageVersion);
    const linked = linkedWith(name, sbom);
    expect(linked.map((each) => each?.name)).to.include.members(['glib2.0', 'glibc']);
    expect(linked.filter((each) => /^gcc-\d+$/.test(each?.name ?? ''))).to.have.length(1);
    for (const each of linked) expect(each?.licenseConcluded, each?.name).not.to.match(/NOASSERTION|LicenseRef/);
    const licence = path.join(filesOf(host, SOURCE_IMAGE), 'usr/share/doc', name, 'copyright');
    expect(fs.readFileSync(licence, 'utf8')).to.contain('GNU General Public License');
  });

  it('has the same emulators if they are compiled again, without what the compiler has cached', () => {
    const out = scratch();
    const args = { CCACHE_RECACHE: '1', SET: targets.join() };
    const set = Object.entries(args).flatMap(([name, value]) => ['--set', `emulators.args.${name}=${value}`]);
    const to = ['--set', `emulators.platform=linux/${host}`, '--set', `emulators.output=type=local,dest=${out}`];
    must('docker', ['buildx', 'bake', '--progress=quiet', ...set, ...to, 'emulators'], {
      EMULATORS: fromSource ? 'source' : 'debian',
    });
    for (const { name, sha256 } of emulators)
      expect(must('sha256sum', [path.join(out, name)]), name).to.contain(sha256);
  });

  describe('emulated', () => {
    after(() => writable('register', 0o200));
    onCleanHost();
    before(() => {
      expect(privileged(['--install', host, '--no-credentials'], ALL_IMAGE).exit).to.equal(0);
      writable('register', 0o222);
    });

    it('registers each emulator, and its programs run', () => {
      const run = ['run', '--rm', '--platform', `linux/${host}`, ...BIND, SOURCE_IMAGE];
      const { exit, stderr } = docker(...run, '--install', 'all', '--no-credentials');
      expect(exit, stderr).to.equal(0);
      for (const { name, architecture } of emulators) {
        expect(stderr).to.contain(`installing: ${architecture} OK`);
        expect(entryNames()).to.include(name);
      }
    });
  });
});

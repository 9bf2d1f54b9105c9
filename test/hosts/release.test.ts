/** The image for all hosts is the same when it is built again, and an index in a real registry when release.yml has pushed it. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { compareVersions } from '../../src/core/version.js';
import {
  ALL_IMAGE,
  docker,
  mountOnHost,
  mustDocker,
  privileged,
  removeImages,
  uninstallAll,
} from '../support/docker.js';
import { own } from '../support/machine.js';
import { must, ROOT, run } from '../support/program.js';
import { startRegistry, stopRegistry } from '../support/registry.js';
import { scratch } from '../support/scratch.js';
import { jobs } from '../support/workflow.js';
import { foreign, hosts, manifestOf } from './hosts.js';
import { buildRunner, runJob } from './runner.js';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The digest of what a target gives. */
function bake(target: string, environment: NodeJS.ProcessEnv, ...options: string[]): string {
  const file = path.join(scratch(), 'metadata.json');
  must('docker', ['buildx', 'bake', '--progress=quiet', '--metadata-file', file, ...options, target], environment);
  return JSON.parse(fs.readFileSync(file, 'utf8'))[target]['containerimage.digest'];
}

/** For two hosts. */
const AGAIN = 'binfmt-test-again';

const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };

const [major, minor] = version.split('.');
const tags = [version, `${major}.${minor}`, `${major}`, 'latest'];

describe('the image for all hosts', () => {
  it('is the same when it is built again from the same, with SOURCE_DATE_EPOCH', () => {
    const environment = { IMAGE: AGAIN, SOURCE_DATE_EPOCH: '1700000000' };
    // Only the machine's own image has a program that was compiled in advance, and only riscv64's has Debian's Node.js.
    const platforms = new Set([own.name, 'riscv64'].map((host) => `linux/${host}`));
    const few = ['--set', `image-all.platform=${[...platforms].join()}`];
    const first = bake('image-all', environment, ...few);
    expect(bake('image-all', environment, ...few, '--no-cache')).to.equal(first);
    expect(bake('image-all', { ...environment, SOURCE_DATE_EPOCH: '1700000001' }, ...few)).not.to.equal(first);
  }).timeout(1_200_000);
  after(() => removeImages(AGAIN));
});

describe('a release', () => {
  it('stops if the newest source is older than the emulators of Debian, unless QEMU_VERSION decides', () => {
    const dir = scratch();
    must('docker', [
      'buildx',
      'bake',
      '--progress=quiet',
      '--set',
      `versions.output=type=local,dest=${dir}`,
      'versions',
    ]);
    const [source = '', debian = ''] = ['source', 'debian'].map((name) => {
      const [, version] = /^Version: \d+:([\d.]+)/m.exec(fs.readFileSync(path.join(dir, name), 'utf8')) ?? [];
      return version;
    });
    const check = (environment: NodeJS.ProcessEnv) =>
      run(path.join(ROOT, '.ci/release'), ['check'], { EMULATORS: 'source', ...environment });
    const { exit, stderr } = check({});
    if (compareVersions(source, debian) >= 0) expect(exit, stderr).to.equal(0);
    else {
      expect(exit).to.equal(1);
      expect(stderr).to.contain(`Debian's emulators are newer (${debian}); set QEMU_VERSION=${source}`);
    }
    expect(check({ QEMU_VERSION: source }).exit).to.equal(0);
    expect(check({ EMULATORS: 'debian' }).exit).to.equal(0);
  });
});

describe('a release, in a registry', () => {
  let registry: string;
  let image: string;
  let index: readonly Descriptor[];
  let restore = () => {};

  const get = async (what: string): Promise<Record<string, unknown>> => {
    const types = ['index', 'manifest'].map((each) => `application/vnd.oci.image.${each}.v1+json`);
    const url = `http://${registry}/v2/binfmt/${what}`;
    const response = await fetch(url, { headers: { accept: types.join() } });
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    return (await response.json()) as Record<string, unknown>;
  };
  const ofPlatforms = () => index.filter(({ platform }) => platform?.os === 'linux');

  before(async () => {
    restore = mountOnHost();
    registry = startRegistry();
    image = `${registry}/binfmt`;
    buildRunner();
    const [push] = jobs.filter(({ name }) => name === 'image');
    if (push === undefined) throw new Error('no workflow pushes the image');
    const { digest } = runJob(push, image);
    index = (await get(`manifests/${digest}`))['manifests'] as Descriptor[];
  });
  after(() => {
    stopRegistry([image]);
    uninstallAll();
    restore();
  });

  it('is an index of all hosts', () => {
    expect(ofPlatforms().map(({ platform }) => platform?.architecture)).to.have.members(hosts);
  });

  it('has the tags of its version, and latest', async () => {
    expect((await get('tags/list'))['tags']).to.have.members(tags);
  });

  it('has layers compressed with zstd, one for each part', async () => {
    for (const { digest } of ofPlatforms()) {
      const layers = (await get(`manifests/${digest}`))['layers'] as Descriptor[];
      expect(layers).to.have.length(4);
      for (const { mediaType } of layers) expect(mediaType).to.match(/\+zstd$/);
    }
  });

  it('has its provenance: how each was built', async () => {
    const attestations = index.filter(
      ({ annotations }) => annotations?.['vnd.docker.reference.type'] === 'attestation-manifest',
    );
    const about = attestations.map(({ annotations }) => annotations?.['vnd.docker.reference.digest']);
    expect(about).to.have.members(ofPlatforms().map(({ digest }) => digest));
    for (const { digest } of attestations) {
      const [statement] = (await get(`manifests/${digest}`))['layers'] as Descriptor[];
      const { predicateType, predicate } = (await get(`blobs/${statement?.digest}`)) as {
        predicateType: string;
        predicate: { invocation: { parameters: { args: Record<string, string> } } };
      };
      expect(predicateType).to.match(/^https:\/\/slsa\.dev\/provenance\//);
      expect(predicate.invocation.parameters.args).to.include({ 'build-arg:SET': 'image' });
    }
  });

  it('is pulled by platform, and runs', () => {
    const [host = '', another] = foreign;
    docker('image', 'rm', '--force', image);
    expect(privileged(['--install', host, '--no-credentials'], ALL_IMAGE).exit).to.equal(0);
    mustDocker('pull', '--quiet', '--platform', `linux/${host}`, image);
    const { stdout, stderr } = docker('run', '--rm', '--platform', `linux/${host}`, image, '--version');
    expect(stdout, stderr).to.contain(`qemu/${manifestOf(host).emulators[0]?.version} `);
    expect(
      docker('run', '--rm', '--pull', 'never', '--platform', `linux/${another}`, image, '--version').exit,
    ).not.to.equal(0);
  });
});

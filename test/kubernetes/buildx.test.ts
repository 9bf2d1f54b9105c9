/** The pod that buildx's Kubernetes driver makes: an init container installs the emulators. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  buildImage,
  busyboxImage,
  debianName,
  docker,
  IMAGE,
  mountOnHost,
  mustDocker,
  uninstallAll,
} from '../support/docker.js';
import { expectGuestsRun, prepareGuests } from '../support/guest-pods.js';
import { mounted, unmountHost } from '../support/host.js';
import { MOUNT } from '../support/kernel.js';
import { DaemonSet, kubectl, makeNamespace, mustKubectl, removeNamespace } from '../support/kubernetes.js';
import { own } from '../support/machine.js';
import { started } from '../support/program.js';
import { scratch } from '../support/scratch.js';
import { skipBecause } from '../support/skip.js';
import { PATIENCE, untilWithin } from '../support/watcher.js';

const NAMESPACE = 'binfmt-test-buildx';
const BUILDER = 'binfmt-test-kubernetes';
/** The kubelet asks a registry for an image with the tag "latest" each time. */
const QEMU = 'binfmt-test-qemu:buildx';

/** In the place of BuildKit's image: it does nothing. */
function standIn(): string {
  const dir = scratch();
  const busybox = busyboxImage(debianName(own.name), `linux/${own.name}`);
  fs.writeFileSync(path.join(dir, 'Dockerfile'), `FROM ${busybox}\nENTRYPOINT ["sh", "-c", "exec busybox sleep 1d"]\n`);
  return buildImage('binfmt-test-buildkit:stand-in', dir);
}

describe("the init container of buildx's Kubernetes driver", () => {
  let config: NodeJS.ProcessEnv;
  const inNamespace = (...args: string[]) => mustKubectl('--namespace', NAMESPACE, ...args);
  const initStates = () =>
    inNamespace('get', 'pods', '--output', 'jsonpath={.items[*].status.initContainerStatuses[*].state}');
  const initLog = () => kubectl('--namespace', NAMESPACE, 'logs', `deployment/${BUILDER}0`, '--container=qemu').stdout;

  before(async () => {
    mustDocker('tag', IMAGE, QEMU);
    const image = standIn();
    makeNamespace(NAMESPACE);
    await prepareGuests();
    config = { KUBECONFIG: process.env['BINFMT_TEST_KUBECONFIG'], BUILDX_CONFIG: scratch() };
    const options = [`namespace=${NAMESPACE}`, `image=${image}`, 'qemu.install=true', `qemu.image=${QEMU}`];
    const create = ['--name', BUILDER, '--node', `${BUILDER}0`, '--driver', 'kubernetes'];
    const created = await started('docker', ['buildx', 'create', ...create, '--driver-opt', options.join()], config);
    expect(created.exit, created.stderr).to.equal(0);
  });
  after(() => {
    removeNamespace(NAMESPACE);
    docker('image', 'rm', QEMU);
  });
  afterEach(() => {
    inNamespace('scale', 'deployment', '--all', '--replicas=0');
    inNamespace('delete', 'pods', '--all', '--grace-period=1', '--wait');
    inNamespace('delete', 'deployment', '--all', '--wait');
  });

  const installed = () => untilWithin(PATIENCE, () => initStates().includes('"reason":"Completed"'), initLog);

  /** It waits for BuildKit, which never answers, and is ended. */
  const bootstrap = () =>
    started('timeout', ['20', 'docker', 'buildx', 'inspect', '--bootstrap', BUILDER], { ...config });

  it('installs all emulators on a host that keeps binfmt_misc mounted', async () => {
    const restore = mountOnHost();
    try {
      await bootstrap();
      await installed();
      await expectGuestsRun();
    } finally {
      uninstallAll();
      restore();
    }
  });

  it('finds them all installed on a host where our DaemonSet runs', async function () {
    if (mounted()) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
    const ours = new DaemonSet();
    ours.apply({ image: IMAGE });
    try {
      await bootstrap();
      await installed();
      expect(initLog()).to.contain('OK (already registered');
      await expectGuestsRun();
    } finally {
      ours.remove();
      uninstallAll();
      unmountHost();
    }
  });

  it('fails, and says why, on a host that does not keep binfmt_misc mounted', async function () {
    if (mounted()) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
    await bootstrap();
    await untilWithin(PATIENCE, () => initLog().includes('would vanish'), initLog);
    expect(initStates()).not.to.contain('Completed');
  });
});

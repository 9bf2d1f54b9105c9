/** The pod that buildx's Kubernetes driver makes: an init container installs the emulators, and BuildKit builds with them. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  buildImage,
  docker,
  guestImage,
  guestMachine,
  IMAGE,
  mountOnHost,
  mustDocker,
  uninstallAll,
  unpackImage,
} from '../support/docker.js';
import { expectGuestsRun, prepareGuests } from '../support/guest-pods.js';
import { mounted, unmountHost } from '../support/host.js';
import { MOUNT } from '../support/kernel.js';
import { DaemonSet, giveToNode, kubectl, makeNamespace, removeNamespace } from '../support/kubernetes.js';
import { guest } from '../support/machine.js';
import { must } from '../support/program.js';
import { scratch } from '../support/scratch.js';
import { skipBecause } from '../support/skip.js';
import { PATIENCE, untilWithin } from '../support/watcher.js';

const NAMESPACE = 'binfmt-test-buildx';
const BUILDER = 'binfmt-test-kubernetes';
/** The kubelet asks a registry for an image with the tag "latest" each time. */
const QEMU = 'binfmt-test-qemu:buildx';

/** BuildKit, as far as it can be had without a registry. */
const BUILDKIT = 'binfmt-test-buildkit:engine';

describe("a builder of buildx's Kubernetes driver", () => {
  let config: NodeJS.ProcessEnv;
  let builders = 0;

  before(async () => {
    mustDocker('tag', IMAGE, QEMU);
    buildImage(BUILDKIT, path.join(import.meta.dirname, 'buildkit'));
    giveToNode(QEMU, BUILDKIT);
    makeNamespace(NAMESPACE);
    await prepareGuests();
    config = { ...process.env, BUILDX_CONFIG: scratch() };
  });
  after(() => {
    removeNamespace(NAMESPACE);
    docker('image', 'rm', QEMU);
  });

  /** Lets buildx make a builder, until its init container's log or state is as wanted. */
  async function bootstrap(
    so: (init: { log: string; state: string }) => boolean,
  ): Promise<{ builder: string; log: string }> {
    const builder = `${BUILDER}-${++builders}`;
    const options = [`namespace=${NAMESPACE}`, `image=${BUILDKIT}`, 'qemu.install=true', `qemu.image=${QEMU}`];
    const create = ['--name', builder, '--node', builder, '--driver', 'kubernetes', '--driver-opt', options.join()];
    must('docker', ['buildx', 'create', ...create], config);
    const logs = ['logs', '--namespace', NAMESPACE, `deployment/${builder}`, '--container=qemu'];
    const states = '{.items[*].status.initContainerStatuses[*].state}';
    const pods = [
      'get',
      'pods',
      '--namespace',
      NAMESPACE,
      '--selector',
      `app=${builder}`,
      '--output',
      `jsonpath=${states}`,
    ];
    let init = { log: '', state: '' };
    // It waits for BuildKit, which may never start.
    const waiting = spawn('docker', ['buildx', 'inspect', '--bootstrap', builder], { env: config, stdio: 'ignore' });
    try {
      await untilWithin(
        PATIENCE,
        () => {
          init = { log: kubectl(...logs).stdout, state: kubectl(...pods).stdout };
          return so(init);
        },
        () => JSON.stringify(init),
      );
    } finally {
      waiting.kill();
    }
    return { builder, log: init.log };
  }
  const completed = ({ state }: { state: string }) => state.includes('"reason":"Completed"');

  it('installs all emulators on a host that keeps binfmt_misc mounted, and runs commands of a foreign image', async () => {
    const restore = mountOnHost();
    const [context, output] = [scratch(), scratch()];
    unpackImage(guestImage(guest), guest.platform, path.join(context, 'files'));
    const dockerfile = `FROM scratch AS build\nCOPY files /\nRUN uname -m >/machine\nFROM scratch\nCOPY --from=build /machine /\n`;
    fs.writeFileSync(path.join(context, 'Dockerfile'), dockerfile);
    try {
      const { builder } = await bootstrap(completed);
      await expectGuestsRun();
      const options = ['--builder', builder, '--platform', guest.platform, '--network', 'none'];
      must('docker', ['buildx', 'build', ...options, '--output', output, context], config);
      expect(fs.readFileSync(path.join(output, 'machine'), 'utf8')).to.equal(`${guestMachine(guest)}\n`);
    } finally {
      uninstallAll();
      restore();
    }
  });

  it('finds them all installed on a host where our DaemonSet runs', async function () {
    if (mounted()) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
    const ours = new DaemonSet();
    try {
      ours.apply({ image: IMAGE });
      expect((await bootstrap(completed)).log).to.contain('OK (already registered');
      await expectGuestsRun();
    } finally {
      await ours.delete();
      uninstallAll();
      unmountHost();
    }
  });

  it('fails, and says why, on a host that does not keep binfmt_misc mounted', async function () {
    if (mounted()) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
    await bootstrap(
      ({ log, state }) => log.includes('would vanish') && /"exitCode":[1-9]|CrashLoopBackOff/.test(state),
    );
  });
});

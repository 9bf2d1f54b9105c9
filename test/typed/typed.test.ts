/** Types what the documentation says, in order, and compares what is printed with what it says. Its examples are for amd64. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { buildRunner, inRunner, startRunner, stopRunner } from '../hosts/runner.js';
import { registerDynamic } from '../support/debian12.js';
import { docker, guestImage, mountOnHost, mustDocker, removeImages, uninstallAll } from '../support/docker.js';
import { as, mustAs, startEngines, stopEngines } from '../support/engines.js';
import { MOUNT } from '../support/kernel.js';
import { guest, isLikeTheExamples } from '../support/machine.js';
import { type Ended, must, ROOT } from '../support/program.js';
import { CLUSTER, expectPrinted, type Story, storiesOf } from './story.js';

const pages = ['README.md', ...fs.readdirSync(path.join(ROOT, 'docs')).map((name) => `docs/${name}`)];
const stories = pages.filter((page) => page.endsWith('.md')).flatMap(storiesOf);
// test/kubernetes/documentation.test.ts types the others.
const ofOneMachine = stories.filter(({ machine }) => machine !== CLUSTER);

/** An image that the examples need, by the name that they have for it. */
const BUSYBOX = 'arm64v8/busybox:latest';

/** A machine: runs a script on it, and takes it away. */
interface Machine {
  run(script: string): Ended;
  end(): void;
}

function onHost(): Machine {
  startRunner({});
  return {
    run: (script) => inRunner(`exec 2>&1\n${script}`, { strict: false }),
    end() {
      inRunner('docker compose -f deploy/compose.yaml down', { strict: false });
      stopRunner();
    },
  };
}

const machines: Readonly<Record<string, () => Machine>> = {
  'a host that has not mounted binfmt_misc'() {
    if (fs.existsSync(path.join(MOUNT, 'register'))) must('umount', [MOUNT]);
    const { run, end } = onHost();
    return {
      run,
      end() {
        end();
        if (fs.existsSync(path.join(MOUNT, 'register'))) must('umount', [MOUNT]);
      },
    };
  },
  'a host that has mounted binfmt_misc': onMountedHost,
  'a host with a dynamically linked emulator'() {
    const machine = onMountedHost();
    registerDynamic();
    return machine;
  },
  'a clone after npm start': cloneAfterStart,
  'a user with rootless podman'() {
    startEngines([guestImage(guest)]);
    // Nothing there needs a network, and not every machine that runs tests lets a container in a container have one.
    mustAs(
      'alice',
      `mkdir -p .config/containers; printf '[containers]\\nnetns = "none"\\n' >.config/containers/containers.conf`,
    );
    mustAs('alice', 'podman load --quiet --input /images.tar; podman tag $(podman images --quiet) localhost/busybox');
    mustAs('alice', 'ln -s /usr/lib/binfmt dist; mkdir -p build/qemu/usr; ln -s /opt/binfmt build/qemu/usr/bin');
    return { run: (script) => as('alice', `exec 2>&1\n${script}`), end: stopEngines };
  },
};

/** It was typed by a user who is not root. */
function cloneAfterStart(): Machine {
  const machine = onMountedHost();
  const user = 'user';
  expect(inRunner(`chown -R ${user} .`, { strict: true })).to.include({ exit: 0 });
  const start = () => inRunner('npm --silent start', { strict: true, user });
  const { exit, stdout, stderr } = start();
  expect(exit, stdout + stderr).to.equal(0);
  expect(JSON.parse(stdout).supported).to.include.members(['linux/arm64', 'linux/riscv64', 'linux/s390x']);
  expect(stderr).to.contain('busybox: this is aarch64').and.contain('busybox: this is s390x');
  expect(start().stdout).to.equal(stdout);
  return machine;
}

function onMountedHost(): Machine {
  const restore = mountOnHost();
  uninstallAll();
  const { run, end } = onHost();
  return {
    run,
    end() {
      end();
      uninstallAll();
      restore();
    },
  };
}

function type({ machine, commands }: Story): void {
  const open = machines[machine];
  if (open === undefined) throw new Error(`there is no machine "${machine}"`);
  const { run, end } = open();
  try {
    expectPrinted(commands, run);
  } finally {
    end();
  }
}

if (isLikeTheExamples) {
  describe('the documentation, typed', () => {
    const wasMounted = fs.existsSync(path.join(MOUNT, 'register'));

    before(() => {
      mountOnHost();
      must('docker', ['buildx', 'bake', '--progress=quiet', 'image']);
      uninstallAll();
      if (docker('image', 'inspect', BUSYBOX).exit !== 0) mustDocker('tag', guestImage(guest), BUSYBOX);
      buildRunner();
    });
    after(() => {
      if (wasMounted) mountOnHost();
      else if (fs.existsSync(path.join(MOUNT, 'register'))) must('umount', [MOUNT]);
      // docs/rootless.md makes one to unpack its image.
      const created = mustDocker(
        'ps',
        '--all',
        '--quiet',
        '--filter',
        `ancestor=${BUSYBOX}`,
        '--filter',
        'status=created',
      );
      for (const id of created.split('\n').filter((each) => each !== '')) docker('rm', id);
      removeImages('binfmt-small', 'binfmt-source');
    });

    for (const story of ofOneMachine) {
      it(`${story.page}, on ${story.machine}: ${story.commands[0]?.typed}`, () => type(story));
    }
  });
} else {
  describe('npm start', () => {
    before(buildRunner);

    it('prints the status and runs foreign programs, for a user who is not root', () => cloneAfterStart().end());
  });
}

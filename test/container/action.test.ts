/** The steps of action.yml and the lines of deploy/ci, with Docker. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { type Inputs, runAction } from '../support/action.js';
import { pipelineCommands } from '../support/ci.js';
import { guestImage, IMAGE, onCleanHost, privileged, runsGuest, uninstallAll } from '../support/docker.js';
import { entryNames, MOUNT } from '../support/kernel.js';
import { guest, guest2 } from '../support/machine.js';
import { must, run, statusIn } from '../support/program.js';
import { skipBecause } from '../support/skip.js';
import { skipWhereEntriesAreKept } from '../support/survival.js';

const both = `${guest.name},${guest2.name}`;

const withDocker = (inputs: Inputs, environment: NodeJS.ProcessEnv = {}) =>
  runAction({ image: IMAGE, ...inputs }, (script) => run('bash', ['-c', script], environment));

describe('the action, with Docker', () => {
  onCleanHost();
  beforeEach(() => uninstallAll());

  it('installs, and its output has the platforms that run', () => {
    const { exit, stdout, outputs, annotations } = withDocker({ platforms: both });
    expect(exit, stdout).to.equal(0);
    expect(outputs['platforms']?.split(',')).to.deep.equal(statusIn(privileged([])).supported);
    expect(outputs['platforms']?.split(',')).to.include.members([guest.platform, guest2.platform]);
    expect(annotations).to.deep.equal([]);
    expect(runsGuest(guest, guestImage(guest))).to.equal(true);
  });

  it('installs everything that the image has, unless it is told what', () => {
    expect(withDocker({}).outputs['platforms']).to.equal(statusIn(privileged(['--install', 'all'])).supported.join());
  });

  for (const [what, platforms] of [
    ['lines', `${guest.name}\n${guest2.name}\n`],
    ['commas and spaces', ` ${guest.name}, ${guest2.platform}`],
  ] as const) {
    it(`takes platforms in ${what}`, () => {
      expect(withDocker({ platforms }).exit).to.equal(0);
      expect(entryNames()).to.include.members([guest.emulator, guest2.emulator]);
    });
  }

  it('changes nothing if everything runs already', () => {
    expect(withDocker({ platforms: guest.name }).stdout).to.contain(`installing: ${guest.name} OK\n`);
    const { exit, stdout, outputs } = withDocker({ platforms: guest.name });
    expect(exit, stdout).to.equal(0);
    expect(stdout).to.contain('already runs').and.to.contain('left alone');
    expect(outputs['platforms']).to.contain(guest.platform);
  });

  it('removes with reset what was registered before, and installs again', () => {
    privileged(['--install', both]);
    const { exit, stdout } = withDocker({ platforms: guest.name, reset: 'true' });
    expect(exit, stdout).to.equal(0);
    expect(entryNames()).to.deep.equal([guest.emulator]);
  });

  for (const [what, inputs, environment, cause, remedy] of [
    ['a platform is unknown', { platforms: `${guest.name},50%` }, {}, 'unknown platform: "50%"', 'QEMU'],
    ['the image is not there', { image: 'localhost:1/none' }, {}, 'localhost:1/none cannot be pulled: ', 'build it'],
    ['no engine answers', {}, { DOCKER_HOST: 'unix:///none' }, 'unix:///none', 'start one of Docker, podman'],
    ['reset is another word', { reset: 'maybe' }, {}, 'reset is "maybe"', 'set it to true or false'],
  ] as const) {
    it(`says why, and what to do, if ${what}`, () => {
      const { exit, stdout, annotations, outputs } = withDocker(inputs, environment);
      expect(exit, stdout).to.equal(1);
      expect(annotations).to.have.length(1);
      expect(annotations[0]).to.contain(cause).and.to.contain(remedy);
      expect(outputs['platforms']).to.equal('');
    });
  }
});

describe('the action, on a host that has not mounted binfmt_misc', () => {
  before(function () {
    if (fs.existsSync(path.join(MOUNT, 'register')))
      skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
  });
  beforeEach(skipWhereEntriesAreKept);
  afterEach(() => {
    if (fs.existsSync(path.join(MOUNT, 'register'))) must('umount', [MOUNT]);
  });

  it('mounts it there, so that the entries stay', () => {
    const { exit, stdout, annotations } = withDocker({ platforms: guest.name });
    expect(exit, stdout).to.equal(0);
    expect(annotations).to.deep.equal([]);
    expect(entryNames()).to.include(guest.emulator);
    expect(runsGuest(guest, guestImage(guest))).to.equal(true);
  });
});

describe('the lines for other CI', () => {
  onCleanHost();
  beforeEach(() => uninstallAll());

  for (const { file, commands, variables } of pipelineCommands)
    it(`deploy/ci/${file} installs`, () => {
      expect(commands).not.to.deep.equal([]);
      const script = commands.join('\n').replaceAll(' binfmt ', ` ${IMAGE} `);
      const { exit, stderr } = run('sh', ['-ec', script], { ...variables, BINFMT_IMAGE: IMAGE });
      expect(exit, stderr).to.equal(0);
      expect(runsGuest(guest, guestImage(guest))).to.equal(true);
    });
});

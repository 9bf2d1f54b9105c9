/** The commands of GitHub's workflows, in a container that stands for a runner. */
import path from 'node:path';
import { expect } from 'chai';
import { docker, mustDocker } from '../support/docker.js';
import { own } from '../support/machine.js';
import { must, ROOT } from '../support/program.js';
import { scratch } from '../support/scratch.js';
import { jobs } from '../support/workflow.js';
import { startRegistry, stopRegistry } from './registry.js';

const RUNNER = 'binfmt-test-runner';

/** What the workflows set, with fewer tests and fewer hosts. */
const environment = { CI: 'true', KINDS: 'static', HOSTS: own.name, EMULATORS: 'debian', GITHUB_OUTPUT: '/tmp/output' };

describe('the workflows', () => {
  let registry: string;

  before(() => {
    registry = startRegistry();
    const file = path.join(import.meta.dirname, 'runner.Dockerfile');
    must('docker', ['buildx', 'build', '--quiet', '--load', '--file', file, '--tag', RUNNER, import.meta.dirname]);
  });
  after(() => {
    stopRegistry([RUNNER]);
  });
  beforeEach(() => {
    const checkout = path.join(scratch(), 'checkout');
    must('git', ['clone', '--quiet', ROOT, checkout]);
    const volumes = ['--volume', '/var/run/docker.sock:/var/run/docker.sock', '--volume', `${checkout}:/checkout`];
    const variables = Object.entries({ ...environment, IMAGE: `${registry}/binfmt` });
    const options = variables.flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    mustDocker(
      'run',
      '--detach',
      '--name',
      RUNNER,
      '--network',
      'host',
      ...volumes,
      ...options,
      '--workdir',
      '/checkout',
      RUNNER,
      'sleep',
      'infinity',
    );
  });
  afterEach(() => {
    docker('rm', '--force', RUNNER);
  });

  for (const { workflow, name, commands } of jobs) {
    it(`${workflow}: ${name}`, () => {
      for (const command of commands) {
        const { exit, stdout, stderr } = docker('exec', RUNNER, 'bash', '-eo', 'pipefail', '-c', command);
        expect(exit, `${command}\n${stdout}${stderr}`).to.equal(0);
      }
    });
  }
});

/** The commands of GitHub's workflows, in a container that stands for a runner. */
import { expect } from 'chai';
import { own } from '../support/machine.js';
import { jobs } from '../support/workflow.js';
import { startRegistry, stopRegistry } from './registry.js';
import { buildRunner, inRunner, startRunner, stopRunner } from './runner.js';

/** What the workflows set, with fewer tests and fewer hosts. */
const environment = { CI: 'true', KINDS: 'static', HOSTS: own.name, EMULATORS: 'debian', GITHUB_OUTPUT: '/tmp/output' };

describe('the workflows', () => {
  let registry: string;

  before(() => {
    registry = startRegistry();
    buildRunner();
  });
  after(() => {
    stopRegistry([]);
  });
  beforeEach(() => startRunner({ ...environment, IMAGE: `${registry}/binfmt` }));
  afterEach(stopRunner);

  for (const { workflow, name, commands } of jobs) {
    it(`${workflow}: ${name}`, () => {
      for (const command of commands) {
        const { exit, stdout, stderr } = inRunner(command, { strict: true });
        expect(exit, `${command}\n${stdout}${stderr}`).to.equal(0);
      }
    });
  }
});

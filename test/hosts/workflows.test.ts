/** The commands of GitHub's workflows, in a container that stands for a runner. release.test.ts pushes the image. */
import { jobs } from '../support/workflow.js';
import { buildRunner, runJob } from './runner.js';

describe('the workflows', () => {
  before(buildRunner);

  for (const job of jobs.filter(({ name }) => name !== 'image')) {
    it(`${job.workflow}: ${job.name}`, () => void runJob(job, 'binfmt'));
  }
});

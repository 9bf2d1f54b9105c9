/** Files of GitHub and other CI, against their schemas. test/hosts and test/container run their commands. */
import fs from 'node:fs';
import path from 'node:path';
import { validateAction, validateWorkflow } from '@action-validator/core';
import { expect } from 'chai';
import { parse } from 'yaml';
import { ACTION_FILE, action } from './support/action.js';
import { forgejoText, gitlabJob, pipelineCommands, pipelineFiles } from './support/ci.js';
import { ROOT } from './support/program.js';
import { workflowFiles } from './support/workflow.js';

describe('the workflows', () => {
  for (const file of workflowFiles) {
    it(`${file.replace(/.*\//, '')} is valid`, () => {
      // A permission that is newer than the schema.
      const text = fs.readFileSync(file, 'utf8').replaceAll(/^ *attestations: write\n/gm, '');
      expect(validateWorkflow(text).errors).to.deep.equal([]);
    });
  }
});

describe('action.yml', () => {
  it('is valid', () => {
    expect(validateAction(fs.readFileSync(ACTION_FILE, 'utf8')).errors).to.deep.equal([]);
  });
});

describe('docs/ci.md', () => {
  const page = fs.readFileSync(path.join(ROOT, 'docs/ci.md'), 'utf8');

  it('has the inputs of action.yml, with their defaults', () => {
    const rows = [...page.matchAll(/^\| `([\w-]+)` \| .* \| `(\w+)` \|$/gm)].map(([, name, value]) => [name, value]);
    expect(rows).to.deep.equal(Object.entries(action.inputs).map(([name, input]) => [name, input.default]));
  });

  it('has examples that are YAML, with inputs and variables that exist', () => {
    const [whole = '', steps = '', gitlab = ''] = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(
      ([, text = '']) => text,
    );
    expect(Object.keys(gitlabJob.variables)).to.include.members(Object.keys(parse(gitlab).build.variables));
    for (const text of [whole, `on: push\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps:\n${steps}`]) {
      expect(validateWorkflow(text).errors).to.deep.equal([]);
      const ours = parse(text).jobs.build.steps.find(({ uses = '' }) => /^(OWNER|\.)\//.test(uses));
      expect(Object.keys(action.inputs)).to.include.members(Object.keys(ours.with));
    }
  });
});

describe('deploy/ci', () => {
  it('has a workflow for Forgejo and Gitea that is valid', () => {
    expect(validateWorkflow(forgejoText).errors).to.deep.equal([]);
  });

  it('has only files that are read here, and the others have the same command', () => {
    expect([...pipelineCommands.map(({ file }) => file), 'forgejo.yaml'].sort()).to.deep.equal(pipelineFiles.sort());
    for (const { file, commands, variables } of pipelineCommands) {
      const line = commands.join('\n').replace(/"\$(\w+)"/g, (_, name) => variables[name] ?? '');
      expect(line, file).to.equal('docker run --privileged --pid=host --rm binfmt --install all');
    }
  });
});

/** GitHub's workflows, against the schema of their files. test/hosts runs their commands. */
import fs from 'node:fs';
import { validateWorkflow } from '@action-validator/core';
import { expect } from 'chai';
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

/** Mocha's usual output, and the results as lines of the file that test/run reads: `passed N`, `skipped TITLE: REASON`. */
import fs from 'node:fs';
import Mocha from 'mocha';
import { reasonOf } from './skip.js';

export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const skipped: string[] = [];
    runner.on('pending', (test) => skipped.push(`skipped ${test.fullTitle()}: ${reasonOf(test)}`));
    runner.once('end', () => {
      const { passes = 0, failures = 0 } = runner.stats ?? {};
      const file = process.env['BINFMT_TEST_RESULTS'];
      const lines = [`passed ${passes}`, `failed ${failures}`, ...skipped].map((line) => `${line}\n`);
      if (file) fs.appendFileSync(file, lines.join(''));
    });
  }
}

/**
 * Mocha's usual output, and the results as lines of the file that test/run reads: `passed N`, `failed N`,
 * `skipped TITLE<tab>REASON`, `failure: TITLE`, `took MILLISECONDS<tab>TITLE`. After a failure come the lines of its message, at most forty of them.
 */
import fs from 'node:fs';
import Mocha from 'mocha';
import { reasonOf } from './skip.js';

export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const skipped: string[] = [];
    const failed: string[] = [];
    const took: string[] = [];
    runner.on('test end', (test) => took.push(`took ${test.duration ?? 0}\t${test.fullTitle()}`));
    runner.on('pending', (test) => skipped.push(`skipped ${test.fullTitle()}\t${reasonOf(test)}`));
    runner.on('fail', (test, error) => failed.push(`failure: ${test.fullTitle()}\n${indented(why(error))}`));
    runner.once('end', () => {
      const { passes = 0, failures = 0 } = runner.stats ?? {};
      const file = process.env['BINFMT_TEST_RESULTS'];
      const lines = [`passed ${passes}`, `failed ${failures}`, ...skipped, ...failed, ...took].map(
        (line) => `${line}\n`,
      );
      if (file) fs.appendFileSync(file, lines.join(''));
    });
  }
}

function why(error: { stack?: string; actual?: unknown; expected?: unknown; cause?: unknown }): string {
  const cause = error.cause instanceof Error ? `because of ${error.cause.stack}\n` : '';
  const message = cause + String(error.stack ?? error);
  if (error.actual === undefined || error.expected === undefined) return message;
  return message + Mocha.reporters.Base.generateDiff(error.actual as string, error.expected as string);
}

function indented(text: string): string {
  return text
    .split('\n', 40)
    .map((line) => `    ${line}`)
    .join('\n');
}

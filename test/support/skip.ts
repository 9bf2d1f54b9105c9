/** Skipping a test, with its reason: test/run prints both, and in CI a skipped test counts as a failure. */
import fs from 'node:fs';
import type { Context, Runnable, Suite } from 'mocha';

const reasons = new Map<Runnable | Suite, string>();

/** Skips the test that runs, or all tests of the suite when it is called in one of its hooks. */
export function skipBecause(context: Context, reason: string): never {
  const { test, currentTest } = context;
  const skipped = test?.title.startsWith('"before all"') ? test.parent : (currentTest ?? test);
  if (skipped) reasons.set(skipped, reason);
  context.skip();
  throw new Error('a skipped test goes no further');
}

/** Says what was tested instead, where this machine or the mirror lacks something. The test does not count as skipped. */
export function sayInstead(text: string): void {
  const file = process.env['BINFMT_TEST_RESULTS'];
  if (file === undefined) console.log(text);
  else fs.appendFileSync(file, `${text}\n`);
}

/** Why a test was skipped. */
export function reasonOf(test: Runnable): string {
  for (let each: Runnable | Suite | undefined = test; each; each = each.parent) {
    const reason = reasons.get(each);
    if (reason !== undefined) return reason;
  }
  return 'no reason given';
}

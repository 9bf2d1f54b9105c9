/** The fuzzers of the native code for a moment; without a number, `npm run fuzz` runs them for ten minutes each. */
import { expect } from 'chai';
import { run } from '../support/program.js';

const SECONDS = '20';

describe('the native code, with sanitizers', () => {
  it('takes whatever a fuzzer comes up with', () => {
    const { exit, stdout, stderr } = run('npm', ['run', '--silent', 'fuzz', '--', SECONDS]);
    expect(exit, `${stdout}${stderr}`.slice(-4000)).to.equal(0);
    expect(stderr.match(/^Done \d+ runs/gm)).to.have.length(2);
  });
});

/** The fuzzers of the native code for a moment; `npm run fuzz` runs them for ten minutes each. */
import path from 'node:path';
import { expect } from 'chai';
import { buildImage, docker } from '../support/docker.js';
import { ROOT } from '../support/program.js';

const SECONDS = '20';

describe('the native code, with sanitizers', () => {
  it('takes whatever a fuzzer comes up with', () => {
    const image = buildImage('binfmt-test-fuzz', path.join(ROOT, 'test/fuzz'));
    const { exit, stdout, stderr } = docker(
      'run',
      '--rm',
      '--network=none',
      '--volume',
      `${ROOT}:/source:ro`,
      image,
      SECONDS,
    );
    expect(exit, `${stdout}${stderr}`.slice(-4000)).to.equal(0);
    expect(stderr.match(/^Done \d+ runs/gm)).to.have.length(2);
  });
});

/**
 * Test suites of others, QEMU's own tests for guests and BusyBox's, with the emulators from source and with Debian's of the same
 * version. test/run makes both and the image (test/guests/Dockerfile).
 */
import path from 'node:path';
import { expect } from 'chai';
import { mustDocker } from '../support/docker.js';
import { ROOT } from '../support/program.js';

/** The tests that pass and those that fail with the emulators in this directory of build/guests, each as "aarch64 tcg sha1". */
function results(emulators: string): { readonly passed: readonly string[]; readonly failed: readonly string[] } {
  const mount = [
    '--volume',
    `${path.join(ROOT, 'build/guests', emulators)}:/emulators:ro`,
    '--security-opt',
    'seccomp=unconfined',
  ];
  const lines = mustDocker('run', '--rm', ...mount, 'binfmt-test-guests', '/emulators').split('\n');
  const ending = (end: string) => lines.filter((line) => line.endsWith(end)).map((line) => line.slice(0, -end.length));
  return { passed: ending(' PASS'), failed: ending(' FAIL') };
}

describe('emulators from source', () => {
  it('fail no test of QEMU and BusyBox that passes with those of Debian', () => {
    const debians = results('debian/usr/bin');
    const ours = results('source');
    console.log(
      `    ${ours.passed.length} passed, ${ours.failed.length} failed; with Debian's: ${debians.passed.length}, ${debians.failed.length}`,
    );
    expect(debians.passed.filter((test) => / tcg /.test(test))).to.have.length.above(100);
    expect(debians.passed.filter((test) => / busybox /.test(test))).to.have.length.above(100);
    expect(debians.passed.filter((test) => !ours.passed.includes(test))).to.deep.equal([]);
  }).timeout(7_200_000);
});

/**
 * Test suites of others, QEMU's own tests for guests and BusyBox's, with the emulators from source and with Debian's of the same
 * version. test/run makes both and the image (test/guests/Dockerfile).
 */
import path from 'node:path';
import { expect } from 'chai';
import { mustDocker } from '../support/docker.js';
import { ROOT } from '../support/program.js';

/** What the tests print with the emulators in this directory of build/guests: "aarch64 tcg sha1 PASS". */
function results(emulators: string): readonly string[] {
  const volume = `${path.join(ROOT, 'build/guests', emulators)}:/emulators:ro`;
  const options = ['--rm', '--volume', volume, '--security-opt', 'seccomp=unconfined'];
  return mustDocker('run', ...options, 'binfmt-test-guests', '/emulators')
    .trimEnd()
    .split('\n');
}

const guestOf = (line: string) => line.split(' ')[0];

describe('emulators from source', () => {
  it('fail no test of QEMU and BusyBox that passes with those of Debian', () => {
    const ours = results('source');
    // The machine's own architecture has no emulator from source.
    const guests = new Set(ours.map(guestOf));
    const debians = results('debian/usr/bin').filter((line) => guests.has(guestOf(line)));
    const passed = debians.filter((line) => line.endsWith(' PASS'));
    console.log(`      ${passed.length} of ${debians.length} tests pass with Debian's emulators`);
    expect(passed.filter((line) => / tcg /.test(line))).to.have.length.above(100);
    expect(passed.filter((line) => / busybox /.test(line))).to.have.length.above(100);
    expect(passed.filter((line) => !ours.includes(line))).to.deep.equal([]);
  }).timeout(7_200_000);
});

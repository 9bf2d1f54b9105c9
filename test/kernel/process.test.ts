import fs from 'node:fs';
import os from 'node:os';
import { expect } from 'chai';
import { clearEntries, registerForeign } from '../support/kernel.js';
import { guest, own } from '../support/machine.js';
import { EMULATORS, lastLine, PROGRAM, run, shell, statusIn } from '../support/program.js';
import { compile, hangingEmulator } from '../support/programs.js';
import { until } from '../support/watcher.js';

const program = `env QEMU_BINARY_PATH=${EMULATORS} ${PROGRAM}`;
const leftovers = () => fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith('binfmt-probe'));

/** Process ids of what has this in its command line. */
const running = (pattern: string) => run('pgrep', ['-f', pattern]).stdout;

describe('the process', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  for (const [signal, exit] of [
    ['TERM', 143],
    ['INT', 130],
    ['HUP', 129],
    ['KILL', 137],
  ] as const) {
    it(`ends at once on SIG${signal}, in the middle of a probe, and leaves nothing behind`, async () => {
      const earlier = leftovers();
      const hanging = hangingEmulator();
      registerForeign('hanging', guest.name, hanging, 'F');
      // A probe may take two seconds, and is tried again after that. Killed as soon as the emulator runs.
      const ended = shell(`${PROGRAM} >/dev/null & until pgrep --full ^${hanging} >/dev/null; do sleep 0.02; done
        start=$EPOCHREALTIME; kill -${signal} $!; wait $! || status=$?
        echo $(((\${EPOCHREALTIME/./} - \${start/./}) / 1000)); exit $status`);
      expect(ended.exit).to.equal(exit);
      expect(Number(ended.stdout), 'milliseconds').to.be.below(1500);
      await until(() => running(PROGRAM) === '' && running(hanging) === '', 'the end of all processes');
      expect(leftovers()).to.deep.equal(earlier);
    });
  }

  it('kills what a probe leaves running', () => {
    const forking = compile('int fork(void), usleep(unsigned); int main(void) { fork(); for (;;) usleep(1000); }', [
      '-static',
      '-Wno-implicit-function-declaration',
    ]);
    registerForeign('forking', guest.name, forking, 'F');
    expect(statusIn(shell(program)).supported).not.to.include(guest.platform);
    expect(running(forking)).to.equal('');
  });

  it('kills what a probe that ends leaves running, too', () => {
    const source = 'int fork(void), usleep(unsigned); int main(void) { if (fork()) return 42; for (;;) usleep(1000); }';
    const forking = compile(source, ['-static', '-Wno-implicit-function-declaration']);
    registerForeign('forking', guest.name, forking, 'F');
    expect(statusIn(shell(program)).supported).to.include(guest.platform);
    expect(running(forking)).to.equal('');
  });

  it('is not disturbed by an emulator that writes and writes', () => {
    const noisy = compile('int puts(const char *); int main(void) { for (;;) puts("noise noise noise"); }', [
      '-static',
    ]);
    registerForeign('noisy', guest.name, noisy, 'F');
    expect(statusIn(shell(program)).supported).not.to.include(guest.platform);
  });

  for (const closed of ['0<&-', '2>&-', '0<&- 2>&-']) {
    it(`works with closed streams: ${closed}`, () => {
      expect(statusIn(shell(`${program} ${closed}`)).supported).to.include(`linux/${own.name}`);
    });
  }

  it('fails where standard output is closed', () => {
    expect(shell(`${program} >&-`)).to.include({ exit: 1, stderr: 'binfmt: cannot write to standard output: EBADF\n' });
  });

  it('tells that its result could not be written, and fails', () => {
    const ended = shell(`${program} >/dev/full`);
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.equal('binfmt: cannot write to standard output: ENOSPC');
  });

  it('does not mind a reader that has seen enough', () => {
    expect(shell(`${program} --help | head -n 1`)).to.include({ exit: 0, stderr: '' });
  });

  it('says that Node.js is missing', () => {
    const ended = shell(`PATH=/nonexistent ${PROGRAM}`);
    expect(ended.exit).to.equal(1);
    expect(ended.stderr).to.equal('binfmt: cannot start node: No such file or directory\n');
  });

  it('says a wrong command line: usage and cause on standard error, nothing on standard output, status 2', () => {
    const ended = shell(`${program} --instal arm64`);
    expect(ended).to.include({ exit: 2, stdout: '' });
    expect(ended.stderr).to.match(/^Usage: binfmt/);
    expect(lastLine(ended.stderr)).to.equal('binfmt: unknown option "--instal"');
  });
});

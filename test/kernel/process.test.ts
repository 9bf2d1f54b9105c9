import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { parseCommandLine } from '../../src/cli/parse.js';
import { describeUsageError } from '../../src/core/report/usage-text.js';
import { clearEntries, registerForeign } from '../support/kernel.js';
import { guest, own } from '../support/machine.js';
import { binfmt, EMULATORS, lastLine, PROGRAM, run, shell, statusIn } from '../support/program.js';
import { compile, emulatorExiting } from '../support/programs.js';
import { scratch } from '../support/scratch.js';
import { until } from '../support/watcher.js';

const program = `env QEMU_BINARY_PATH=${EMULATORS} ${PROGRAM}`;
const leftovers = () => fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith('binfmt-probe'));

/** Process ids of what has this in its command line. */
const running = (pattern: string) => run('pgrep', ['-f', pattern]).stdout;

describe('the process', function () {
  this.timeout(120_000);
  beforeEach(clearEntries);
  after(clearEntries);

  for (const [signal, exit] of [
    ['TERM', 143],
    ['INT', 130],
    ['HUP', 129],
    ['KILL', 137],
  ] as const) {
    it(`ends at once on SIG${signal}, while a probe runs, and leaves nothing behind`, async () => {
      const earlier = leftovers();
      const hanging = emulatorExiting('pause()');
      registerForeign('hanging', guest.name, hanging, 'F');
      // Killed as soon as the emulator runs. Prints how many milliseconds later it has ended.
      const end = () => {
        const ended = shell(`${PROGRAM} >/dev/null & until pgrep --full ^${hanging} >/dev/null; do sleep 0.02; done
          start=$EPOCHREALTIME; kill -${signal} $!; wait $! || status=$?
          echo $(((\${EPOCHREALTIME/./} - \${start/./}) / 1000)); exit $status`);
        expect(ended.exit).to.equal(exit);
        return Number(ended.stdout);
      };
      // A probe may take two seconds, and is tried again after that: a program that waits for its end is never so fast.
      await until(() => end() < 1500, 'an end while the probe runs');
      await until(() => running(PROGRAM) === '' && running(hanging) === '', 'the end of all processes');
      expect(leftovers()).to.deep.equal(earlier);
    });
  }

  it('kills the processes of a probe that takes too long', async () => {
    const forking = emulatorExiting('fork() ? pause() : pause()');
    registerForeign('forking', guest.name, forking, 'F');
    expect(statusIn(shell(program)).supported).not.to.include(guest.platform);
    await until(() => running(forking) === '', 'the end of all processes');
  });

  it('kills the processes that a successful probe leaves running', async () => {
    const forking = emulatorExiting('fork() ? 42 : pause()');
    registerForeign('forking', guest.name, forking, 'F');
    expect(statusIn(shell(program)).supported).to.include(guest.platform);
    await until(() => running(forking) === '', 'the end of all processes');
  });

  it('is not blocked by an emulator that never stops writing', () => {
    const noisy = compile('int puts(const char *); int main(void) { for (;;) puts("noise noise noise"); }', [
      '-static',
    ]);
    registerForeign('noisy', guest.name, noisy, 'F');
    expect(statusIn(shell(program)).supported).not.to.include(guest.platform);
  });

  for (const closed of ['0<&-', '2>&-', '0<&- 2>&-']) {
    it(`works if streams are closed: ${closed}`, () => {
      expect(statusIn(shell(`${program} ${closed}`)).supported).to.include(`linux/${own.name}`);
    });
  }

  it('fails if standard output is closed', () => {
    expect(shell(`${program} >&-`)).to.include({ exit: 1, stderr: 'binfmt: cannot write to standard output: EBADF\n' });
  });

  it('fails if its result cannot be written, and names the errno', () => {
    const ended = shell(`${program} >/dev/full`);
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.equal('binfmt: cannot write to standard output: ENOSPC');
  });

  it('succeeds if its reader ends early', () => {
    expect(shell(`${program} --help | head -n 1`)).to.include({ exit: 0, stderr: '' });
  });

  it('says where an unexpected error happened if BINFMT_DEBUG is set, and otherwise how to see that', () => {
    const directory = path.join(scratch(), 'private name');
    fs.cpSync(path.dirname(PROGRAM), directory, { recursive: true });
    for (const name of fs.readdirSync(directory))
      if (name.startsWith('write-export')) fs.rmSync(path.join(directory, name));
    const fails = (debug: string) =>
      run(path.join(directory, 'binfmt'), ['export', 'systemd'], { QEMU_BINARY_PATH: EMULATORS, BINFMT_DEBUG: debug });
    for (const off of ['', '0']) {
      expect(fails(off).stderr).to.match(
        /^binfmt: unexpected error: .*; BINFMT_DEBUG=1 in the environment of binfmt shows where\n$/,
      );
    }
    const lines = fails('1').stderr.trimEnd().split('\n');
    expect(lines.pop())
      .to.match(/^binfmt: unexpected error: /)
      .and.not.contain('BINFMT_DEBUG');
    expect(lines.join('\n')).to.match(/^at .*\(program\.cjs:\d+:\d+\)$/m);
    for (const line of lines) expect(line).to.match(/^at /).and.not.contain('private name');
  });

  it('says that the processor is too old if Node.js is ended by an instruction that it does not have', () => {
    const dir = scratch();
    fs.writeFileSync(path.join(dir, 'node'), '#!/bin/sh\nkill -ILL $$\n', { mode: 0o755 });
    const ended = run(PROGRAM, [], { PATH: `${dir}:${process.env['PATH']}` });
    expect(ended.exit).to.equal(1);
    expect(ended.stderr).to.equal(
      'binfmt: Node.js ended before its work was done (SIGILL): this processor is probably older than those that it was built for\n',
    );
  });

  it('says so if Node.js is missing', () => {
    const ended = shell(`PATH=/nonexistent ${PROGRAM}`);
    expect(ended.exit).to.equal(1);
    expect(ended.stderr).to.equal('binfmt: cannot start node: No such file or directory\n');
  });

  describe('called with a wrong command line', () => {
    it('prints how to get help and the cause on standard error, nothing on standard output, and exits with 2', () => {
      const ended = shell(`${program} uninstall arm64 riscv64`);
      expect(ended).to.include({ exit: 2, stdout: '' });
      expect(ended.stderr).to.match(/^For all options: .*binfmt --help\n/);
      expect(ended.stderr.split('\n')).to.have.length(3);
      expect(lastLine(ended.stderr)).to.equal(
        'binfmt: unexpected argument "uninstall"; did you mean --uninstall arm64,riscv64?',
      );
    });

    const long = `arm\x1b]31m${'x'.repeat(5000)}`;
    const title = (args: readonly string[]) => args.join(' ').replace(/(\p{Cc}\S{0,9})\S*/gu, 'WORD');
    const expectReadable = (text: string) => {
      expect(text).not.to.match(/[^\P{Cc}\n]/u);
      for (const line of text.split('\n')) expect(line).to.have.length.below(500);
      expect(lastLine(text)).to.match(/arm\\x1b\]31mx+\.\.\./);
    };

    it('escapes and cuts what it quotes from a command line that it does not understand', () => {
      for (const args of [
        [`--${long}`],
        [long],
        ['--install', 'arm64', long],
        ['--interval', long],
        ['--install', 'arm64', '--watch', '--listen', long],
        ['export', long],
        ['run', long, '--', 'true'],
      ]) {
        const line = parseCommandLine(args);
        if (line.kind !== 'usage-error') throw new Error(`${title(args)} is understood`);
        expectReadable(describeUsageError(line.error));
      }
    });

    for (const args of [
      ['--install', `linux/${long}`],
      ['--uninstall', long],
      ['--uninstall', `qemu-${long}`],
      ['doctor', long],
      ['doctor', '--check', long],
      ['export', 'systemd', long],
      ['export', 'none', 'arm64', '--root', `/proc/${long}`],
      ['run', '--root', long, '--', 'true'],
      ['--allow-userns', '--mount', `/${long}`, '--install', guest.name],
    ]) {
      it(`escapes and cuts what it quotes: ${title(args)}`, () => {
        const { stderr, exit } = binfmt(args);
        expect(exit).to.be.greaterThan(0);
        expectReadable(stderr);
      });
    }
  });
});

import fs from 'node:fs';
import os from 'node:os';
import { expect } from 'chai';
import { clearEntries, registerForeign } from '../support/kernel.js';
import { guest, own } from '../support/machine.js';
import { binfmt, EMULATORS, lastLine, PROGRAM, run, shell, statusIn } from '../support/program.js';
import { compile, emulatorExiting, hangingEmulator } from '../support/programs.js';
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
    it(`ends at once on SIG${signal}, while a probe runs, and leaves nothing behind`, async () => {
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

  it('kills the processes of a probe that takes too long', () => {
    const forking = compile('int fork(void), usleep(unsigned); int main(void) { fork(); for (;;) usleep(1000); }', [
      '-static',
      '-Wno-implicit-function-declaration',
    ]);
    registerForeign('forking', guest.name, forking, 'F');
    expect(statusIn(shell(program)).supported).not.to.include(guest.platform);
    expect(running(forking)).to.equal('');
  });

  it('kills the processes that a successful probe leaves running', () => {
    const forking = emulatorExiting('fork() ? 42 : pause()');
    registerForeign('forking', guest.name, forking, 'F');
    expect(statusIn(shell(program)).supported).to.include(guest.platform);
    expect(running(forking)).to.equal('');
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

  it('says so if Node.js is missing', () => {
    const ended = shell(`PATH=/nonexistent ${PROGRAM}`);
    expect(ended.exit).to.equal(1);
    expect(ended.stderr).to.equal('binfmt: cannot start node: No such file or directory\n');
  });

  describe('called with a wrong command line', () => {
    const lastLineOf = (...args: string[]) => lastLine(binfmt(args).stderr);

    it('prints how to get help and the cause on standard error, nothing on standard output, and exits with 2', () => {
      const ended = shell(`${program} --instal arm64`);
      expect(ended).to.include({ exit: 2, stdout: '' });
      expect(ended.stderr).to.match(
        /^For all options: .*binfmt --help\nbinfmt: unknown option "--instal"; did you mean --install\?\n$/,
      );
    });

    for (const [args, suggestion] of [
      [['--instal', 'arm64'], '--install'],
      [['install', 'arm64'], '--install arm64'],
      [['uninstall', 'arm64', 'riscv64'], '--uninstall arm64,riscv64'],
      [['--install', 'arm64', 'riscv64'], '--install arm64,riscv64'],
      [['doctr'], 'doctor'],
      [['--install', 'armm64'], '"arm64"'],
      [['--uninstall', 'armm64'], '"arm64"'],
      [['doctor', 'armm64'], '"arm64"'],
      [['doctor', '--check', 'no-entri'], 'no-entry'],
      [['export', 'sytemd'], 'systemd'],
    ] as const) {
      it(`suggests ${suggestion} for ${args.join(' ')}`, () => {
        expect(lastLineOf(...args))
          .to.match(/; did you mean .*\?$/)
          .and.contain(`did you mean ${suggestion}?`);
      });
    }

    it('says that the command has to come first', () => {
      expect(lastLineOf('--keep', 'doctor', 'arm64')).to.equal(
        'binfmt: "doctor" has to be the first word: binfmt doctor ...',
      );
    });

    it('suggests nothing for a word that is like no other', () => {
      for (const args of [['mainframe'], ['--mainframe'], ['--install', 'mainframe']]) {
        expect(lastLineOf(...args))
          .to.contain('mainframe')
          .and.not.contain('did you mean');
      }
    });

    const long = `arm\x1b]31m${'x'.repeat(5000)}`;
    for (const args of [
      ['--install', long],
      ['--uninstall', long],
      ['--install', `riscv64,linux/${long}`],
      ['--install', 'arm64', '--uninstall', `qemu-${long}`],
      [`--${long}`],
      [long],
      ['--install', 'arm64', long],
      ['--interval', long],
      ['--install', 'arm64', '--watch', '--listen', long],
      ['doctor', long],
      ['doctor', '--check', long],
      ['export', long],
      ['export', 'systemd', long],
      ['export', 'none', 'arm64', '--root', `/proc/${long}`],
      ['run', long, '--', 'true'],
      ['run', '--root', long, '--', 'true'],
      ['--allow-userns', '--mount', `/${long}`, '--install', guest.name],
    ]) {
      it(`escapes and cuts what it quotes: ${args.join(' ').replace(/(\p{Cc}\S{0,9})\S*/gu, 'WORD')}`, () => {
        const { stderr, exit } = binfmt(args);
        expect(exit).to.be.greaterThan(0);
        expect(stderr).not.to.match(/[^\P{Cc}\n]/u);
        for (const line of stderr.split('\n')) expect(line).to.have.length.below(500);
        expect(lastLine(stderr)).to.match(/arm\\x1b\]31mx+\.\.\./);
      });
    }
  });
});

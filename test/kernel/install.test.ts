import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { clearEntries, entryNames, entryText, registerForeign, scratch, writeEntry } from '../support/kernel.js';
import { binfmt, EMULATORS, lastLine, OLDER_EMULATORS, PROGRAM, shell, statusIn } from '../support/program.js';
import { compile, crashingEmulator, dynamicEmulator, hangingEmulator } from '../support/programs.js';

const aarch64 = path.join(EMULATORS, 'qemu-aarch64');
const installing = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  binfmt(['--install', 'arm64', ...args], env);

/** A folder with one file as qemu-aarch64. */
function folderWith(emulator: string): string {
  const dir = scratch();
  fs.copyFileSync(emulator, path.join(dir, 'qemu-aarch64'));
  return dir;
}

describe('install', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  for (const [args, flags] of [
    [[], 'POCF'],
    [['--no-credentials'], 'PF'],
    [['--no-preserve-argv0'], 'OCF'],
    [['--no-credentials', '--no-preserve-argv0'], 'F'],
  ] as const) {
    it(`${args.join(' ') || 'by default'}: flags ${flags}`, () => {
      expect(installing(args).exit).to.equal(0);
      expect(entryText('qemu-aarch64')).to.contain(`flags: ${flags}\n`);
    });
  }

  it('replaces other flags, and says so; not with --keep', () => {
    installing(['--no-credentials']);
    expect(installing(['--keep']).stderr).to.equal(
      'installing: arm64 OK (kept QEMU 11.1.3: flags PF are now POCF)\n'.replace('11.1.3', shippedVersion()),
    );
    expect(entryText('qemu-aarch64')).to.contain('flags: PF\n');
    expect(installing().stderr).to.equal('installing: arm64 OK (flags PF are now POCF)\n');
    expect(entryText('qemu-aarch64')).to.contain('flags: POCF\n');
  });

  it('replaces an older emulator by a newer one, and says both versions; not with --keep, nor the other way round', () => {
    const older = { QEMU_BINARY_PATH: OLDER_EMULATORS };
    expect(installing([], older).stderr).to.equal('installing: arm64 OK\n');
    const kept = installing(['--keep']);
    expect(kept.stderr).to.match(/OK \(kept QEMU 10\.0\S*:/);
    expect(entryText('qemu-aarch64')).to.contain(OLDER_EMULATORS);
    expect(installing().stderr).to.match(/^installing: arm64 OK \(QEMU 10\.0\S* is now 11\.\S+\)\n$/);
    expect(entryText('qemu-aarch64')).to.contain(aarch64);
    expect(installing([], older).stderr).to.match(/already registered, QEMU 11\./);
    expect(entryText('qemu-aarch64')).to.contain(aarch64);
  });

  it('asks the kernel for the version, not the path: the file of the entry may be gone', () => {
    const dir = folderWith(path.join(OLDER_EMULATORS, 'qemu-aarch64'));
    installing([], { QEMU_BINARY_PATH: dir });
    fs.rmSync(dir, { recursive: true });
    expect(installing().stderr).to.match(/QEMU 10\.0\S* is now 11\./);
  });

  it('leaves a working handler of another name alone, and names it; --force registers in front of it', () => {
    registerForeign('my-arm64', 'arm64', aarch64, 'F');
    expect(installing().stderr).to.equal('installing: arm64 OK (already runs through my-arm64, left alone)\n');
    expect(entryNames()).to.deep.equal(['my-arm64']);
    expect(installing(['--force']).stderr).to.equal('installing: arm64 OK (in front of my-arm64)\n');
    expect(entryNames()).to.deep.equal(['my-arm64', 'qemu-aarch64']);
    expect(installing(['--force']).stderr).to.match(/already registered/);
  });

  it('tells which of two handlers the kernel picks: the newest', () => {
    installing();
    registerForeign('my-arm64', 'arm64', path.join(OLDER_EMULATORS, 'qemu-aarch64'), 'F');
    expect(installing().stderr).to.match(/through my-arm64/);
    expect(installing(['--force']).exit).to.equal(0);
    expect(installing().stderr).to.match(/already registered, QEMU 11/);
  });

  it('registers in front of a handler of another name that does not work', () => {
    registerForeign('my-arm64', 'arm64', crashingEmulator(), 'F');
    expect(installing()).to.include({ stderr: 'installing: arm64 OK\n', exit: 0 });
    expect(entryNames()).to.deep.equal(['my-arm64', 'qemu-aarch64']);
  });

  it('replaces an entry of its name that is disabled', () => {
    installing();
    writeEntry('qemu-aarch64', '0');
    expect(statusIn(binfmt([])).emulators).to.deep.equal([]);
    expect(installing().stderr).to.equal('installing: arm64 OK (replaced a disabled entry)\n');
    expect(entryText('qemu-aarch64')).to.match(/^enabled/);
  });

  for (const [what, emulator, flags] of [
    ['crashes', crashingEmulator, 'F'],
    ['hangs', hangingEmulator, 'F'],
    ['is dynamically linked', dynamicEmulator, 'F'],
    ['is not there', () => '/nonexistent/qemu-aarch64', ''],
  ] as const) {
    it(`replaces an entry of its name whose emulator ${what}`, () => {
      registerForeign('qemu-aarch64', 'arm64', emulator(), flags);
      expect(statusIn(binfmt([])).supported).not.to.include('linux/arm64');
      const installed = installing();
      expect(installed).to.include({ stderr: 'installing: arm64 OK (replaced an entry that did not work)\n', exit: 0 });
      expect(statusIn(installed).supported).to.include('linux/arm64');
    }).timeout(20_000);
  }

  it('replaces an entry of its name that is for something else', () => {
    registerForeign('qemu-aarch64', 's390x', path.join(EMULATORS, 'qemu-s390x'), 'F');
    expect(installing()).to.include({
      stderr: 'installing: arm64 OK (replaced an entry that did not work)\n',
      exit: 0,
    });
  });

  for (const [what, prepare, cause] of [
    [
      'dynamically linked',
      () => folderWith(dynamicEmulator()),
      /is dynamically linked: .*keeps the emulator open, but not its loader \/lib/,
    ],
    ['not ELF', () => folderWith('/etc/passwd'), /is not an ELF executable/],
    ["another machine's", () => folderWith(foreignProgram()), /another machine's architecture/],
    ['not executable', notExecutable, /may not be executed; sudo chmod/],
    ['not there', scratch, /there is no emulator qemu-aarch64/],
  ] as const) {
    it(`refuses an emulator that is ${what}, with the reason, and registers nothing`, () => {
      const installed = installing([], { QEMU_BINARY_PATH: prepare() });
      expect(lastLine(installed.stderr))
        .to.match(/^installing: arm64 /)
        .and.match(cause);
      expect(installed.exit).to.equal(1);
      expect(statusIn(installed).emulators).to.deep.equal([]);
      expect(entryNames()).to.deep.equal([]);
    });
  }

  it('takes back what it registered when it then does not run', () => {
    const installed = installing([], { QEMU_BINARY_PATH: folderWith(crashingEmulator()) });
    expect(installed.stderr).to.match(
      /^installing: arm64 does not run: its emulator crashes \(probe: its emulator was killed by SIG(ILL|TRAP)/,
    );
    expect(installed.exit).to.equal(1);
    expect(entryNames()).to.deep.equal([]);
  });

  it('leaves a working entry where the newer emulator does not run', () => {
    installing([], { QEMU_BINARY_PATH: OLDER_EMULATORS });
    const before = entryText('qemu-aarch64');
    const source = `#include <stdio.h>
      #include <stdlib.h>
      int main(void) { if (getenv("QEMU_VERSION")) { puts("qemu-aarch64 version 99.0"); return 0; } return 3; }`;
    const installed = installing([], { QEMU_BINARY_PATH: folderWith(compile(source, ['-static'])) });
    expect(installed.exit).to.equal(1);
    expect(installed.stderr).to.match(
      /^installing: arm64 left as it is, since the new emulator does not run: its emulator exited with status 3 \(probe: .*\)\n$/,
    );
    expect(statusIn(installed).supported).to.include('linux/arm64');
    expect(entryText('qemu-aarch64')).to.equal(before);
    expect(entryNames()).to.deep.equal(['qemu-aarch64']);
  });

  for (const [what, limit] of [
    ['a temporary directory that is full', 'mount -t tmpfs -o size=8k full $TMPDIR'],
    ['few file descriptors', 'ulimit -n 24'],
  ] as const) {
    it(`removes nothing where the machine is short of something: ${what}`, () => {
      binfmt(['--install', 'all']);
      const before = entryNames();
      const script = `${limit}; QEMU_BINARY_PATH=${EMULATORS} exec ${PROGRAM} --install all`;
      statusIn(shell(`unshare --mount bash -euc '${script}'`, { TMPDIR: scratch() }));
      expect(entryNames()).to.deep.equal(before);
    }).timeout(60_000);
  }

  it('takes a relative folder of emulators, and does not wait for a FIFO', () => {
    const relative = path.relative('/', EMULATORS);
    const ended = shell(`cd /; QEMU_BINARY_PATH=${relative} ${PROGRAM} --version`);
    expect(ended.stdout).to.contain(' qemu/11.');
    const dir = scratch();
    shell(`mkfifo ${dir}/qemu-aarch64`);
    expect(lastLine(installing([], { QEMU_BINARY_PATH: dir }).stderr)).to.contain('not a regular file');
  });

  it('goes on after a failure, tells it last, and exits with 1', () => {
    const installed = binfmt(['--install', 'nonsense,arm64,linux/s390x']);
    expect(installed.exit).to.equal(1);
    expect(installed.stderr.split('\n').slice(0, 2)).to.deep.equal(['installing: arm64 OK', 'installing: s390x OK']);
    expect(lastLine(installed.stderr)).to.contain('"nonsense"');
    expect(statusIn(installed).supported).to.include.members(['linux/arm64', 'linux/s390x']);
  });

  it('holds a variant that was asked for to its word', () => {
    const installed = binfmt(['--install', 'linux/arm/v7,amd64/v4']);
    expect(installed.stderr).to.contain('installing: arm OK\n');
    expect(statusIn(installed).supported).to.include('linux/arm/v7');
    if (statusIn(installed).supported.includes('linux/amd64/v4')) expect(installed.exit).to.equal(0);
    else
      expect(lastLine(installed.stderr)).to.match(
        /^installing: amd64 does not run: this machine's processor goes up to v\d, and v4 was asked for/,
      );
  });

  it('of all, without a single emulator, is a failure that says what to do', () => {
    const installed = binfmt(['--install', 'all'], { QEMU_BINARY_PATH: scratch() });
    expect(installed.exit).to.equal(1);
    expect(lastLine(installed.stderr)).to.contain('QEMU_BINARY_PATH');
  });

  it('of 386 registers nothing where the processor runs it', () => {
    expect(binfmt(['--install', 'i386'])).to.include({
      stderr: 'installing: 386 OK (this machine runs it natively)\n',
      exit: 0,
    });
    expect(entryNames()).to.deep.equal([]);
  });

  it('names entry and file with the prefix', () => {
    const dir = scratch();
    fs.copyFileSync(aarch64, path.join(dir, 'my-qemu-aarch64'));
    const env = { QEMU_BINARY_PATH: dir, QEMU_BINARY_PREFIX: 'my-' };
    expect(installing([], env).exit).to.equal(0);
    expect(entryNames()).to.deep.equal(['my-qemu-aarch64']);
    expect(binfmt(['--uninstall', 'arm64'], env).stderr).to.equal('uninstalling: my-qemu-aarch64 OK\n');
  });

  it('may have strange letters in the folder of the emulators', () => {
    const dir = path.join(scratch(), 'a:b|c d');
    fs.mkdirSync(dir);
    fs.copyFileSync(aarch64, path.join(dir, 'qemu-aarch64'));
    expect(installing([], { QEMU_BINARY_PATH: dir })).to.include({ stderr: 'installing: arm64 OK\n', exit: 0 });
    expect(entryText('qemu-aarch64')).to.contain(`interpreter ${dir}/qemu-aarch64\n`);
  });

  it('many times at once: all succeed', () => {
    const one = `QEMU_BINARY_PATH=${EMULATORS} ${PROGRAM} --install arm64,s390x,riscv64 >/dev/null`;
    const { exit, stderr } = shell(
      `for i in 1 2 3 4 5 6; do ${one} & pids="$pids $!"; done; for pid in $pids; do wait $pid; done`,
      {
        pids: '',
      },
    );
    const lines = stderr.trim().split('\n');
    expect(lines).to.have.length(18);
    for (const line of lines) expect(line).to.match(/^installing: \w+ OK/);
    expect(exit).to.equal(0);
    expect(entryNames()).to.deep.equal(['qemu-aarch64', 'qemu-riscv64', 'qemu-s390x']);
  }).timeout(30_000);
});

function shippedVersion(): string {
  return /qemu\/(\S+)/.exec(binfmt(['--version']).stdout)?.[1] ?? '';
}

/** A program for arm64, made from an emulator by changing the machine in its header. */
function foreignProgram(): string {
  const file = path.join(scratch(), 'program');
  const bytes = fs.readFileSync(aarch64);
  bytes.writeUInt16LE(0xb7, 18);
  fs.writeFileSync(file, bytes);
  return file;
}

function notExecutable(): string {
  const dir = folderWith(aarch64);
  fs.chmodSync(path.join(dir, 'qemu-aarch64'), 0o644);
  return dir;
}

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { parseElf, probeExecutable } from '../../src/core/elf.js';
import type { Status } from '../../src/core/status.js';
import { clearEntries, entryNames, entryText, MOUNT, registerForeign, writeEntry } from '../support/kernel.js';
import { guest, guest2, guest3, native, variantGuest } from '../support/machine.js';
import {
  binfmt,
  EMULATORS,
  lastLine,
  OLDER_EMULATORS,
  olderVersion,
  PROGRAM,
  shell,
  shippedVersion,
  started,
  statusIn,
} from '../support/program.js';
import {
  compile,
  crashingEmulator,
  dynamicEmulator,
  emulatorExiting,
  hangingEmulator,
  starvedEmulator,
} from '../support/programs.js';
import { scratch } from '../support/scratch.js';
import { until } from '../support/watcher.js';

const { name, platform, emulator: entry } = guest;
const emulator = path.join(EMULATORS, entry);
const olderEmulator = path.join(OLDER_EMULATORS, entry);
const installing = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  binfmt(['--install', name, ...args], env);

/** A directory with one file as the emulator of the example. */
function directoryWith(file: string): string {
  const dir = scratch();
  fs.copyFileSync(file, path.join(dir, entry));
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
    it(`registers with the flags ${flags} ${args.length > 0 ? `if it is given ${args.join(' ')}` : 'by default'}`, () => {
      expect(installing(args).exit).to.equal(0);
      expect(entryText(entry)).to.contain(`flags: ${flags}\n`);
    });
  }

  it('replaces an entry with other flags and names both, but keeps it with --keep and says so', () => {
    installing(['--no-credentials']);
    expect(installing(['--keep']).stderr).to.equal(
      `installing: ${name} OK (kept QEMU ${shippedVersion()} with flags PF; without --keep it would get POCF)\n`,
    );
    expect(entryText(entry)).to.contain('flags: PF\n');
    expect(installing().stderr).to.equal(`installing: ${name} OK (flags PF are now POCF)\n`);
    expect(entryText(entry)).to.contain('flags: POCF\n');
  });

  it('replaces an older emulator and names both versions, but never a newer one, and not with --keep', () => {
    const older = { QEMU_BINARY_PATH: OLDER_EMULATORS };
    expect(installing([], older).stderr).to.equal(`installing: ${name} OK\n`);
    const kept = installing(['--keep']);
    expect(kept.stderr).to.equal(
      `installing: ${name} OK (kept QEMU ${olderVersion()}; QEMU ${shippedVersion()} is available)\n`,
    );
    expect(entryText(entry)).to.contain(OLDER_EMULATORS);
    expect(installing().stderr).to.equal(
      `installing: ${name} OK (QEMU ${olderVersion()} is now ${shippedVersion()})\n`,
    );
    expect(entryText(entry)).to.contain(emulator);
    expect(installing([], older).stderr).to.contain(`already registered, QEMU ${shippedVersion()}`);
    expect(entryText(entry)).to.contain(emulator);
  });

  it('has an emulator registered at every moment while it replaces one that works', async () => {
    installing([], { QEMU_BINARY_PATH: OLDER_EMULATORS });
    // The kernel tells of every entry that is removed, in order.
    const removed: (string | null)[] = [];
    const inotify = fs.watch(MOUNT, (event, file) => event === 'rename' && removed.push(file));
    try {
      const { stderr } = await started(PROGRAM, ['--install', name], { QEMU_BINARY_PATH: EMULATORS });
      expect(stderr).to.contain(`is now ${shippedVersion()}`);
      await until(() => removed.length > 1, 'the kernel to tell');
    } finally {
      inotify.close();
    }
    expect(removed).to.have.length(2);
    expect(removed[0]).to.equal(entry);
    expect(removed[1]).to.match(new RegExp(`^${entry}-trial-`));
  });

  it('learns the version from the running emulator, even if the file in the entry was deleted', () => {
    const dir = directoryWith(olderEmulator);
    installing([], { QEMU_BINARY_PATH: dir });
    fs.rmSync(dir, { recursive: true });
    expect(installing().stderr).to.contain(`QEMU ${olderVersion()} is now ${shippedVersion()}`);
  });

  it('starts no emulator to learn the version of one that is in the manifest beside it', () => {
    const root = scratch();
    const bin = path.join(root, 'usr/bin');
    fs.mkdirSync(path.join(root, 'usr/share/binfmt'), { recursive: true });
    fs.mkdirSync(bin);
    fs.copyFileSync(emulator, path.join(bin, entry));
    const bytes = fs.readFileSync(emulator);
    const build = { buildId: parseElf(bytes)?.buildId, version: '98.7', size: bytes.length };
    const manifest = (text: string) => fs.writeFileSync(path.join(root, 'usr/share/binfmt/manifest.json'), text);
    manifest(JSON.stringify({ emulators: [build] }));
    const environment = { QEMU_BINARY_PATH: bin };
    expect(binfmt(['--version'], environment).stdout).to.contain(' qemu/98.7 ');
    installing([], environment);
    expect(installing([], environment).stderr).to.contain('already registered, QEMU 98.7');
    for (const unusable of [{ ...build, version: 5 }, { ...build, size: 1 }, {}]) {
      manifest(JSON.stringify({ emulators: [unusable] }));
      expect(binfmt(['--version'], environment).stdout).to.contain(` qemu/${shippedVersion()} `);
    }
    manifest('no JSON');
    expect(installing([], environment).stderr).to.contain(`already registered, QEMU ${shippedVersion()}`);
  });

  it('leaves a working entry of another name alone, and registers in front of it with --force', () => {
    registerForeign('mine', name, emulator, 'F');
    expect(installing().stderr).to.equal(`installing: ${name} OK (already runs through mine, left alone)\n`);
    expect(entryNames()).to.deep.equal(['mine']);
    expect(installing(['--force']).stderr).to.equal(`installing: ${name} OK (in front of mine)\n`);
    expect(entryNames()).to.deep.equal(['mine', entry]);
    expect(installing(['--force']).stderr).to.match(/already registered/);
  });

  it('recognizes which of two entries the kernel takes', () => {
    installing();
    registerForeign('mine', name, olderEmulator, 'F');
    expect(installing().stderr).to.match(/through mine/);
    expect(installing(['--force']).exit).to.equal(0);
    expect(installing().stderr).to.contain(`already registered, QEMU ${shippedVersion()}`);
  });

  it('registers in front of an entry of another name that does not work', () => {
    registerForeign('mine', name, crashingEmulator(), 'F');
    expect(installing()).to.include({ stderr: `installing: ${name} OK\n`, exit: 0 });
    expect(entryNames()).to.deep.equal(['mine', entry]);
  });

  it('replaces a disabled entry of its name', () => {
    installing();
    writeEntry(entry, '0');
    expect(statusIn(binfmt([])).emulators).to.deep.equal([]);
    expect(installing().stderr).to.equal(`installing: ${name} OK (replaced a disabled entry)\n`);
    expect(entryText(entry)).to.match(/^enabled/);
  });

  for (const [what, broken, flags] of [
    ['crashes', crashingEmulator, 'F'],
    ['hangs', hangingEmulator, 'F'],
    ['is dynamically linked', dynamicEmulator, 'F'],
    ['does not exist', () => '/nonexistent/emulator', ''],
  ] as const) {
    it(`replaces an entry of its name whose emulator ${what}`, () => {
      registerForeign(entry, name, broken(), flags);
      expect(statusIn(binfmt([])).supported).not.to.include(platform);
      const installed = installing();
      expect(installed).to.include({
        stderr: `installing: ${name} OK (replaced an entry that did not work)\n`,
        exit: 0,
      });
      expect(statusIn(installed).supported).to.include(platform);
    }).timeout(20_000);
  }

  it('replaces an entry of its name that matches programs of another architecture', () => {
    registerForeign(entry, guest2.name, path.join(EMULATORS, guest2.emulator), 'F');
    expect(installing()).to.include({
      stderr: `installing: ${name} OK (replaced an entry that did not work)\n`,
      exit: 0,
    });
  });

  for (const [what, prepare, lines] of [
    [
      'is dynamically linked',
      () => directoryWith(dynamicEmulator()),
      /is dynamically linked: .*keeps the emulator open .*, but not its loader \/lib.*; use a statically linked emulator/,
    ],
    ['is not ELF', () => directoryWith('/etc/passwd'), /is not an ELF executable; fix or replace the emulator \//],
    [
      'is built for another machine',
      () => directoryWith(foreignProgram()),
      /is built for a different CPU architecture; fix or replace the emulator \//,
    ],
    ['is not executable', notExecutable, /is not executable; sudo chmod \+x \//],
    ['does not exist', scratch, new RegExp(`${entry} not found in \\S+; set QEMU_BINARY_PATH to the directory`)],
  ] as const) {
    it(`refuses an emulator that ${what}; cause and remedy are in its last line`, () => {
      const installed = installing([], { QEMU_BINARY_PATH: prepare() });
      expect(lastLine(installed.stderr))
        .to.match(new RegExp(`^installing: ${name} `))
        .and.match(lines);
      expect(installed.exit).to.equal(1);
      expect(statusIn(installed).emulators).to.deep.equal([]);
      expect(entryNames()).to.deep.equal([]);
    });
  }

  it('removes what it registered if it does not run; cause and remedy are in its last line', () => {
    const installed = installing([], { QEMU_BINARY_PATH: directoryWith(crashingEmulator()) });
    expect(installed.stderr).to.match(
      new RegExp(
        `^installing: ${name} does not run: the emulator crashes \\(probe: SIG(ILL|TRAP)[^)]*\\); use other emulators: set QEMU_BINARY_PATH .*\n$`,
      ),
    );
    expect(installed.exit).to.equal(1);
    expect(entryNames()).to.deep.equal([]);
  });

  it('keeps a working entry if the newer emulator does not run', () => {
    installing([], { QEMU_BINARY_PATH: OLDER_EMULATORS });
    const before = entryText(entry);
    const source = `#include <stdio.h>
      #include <stdlib.h>
      int main(void) { if (getenv("QEMU_VERSION")) { puts("${entry} version 99.0"); return 0; } return 3; }`;
    const installed = installing([], { QEMU_BINARY_PATH: directoryWith(compile(source, ['-static'])) });
    expect(installed.exit).to.equal(1);
    expect(installed.stderr).to.match(
      new RegExp(
        `^installing: ${name} kept the existing entry, because the new emulator does not run: the emulator exited with status 3 \\(probe: [^()]*\\); use other emulators: set QEMU_BINARY_PATH .*\n$`,
      ),
    );
    expect(statusIn(installed).supported).to.include(platform);
    expect(entryText(entry)).to.equal(before);
    expect(entryNames()).to.deep.equal([entry]);
  });

  it('prints the entries that are left, after one of all was removed again', () => {
    const dir = directoryWith(emulator);
    fs.copyFileSync(crashingEmulator(), path.join(dir, guest2.emulator));
    const ended = binfmt(['--install', 'all'], { QEMU_BINARY_PATH: dir });
    expect(ended.exit).to.equal(1);
    expect(statusIn(ended).emulators).to.deep.equal([entry]);
    expect(entryNames()).to.deep.equal([entry]);
  });

  describe('when the machine is short of something', () => {
    let before: Status;
    const again = (limit: string) =>
      shell(`exec unshare --mount bash -euc '${limit}; QEMU_BINARY_PATH=${EMULATORS} exec ${PROGRAM} --install all'`, {
        TMPDIR: scratch(),
      });
    beforeEach(() => {
      before = statusIn(binfmt(['--install', 'all']));
    });

    it('probes in memory when every place for temporary files is full', () => {
      const fill = `for dir in $TMPDIR /dev/shm /run; do
          mount -t tmpfs -o size=8k full $dir; head -c 8192 /dev/zero >$dir/fill
          if echo >$dir/more; then exit 99; fi
        done 2>/dev/null`;
      const ended = again(fill);
      expect(ended.exit, ended.stderr).to.equal(0);
      expect(statusIn(ended)).to.deep.equal(before);
    });

    it('makes do with 24 file descriptors', () => {
      const ended = again('ulimit -n 24');
      expect(ended.exit, ended.stderr).to.equal(0);
      expect(statusIn(ended)).to.deep.equal(before);
    });

    it('leaves an entry whose emulator gets no time of the processor, and says so', async () => {
      const allowed = /^Cpus_allowed_list:\t(\d+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
      writeEntry(entry, '-1');
      registerForeign(entry, name, starvedEmulator(Number(allowed)), 'F');
      const busy = [1, 2].map(() => spawn('taskset', ['--cpu-list', allowed, 'sh', '-c', 'while :; do :; done']));
      try {
        const ended = installing();
        expect(ended.stderr).to.match(/could not be run, because .* \(processor time\)/);
        expect(ended.exit).to.equal(1);
        expect(entryText(entry)).to.contain('flags: F\n');
      } finally {
        for (const each of busy) each.kill();
      }
    });

    it('fails, and leaves all entries, when it may write no file at all', () => {
      const ended = again('ulimit -f 0');
      expect(ended.exit).to.equal(1);
      expect(lastLine(ended.stderr)).to.contain('EFBIG');
      expect(entryNames()).to.deep.equal(before.emulators);
    });
  }).timeout(60_000);

  it('accepts a relative directory of emulators, and does not wait for a FIFO', () => {
    const relative = path.relative('/', EMULATORS);
    const ended = shell(`cd /; QEMU_BINARY_PATH=${relative} ${PROGRAM} --version`);
    expect(ended.stdout).to.contain(` qemu/${shippedVersion()} `);
    const dir = scratch();
    shell(`mkfifo ${dir}/${entry}`);
    expect(lastLine(installing([], { QEMU_BINARY_PATH: dir }).stderr)).to.contain('not a regular file');
  });

  it('continues after a failure, prints it last, and exits with 1', () => {
    const installed = binfmt(['--install', `nonsense,${name},${guest2.platform}`]);
    expect(installed.exit).to.equal(1);
    expect(installed.stderr.split('\n').slice(0, 2)).to.deep.equal([
      `installing: ${name} OK`,
      `installing: ${guest2.name} OK`,
    ]);
    expect(lastLine(installed.stderr)).to.contain('installing: nonsense unknown platform: "nonsense"');
    expect(statusIn(installed).supported).to.include.members([platform, guest2.platform]);
  });

  it('removes what a killed call has left, but not what another call may be using', () => {
    registerForeign(`${entry}-trial-1`, name, path.join(EMULATORS, entry), 'F');
    registerForeign(`${guest2.emulator}-trial-2`, guest2.name, path.join(EMULATORS, guest2.emulator), 'F');
    writeEntry('register', ':binfmt-test-8-abc:E::binfmt-test-8-abc::/nonexistent:');
    const [left, used] = ['left', 'used'].map(() => fs.mkdtempSync(path.join(os.tmpdir(), 'binfmt-probe-')));
    fs.writeFileSync(path.join(left ?? '', guest.name), '');
    const longAgo = new Date(Date.now() - 600_000);
    for (const each of [path.join(MOUNT, `${entry}-trial-1`), path.join(MOUNT, 'binfmt-test-8-abc'), left ?? ''])
      fs.utimesSync(each, longAgo, longAgo);
    expect(installing()).to.include({ exit: 0, stderr: `installing: ${name} OK\n` });
    expect(entryNames()).to.have.members([entry, `${guest2.emulator}-trial-2`]);
    expect([left, used].map((each) => fs.existsSync(each ?? ''))).to.deep.equal([false, true]);
    fs.rmSync(used ?? '', { recursive: true });
  });

  it('fails if the emulator does not reach the variant that was asked for', () => {
    const { architecture, higher, lower, lowerStatus } = variantGuest;
    const wanted = `linux/${architecture.name}/v${higher}`;
    expect(binfmt(['--install', wanted]).stderr).to.equal(`installing: ${architecture.name} OK\n`);
    clearEntries();
    const lesser = emulatorExiting(lowerStatus);
    registerForeign('lesser', architecture.name, lesser, 'F');
    const installed = binfmt(['--install', wanted]);
    expect(installed.exit).to.equal(1);
    expect(lastLine(installed.stderr)).to.contain(
      `you asked for v${higher}, but the emulator only goes up to v${lower}`,
    );
    expect(statusIn(installed).supported).not.to.include(wanted);
  });

  for (const [architecture, level] of native) {
    for (const asked of Object.values(architecture.levels ?? {}).filter((each) => level !== undefined && each > 1)) {
      const enough = level !== undefined && asked <= level;
      it(`reports that this processor ${enough ? 'runs' : 'does not run'} linux/${architecture.name}/v${asked}`, () => {
        const installed = binfmt(['--install', `${architecture.name}/v${asked}`]);
        expect(installed.exit).to.equal(enough ? 0 : 1);
        expect(lastLine(installed.stderr)).to.contain(
          enough
            ? 'this machine runs it natively'
            : `does not run: you asked for v${asked}, but this machine's processor only goes up to v${level}`,
        );
      });
    }
  }

  it('fails with a hint if there are no emulators at all', () => {
    const installed = binfmt(['--install', 'all'], { QEMU_BINARY_PATH: scratch() });
    expect(installed.exit).to.equal(1);
    expect(lastLine(installed.stderr)).to.match(
      /^installing: all there is no qemu-\* emulator in \/.*; set QEMU_BINARY_PATH /,
    );
  });

  for (const { name: nativeName } of native.keys()) {
    it(`registers nothing for ${nativeName}, because the processor runs it`, () => {
      expect(binfmt(['--install', nativeName])).to.include({
        stderr: `installing: ${nativeName} OK (this machine runs it natively)\n`,
        exit: 0,
      });
      expect(entryNames()).to.deep.equal([]);
    });
  }

  it('uses the prefix in the names of entry and file', () => {
    const dir = scratch();
    fs.copyFileSync(emulator, path.join(dir, `my-${entry}`));
    const env = { QEMU_BINARY_PATH: dir, QEMU_BINARY_PREFIX: 'my-' };
    expect(installing([], env).exit).to.equal(0);
    expect(entryNames()).to.deep.equal([`my-${entry}`]);
    expect(binfmt(['--uninstall', name], env).stderr).to.equal(`uninstalling: my-${entry} OK\n`);
  });

  it('accepts unusual characters in the directory of the emulators', () => {
    const dir = path.join(scratch(), 'a:b|c d');
    fs.mkdirSync(dir);
    fs.copyFileSync(emulator, path.join(dir, entry));
    expect(installing([], { QEMU_BINARY_PATH: dir })).to.include({ stderr: `installing: ${name} OK\n`, exit: 0 });
    expect(entryText(entry)).to.contain(`interpreter ${dir}/${entry}\n`);
  });

  it('succeeds if six installations run at the same time', () => {
    const one = `QEMU_BINARY_PATH=${EMULATORS} ${PROGRAM} --install ${name},${guest2.name},${guest3.name} >/dev/null`;
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
    expect(entryNames()).to.deep.equal([entry, guest2.emulator, guest3.emulator].sort());
  }).timeout(30_000);
});

/** A statically linked program of another architecture. */
function foreignProgram(): string {
  const file = path.join(scratch(), 'program');
  fs.writeFileSync(file, probeExecutable(guest.architecture), { mode: 0o755 });
  return file;
}

function notExecutable(): string {
  const dir = directoryWith(emulator);
  fs.chmodSync(path.join(dir, entry), 0o644);
  return dir;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { clearEntries, entryNames, entryText } from '../support/kernel.js';
import { long } from '../support/long.js';
import { guest, guest2 } from '../support/machine.js';
import {
  both,
  CONFIGURATION,
  CONFIGURATION2,
  EMULATOR,
  EMULATOR2,
  entry,
  MANIFEST,
  name,
  older,
  onHost,
} from '../support/persist-host.js';
import {
  EMULATORS,
  type Ended,
  lastLine,
  must,
  OLDER_EMULATORS,
  PROGRAM,
  run,
  started,
  statusIn,
} from '../support/program.js';
import { scratch } from '../support/scratch.js';
import { until } from '../support/watcher.js';

describe('--persist', () => {
  const host = onHost();
  const { install, uninstall, at, read, written, isEmulator } = host;

  describe('on a host that cannot be written', () => {
    const unmount: string[] = [];
    function mounted(directory: string, ...args: string[]): void {
      must('mount', [...args, at(directory)]);
      unmount.unshift(at(directory));
    }
    function makeReadOnly(directory: string): void {
      mounted(directory, '--bind', at(directory));
      must('mount', ['-o', 'remount,bind,ro', at(directory)]);
    }
    afterEach(() => {
      // The entries keep the emulators open.
      clearEntries();
      for (const directory of unmount.splice(0)) must('umount', [directory]);
    });
    function expectUnchanged(ended: Ended, message: string): void {
      expect(ended.exit).to.equal(1);
      expect(lastLine(ended.stderr)).to.equal(`binfmt: cannot write to ${message}; nothing was changed`);
      statusIn(ended);
    }

    it('says that no space is left, and keeps what was there', () => {
      const size = fs.statSync(path.join(EMULATORS, entry)).size + (1 << 20);
      mounted('usr/local', '-t', 'tmpfs', '-o', `size=${size}`, 'none');
      expect(install(name, older).exit).to.equal(0);
      const before = [written(), read(MANIFEST), entryText(entry)];
      expectUnchanged(install(), '"/usr/local/lib/binfmt" (ENOSPC: no space is left)');
      expect([written(), read(MANIFEST), entryText(entry)]).to.deep.equal(before);
      expect(isEmulator(EMULATOR, OLDER_EMULATORS)).to.equal(true);
    });

    it('says that the file system is read-only, and neither writes nor takes back', () => {
      install();
      const before = written();
      makeReadOnly('usr');
      expectUnchanged(install(guest2.name), '"/usr/local/lib/binfmt" (EROFS: the file system is read-only)');
      const ended = uninstall();
      expect(ended.exit).to.equal(1);
      expect(ended.stderr).to.contain('EROFS: the file system is read-only); nothing was changed');
      expect(written()).to.deep.equal(before);
      expect(entryNames()).to.deep.equal([entry]);
    });

    it('changes nothing either if only the configuration cannot be written', () => {
      fs.mkdirSync(at('etc/binfmt.d'), { recursive: true });
      makeReadOnly('etc');
      expectUnchanged(install(), '"/etc/binfmt.d" (EROFS: the file system is read-only)');
      expect(written()).to.deep.equal([]);
      expect(entryNames()).to.deep.equal([]);
    });

    it('works where /usr is read-only and /usr/local is an absolute link, which it resolves within the host', () => {
      const outside = scratch();
      fs.mkdirSync(at(path.join(outside, 'lib')), { recursive: true });
      fs.rmSync(at('usr/local'), { recursive: true });
      fs.symlinkSync(outside, at('usr/local'));
      makeReadOnly('usr');
      expect(install().exit).to.equal(0);
      expect(fs.readdirSync(outside)).to.deep.equal([]);
      expect(fs.existsSync(at(path.join(outside, 'lib/binfmt', entry)))).to.equal(true);
      expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
      expect(uninstall().exit).to.equal(0);
      expect(fs.readdirSync(at(path.join(outside, 'lib')))).to.deep.equal([]);
    });
  });

  // That no level is followed is tested with `export`, which resolves paths in the same way.
  for (const [level, targetOf] of [
    ['usr/local/lib/binfmt', (outside: string) => outside],
    ['etc/binfmt.d', (outside: string) => `${'../'.repeat(20)}${outside.slice(1)}`],
  ] as const) {
    it(`never follows a link at ${level} that would lead out of the host`, () => {
      const outside = scratch();
      fs.mkdirSync(path.dirname(at(level)), { recursive: true });
      fs.symlinkSync(targetOf(outside), at(level));
      expect(install().exit).to.equal(1);
      expect(fs.readdirSync(outside)).to.deep.equal([]);
      expect(entryNames()).to.deep.equal([]);
    });
  }

  /** Kills a call, with all its processes, at this change of its directories. Tells how many changes it made. */
  async function killedAt(change: number, words: readonly string[], directory: string) {
    let changes = 0;
    const watchers = ['usr/local/lib/binfmt', 'etc/binfmt.d'].map((each) => {
      fs.mkdirSync(at(each), { recursive: true });
      return fs.watch(at(each), () => {
        changes++;
        if (changes === change && child.exitCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL');
      });
    });
    const child = spawn(PROGRAM, [...words, '--persist', '--host', host.root], {
      env: { ...process.env, QEMU_BINARY_PATH: directory },
      detached: true,
      stdio: 'ignore',
    });
    const [, signal] = await once(child, 'exit');
    // A killed process ends when the disk has answered it, and may still create a file.
    const alive = ['--pgroup', String(child.pid), '--runstates', 'D,I,R,S,T'];
    await until(() => run('pgrep', alive).exit === 1, 'the end of all its processes');
    for (const watcher of watchers) watcher.close();
    return { changes, killed: signal === 'SIGKILL' };
  }

  it('leaves each file old or new if it is killed at any moment, and the next call completes it', async function () {
    this.timeout(600_000);
    const directories = [OLDER_EMULATORS, EMULATORS] as const;
    const { changes } = await killedAt(0, ['--install', both], OLDER_EMULATORS);
    const configurations = [
      [CONFIGURATION, EMULATOR, read(CONFIGURATION)],
      [CONFIGURATION2, EMULATOR2, read(CONFIGURATION2)],
    ] as const;
    // A call that has ended before it could be killed does not count.
    for (let round = 0, kills = 0; kills < (long ? 30 : 2); round++) {
      const uninstalling = round % 3 === 2;
      const words = uninstalling ? ['--uninstall', 'all'] : ['--install', both];
      const change = Math.ceil(Math.random() * (uninstalling ? Math.min(changes, 6) : changes));
      // Of two versions the one that the host does not have, so that there is something to replace.
      const old = fs.existsSync(at(EMULATOR)) && isEmulator(EMULATOR, OLDER_EMULATORS);
      const { killed } = await killedAt(change, words, old ? EMULATORS : OLDER_EMULATORS);
      if (killed) kills++;
      for (const each of [EMULATOR, EMULATOR2]) {
        if (!fs.existsSync(at(each))) continue;
        expect(directories.some((directory) => isEmulator(each, directory))).to.equal(true);
      }
      for (const [configuration, emulator, text] of configurations) {
        if (!fs.existsSync(at(configuration))) continue;
        expect(read(configuration)).to.equal(text);
        // A configuration never names a file that is not there.
        expect(fs.existsSync(at(emulator))).to.equal(true);
      }
    }
    const completed = install(both);
    expect(completed.exit, completed.stderr).to.equal(0);
    expect(isEmulator(EMULATOR, EMULATORS)).to.equal(true);
    expect(written().filter((file) => file.endsWith('.new'))).to.deep.equal([]);
    expect(uninstall('all').exit).to.equal(0);
    expect(written()).to.deep.equal([]);
  });

  it('lets calls at the same time wait for each other', async () => {
    const guests = [guest, guest2];
    const calls = guests.map((each) =>
      started(PROGRAM, ['--install', each.name, '--persist', '--host', host.root], { QEMU_BINARY_PATH: EMULATORS }),
    );
    for (const ended of await Promise.all(calls)) expect(ended.exit, ended.stderr).to.equal(0);
    const all = [EMULATOR, CONFIGURATION, EMULATOR2, CONFIGURATION2];
    expect(Object.keys(JSON.parse(read(MANIFEST)).files)).to.have.members(all);
    expect(entryNames()).to.have.members(guests.map((each) => each.emulator));
  });
});

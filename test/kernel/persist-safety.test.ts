import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { bootWithSystemd } from '../support/debian-root.js';
import { clearEntries, entryNames, entryText } from '../support/kernel.js';
import { guest, guest2, guest3 } from '../support/machine.js';
import {
  CONFIGURATION,
  EMULATOR,
  entry,
  hash,
  MANIFEST,
  name,
  older,
  onHost,
  platform,
} from '../support/persist-host.js';
import {
  binfmt,
  EMULATORS,
  type Ended,
  lastLine,
  must,
  OLDER_EMULATORS,
  PROGRAM,
  started,
  statusIn,
} from '../support/program.js';
import { scratch } from '../support/scratch.js';

describe('--persist', () => {
  const host = onHost();
  const { install, uninstall, at, read, written, isEmulator } = host;

  describe('on a host that cannot be written', () => {
    const unmount: string[] = [];
    function mounted(directory: string, ...args: string[]): void {
      must('mount', [...args, at(directory)]);
      unmount.unshift(at(directory));
    }
    afterEach(() => {
      // They keep the emulators open.
      clearEntries();
      for (const directory of unmount.splice(0)) must('umount', [directory]);
    });
    function expectUnchanged(ended: Ended, message: string): void {
      expect(ended.exit).to.equal(1);
      expect(lastLine(ended.stderr)).to.equal(`binfmt: cannot write to ${message}; nothing was changed`);
      statusIn(ended);
    }

    it('says that no space is left, and keeps what was there', () => {
      mounted(
        'usr/local',
        '-t',
        'tmpfs',
        '-o',
        `size=${fs.statSync(path.join(EMULATORS, entry)).size + (1 << 20)}`,
        'none',
      );
      expect(install(name, older).exit).to.equal(0);
      const before = [written(), read(MANIFEST), entryText(entry)];
      expectUnchanged(install(), '"/usr/local/lib/binfmt" (ENOSPC: no space is left)');
      expect([written(), read(MANIFEST), entryText(entry)]).to.deep.equal(before);
      expect(isEmulator(EMULATOR, OLDER_EMULATORS)).to.equal(true);
    });

    it('changes nothing if what is to be taken back is on a read-only file system', () => {
      install();
      const before = written();
      mounted('usr', '--bind', at('usr'));
      must('mount', ['-o', 'remount,bind,ro', at('usr')]);
      const ended = uninstall();
      must('mount', ['-o', 'remount,bind,rw', at('usr')]);
      expect(ended.exit).to.equal(1);
      expect(ended.stderr).to.contain('EROFS: the file system is read-only); nothing was changed');
      expect(written()).to.deep.equal(before);
      expect(uninstall().exit).to.equal(0);
    });

    it('says that the file system is read-only', () => {
      mounted('usr', '--bind', at('usr'));
      must('mount', ['-o', 'remount,bind,ro', at('usr')]);
      expectUnchanged(install(), '"/usr/local/lib/binfmt" (EROFS: the file system is read-only)');
      expect(written()).to.deep.equal([]);
      expect(entryNames()).to.deep.equal([]);
    });

    it('changes nothing either if only the configuration cannot be written', () => {
      fs.mkdirSync(at('etc/binfmt.d'), { recursive: true });
      mounted('etc', '--bind', at('etc'));
      must('mount', ['-o', 'remount,bind,ro', at('etc')]);
      expectUnchanged(install(), '"/etc/binfmt.d" (EROFS: the file system is read-only)');
      expect(written()).to.deep.equal([]);
      expect(entryNames()).to.deep.equal([]);
    });

    it('works on a host whose /usr is read-only and whose /usr/local is a link to somewhere else', () => {
      fs.mkdirSync(at('var/usrlocal/lib'), { recursive: true });
      fs.rmSync(at('usr/local'), { recursive: true });
      fs.symlinkSync('../var/usrlocal', at('usr/local'));
      mounted('usr', '--bind', at('usr'));
      must('mount', ['-o', 'remount,bind,ro', at('usr')]);
      expect(install().exit).to.equal(0);
      expect(fs.existsSync(at(`var/usrlocal/lib/binfmt/${entry}`))).to.equal(true);
      expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
      clearEntries();
      bootWithSystemd(host.root);
      expect(statusIn(binfmt([])).supported).to.include(platform);
      expect(uninstall().exit).to.equal(0);
      expect(fs.readdirSync(at('var/usrlocal/lib'))).to.deep.equal([]);
    });
  });

  describe('on a host with symbolic links', () => {
    it('resolves absolute ones within the host', () => {
      const outside = scratch();
      fs.mkdirSync(path.join(host.root, outside), { recursive: true });
      fs.rmSync(at('usr/local'), { recursive: true });
      fs.symlinkSync(outside, at('usr/local'));
      expect(install().exit).to.equal(0);
      expect(fs.readdirSync(outside)).to.deep.equal([]);
      expect(fs.existsSync(path.join(host.root, outside, 'lib/binfmt', entry))).to.equal(true);
    });

    for (const level of ['usr/local', 'usr/local/lib', 'usr/local/lib/binfmt', 'etc', 'etc/binfmt.d']) {
      it(`never follows one at ${level} that would lead out of the host`, () => {
        const outside = scratch();
        fs.mkdirSync(path.join(outside, 'binfmt.d'));
        for (const target of [outside, `${'../'.repeat(20)}${outside.slice(1)}`]) {
          fs.rmSync(at(level), { recursive: true, force: true });
          fs.mkdirSync(path.dirname(at(level)), { recursive: true });
          fs.symlinkSync(target, at(level));
          expect(install().exit).to.equal(1);
        }
        expect(fs.readdirSync(outside, { recursive: true })).to.deep.equal(['binfmt.d']);
        expect(entryNames()).to.deep.equal([]);
      });
    }
  });

  it('leaves each file old or new if it is killed at any moment, and the next call completes it', async function () {
    this.timeout(300_000);
    const began = performance.now();
    install(`${name},${guest2.name}`, older);
    const whole = performance.now() - began;
    const directories = [OLDER_EMULATORS, EMULATORS];
    const known = new Set(
      directories.flatMap((each) => [entry, guest2.emulator].map((file) => hash(path.join(each, file)))),
    );
    const configuration = read(CONFIGURATION);
    let killed = 0;
    for (let round = 0; round < 30; round++) {
      const uninstalling = round % 5 === 4;
      const words = uninstalling ? ['--uninstall', 'all'] : ['--install', `${name},${guest2.name}`];
      const env = { ...process.env, QEMU_BINARY_PATH: directories[round % 2] };
      const child = spawn(PROGRAM, [...words, '--persist', '--host', host.root], {
        env,
        detached: true,
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      await setTimeout(Math.random() * whole);
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {
        // It has ended already.
      }
      const [, signal] = await ended;
      if (signal === 'SIGKILL') killed++;
      for (const each of [entry, guest2.emulator].map((file) => `usr/local/lib/binfmt/${file}`)) {
        if (fs.existsSync(at(each))) expect([...known]).to.include(hash(at(each)));
      }
      if (fs.existsSync(at(CONFIGURATION))) {
        expect(read(CONFIGURATION)).to.equal(configuration);
        // A configuration never names a file that is not there.
        expect(fs.existsSync(at(EMULATOR))).to.equal(true);
      }
      bootWithSystemd(host.root);
    }
    expect(killed).to.be.above(5);
    const completed = install(`${name},${guest2.name}`);
    expect(completed.exit, completed.stderr).to.equal(0);
    expect(isEmulator(EMULATOR, EMULATORS)).to.equal(true);
    expect(written().filter((file) => file.endsWith('.new'))).to.deep.equal([]);
    expect(uninstall('all').exit).to.equal(0);
    expect(written()).to.deep.equal([]);
  });

  it('lets calls at the same time wait for each other', async () => {
    const guests = [guest, guest2, guest3];
    const calls = guests.map((each) =>
      started(PROGRAM, ['--install', each.name, '--persist', '--host', host.root], { QEMU_BINARY_PATH: EMULATORS }),
    );
    for (const ended of await Promise.all(calls)) expect(ended.exit, ended.stderr).to.equal(0);
    const { files } = JSON.parse(read(MANIFEST));
    const all = guests.flatMap((each) => [
      `usr/local/lib/binfmt/${each.emulator}`,
      `etc/binfmt.d/${each.emulator}.conf`,
    ]);
    expect(Object.keys(files)).to.have.members(all);
    expect(entryNames()).to.have.members(guests.map((each) => each.emulator));
    expect(uninstall('all').exit).to.equal(0);
    expect(written()).to.deep.equal([]);
  });
});

import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import {
  addOpenrcService,
  bootWithOpenrc,
  bootWithSystemd,
  debianRoot,
  inRoot,
  updateBinfmts,
} from '../support/debian-root.js';
import { clearEntries, entryNames, entryText, registerForeign } from '../support/kernel.js';
import { alsoNative, guest, guest2, guest3 } from '../support/machine.js';
import {
  binfmt,
  EMULATORS,
  type Ended,
  lastLine,
  must,
  OLDER_EMULATORS,
  olderVersion,
  PROGRAM,
  shell,
  shippedVersion,
  started,
  statusIn,
} from '../support/program.js';
import { crashingEmulator } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const { name, platform, emulator: entry } = guest;
const EMULATOR = `usr/local/lib/binfmt/${entry}`;
const MANIFEST = 'usr/local/lib/binfmt/manifest.json';
const CONFIGURATION = `etc/binfmt.d/${entry}.conf`;
const RECORD = `var/lib/binfmts/${entry}`;

const older = { QEMU_BINARY_PATH: OLDER_EMULATORS };
const hash = (file: string) => crypto.hash('sha256', fs.readFileSync(file));

describe('--persist', () => {
  let root: string;
  const persist = (args: readonly string[], env: NodeJS.ProcessEnv = {}, format = '--persist'): Ended =>
    binfmt([...args, format, '--host', root], env);
  const install = (list = name, env: NodeJS.ProcessEnv = {}) => persist(['--install', list], env);
  const uninstall = (list = name) => persist(['--uninstall', list]);
  const at = (file: string) => path.join(root, file);
  const read = (file: string) => fs.readFileSync(at(file), 'utf8');
  /** All files that this program may write. */
  const written = () =>
    ['usr/local/lib', 'etc/binfmt.d', 'var/lib/binfmts', 'etc/runlevels/boot'].flatMap((directory) =>
      fs.existsSync(at(directory))
        ? fs
            .readdirSync(at(directory), { recursive: true, encoding: 'utf8' })
            .map((each) => `${directory}/${each}`)
            .filter((each) => !fs.lstatSync(at(each)).isDirectory())
        : [],
    );
  /** What a call has done that is killed when it has removed these files. */
  const removeAsKilled = (...removed: readonly string[]) => {
    const { files } = JSON.parse(read(MANIFEST)) as { files: Record<string, string> };
    for (const file of removed) {
      fs.rmSync(at(file));
      delete files[file];
    }
    fs.writeFileSync(at(MANIFEST), JSON.stringify({ files }));
  };
  const isEmulator = (file: string, directory: string) => hash(at(file)) === hash(path.join(directory, entry));

  let prepared: string;
  before(function () {
    this.timeout(120_000);
    prepared = debianRoot();
  });
  beforeEach(() => {
    clearEntries();
    root = path.join(scratch(), 'root');
    must('cp', ['--archive', prepared, root]);
  });
  after(clearEntries);

  it('writes emulators and configuration, registers through the host file, and systemd-binfmt registers them at boot', () => {
    const ended = install(`${name},${guest2.name}`);
    expect(ended.exit, ended.stderr).to.equal(0);
    expect(ended.stderr).to.equal(
      `installing: ${name} OK\ninstalling: ${guest2.name} OK\nbinfmt: systemd-binfmt registers what is in /etc/binfmt.d at every boot (found on this host; choose another way with --persist=FORMAT)\n`,
    );
    expect(statusIn(ended).supported).to.include(platform);
    const registered = entryText(entry);
    expect(registered).to.contain(`interpreter /${EMULATOR}\nflags: POCF\n`);
    const others = [guest2.emulator].flatMap((each) => [`usr/local/lib/binfmt/${each}`, `etc/binfmt.d/${each}.conf`]);
    expect(written()).to.have.members([EMULATOR, CONFIGURATION, MANIFEST, ...others]);
    expect(fs.statSync(at(EMULATOR)).mode & 0o7777).to.equal(0o755);
    expect(isEmulator(EMULATOR, EMULATORS)).to.equal(true);

    clearEntries();
    bootWithSystemd(root);
    expect(entryNames()).to.deep.equal([entry, guest2.emulator].sort());
    expect(entryText(entry)).to.equal(registered);
    expect(statusIn(binfmt([])).supported).to.include(platform);
  });

  it('runs what it registers through the very file on the host', () => {
    expect(install().exit).to.equal(0);
    // Nothing is left of this program's own emulator: an entry of it would not run any more.
    const seen = JSON.parse(binfmt(['doctor', name, '--json']).stdout).platforms[0];
    expect(seen).to.include({ runs: true, emulator: `/${EMULATOR}`, version: shippedVersion() });
  });

  it('takes back everything, and leaves nothing of its own', () => {
    install(`${name},${guest2.name}`);
    expect(uninstall(name)).to.include({ exit: 0, stderr: `uninstalling: ${entry} OK\n` });
    expect(written()).not.to.include.members([EMULATOR]);
    expect(entryNames()).to.deep.equal([guest2.emulator]);
    expect(uninstall('all').exit).to.equal(0);
    expect(written()).to.deep.equal([]);
    expect(fs.existsSync(at('usr/local/lib/binfmt'))).to.equal(false);
    expect(uninstall()).to.include({ exit: 0, stderr: `uninstalling: ${name} OK (not registered)\n` });
  });

  it('takes back everything and installs again in one call', () => {
    install();
    const ended = persist(['--uninstall', 'all', '--install', name]);
    expect(ended.exit, ended.stderr).to.equal(0);
    expect(isEmulator(EMULATOR, EMULATORS)).to.equal(true);
    expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
  });

  it('removes what a call has left that was killed before it had finished a file', () => {
    const left = ['usr/local/lib/binfmt', 'etc/binfmt.d'].map((each) => `${each}/.binfmt-0123456789abcdef.new`);
    for (const file of left) {
      fs.mkdirSync(path.dirname(at(file)), { recursive: true });
      fs.writeFileSync(at(file), '');
    }
    expect(uninstall('all').exit).to.equal(0);
    expect(written()).to.deep.equal([]);
  });

  it('takes back what is not registered at the moment too', () => {
    install();
    clearEntries();
    expect(uninstall()).to.include({ exit: 0, stderr: `uninstalling: ${entry} OK\n` });
    expect(written()).to.deep.equal([]);
  });

  it('replaces older files in one step, and what has the old file open keeps it', () => {
    expect(install(name, older).exit).to.equal(0);
    const running = fs.openSync(at(EMULATOR), 'r');
    expect(install().stderr).to.contain(`installing: ${name} OK (QEMU ${olderVersion()} is now ${shippedVersion()})\n`);
    expect(isEmulator(EMULATOR, EMULATORS)).to.equal(true);
    expect(crypto.hash('sha256', fs.readFileSync(running))).to.equal(hash(path.join(OLDER_EMULATORS, entry)));
    fs.closeSync(running);
    expect(install().stderr).to.contain(`installing: ${name} OK (already registered, QEMU ${shippedVersion()})\n`);
    expect(install(name, older).stderr).to.contain(`(QEMU ${shippedVersion()} is now ${olderVersion()})\n`);
    expect(uninstall().exit).to.equal(0);
  });

  it('registers through the host file what was registered through another one, although it is the same QEMU', () => {
    binfmt(['--install', name]);
    expect(entryText(entry)).to.contain(`interpreter ${EMULATORS}`);
    expect(install().stderr).to.contain(`installing: ${name} OK (registered again, through the host's own file)\n`);
    expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
  });

  it('leaves a working entry of another name alone, and writes nothing for it', () => {
    registerForeign('another', name, path.join(EMULATORS, entry), 'F');
    expect(install()).to.include({
      exit: 0,
      stderr: `installing: ${name} OK (already runs through another, left alone)\n`,
    });
    expect(written()).to.deep.equal([]);
  });

  for (const { name: nativeName } of alsoNative) {
    it(`writes nothing for ${nativeName}, which this machine runs natively`, () => {
      expect(install(nativeName).exit).to.equal(0);
      expect(written()).to.deep.equal([]);
    });
  }

  it('writes nothing of an emulator that does not run, and keeps what works', () => {
    expect(install().exit).to.equal(0);
    const emulators = scratch();
    fs.copyFileSync(crashingEmulator(), path.join(emulators, entry));
    fs.copyFileSync(path.join(EMULATORS, guest2.emulator), path.join(emulators, guest2.emulator));
    const ended = install(`${name},${guest2.name}`, { QEMU_BINARY_PATH: emulators });
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.match(new RegExp(`^installing: ${name} .*existing entry`));
    expect(isEmulator(EMULATOR, EMULATORS)).to.equal(true);
    expect(entryNames()).to.deep.equal([entry, guest2.emulator].sort());
    expect(statusIn(binfmt([])).supported).to.include(platform);
  });

  describe('beside configuration of others', () => {
    const theirs = 'usr/bin/their-emulator';
    const line = (interpreter: string) => read(CONFIGURATION).replace(`/${EMULATOR}`, interpreter);
    /** What the distribution has: another emulator for the same programs. */
    function distribution(file: string): void {
      install();
      const configuration = line(`/${theirs}`);
      uninstall();
      clearEntries();
      fs.copyFileSync(path.join(OLDER_EMULATORS, entry), at(theirs));
      fs.mkdirSync(path.dirname(at(file)), { recursive: true });
      fs.writeFileSync(at(file), configuration);
    }

    it('overrides a file of the distribution, and registers its entry again when it is taken back', () => {
      distribution(`usr/lib/binfmt.d/${entry}.conf`);
      bootWithSystemd(root);
      expect(install().exit).to.equal(0);
      bootWithSystemd(root);
      expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
      expect(uninstall().stderr).to.equal(
        `uninstalling: ${entry} OK (the host's own entry is registered again, /${theirs})\n`,
      );
      const registered = entryText(entry);
      expect(registered).to.contain(`interpreter /${theirs}\nflags: POCF\n`);
      bootWithSystemd(root);
      expect(entryText(entry)).to.equal(registered);
    });

    it('registers its entry again, and leaves nothing, if a call that was killed had not come to that', () => {
      distribution(`usr/lib/binfmt.d/${entry}.conf`);
      install();
      // It has removed the configuration and the entry.
      removeAsKilled(CONFIGURATION);
      clearEntries();
      expect(uninstall().stderr).to.contain(`OK (the host's own entry is registered again, /${theirs})\n`);
      expect(written()).to.deep.equal([]);
    });

    it('refuses a file of the administrator, overwrites it with --force, and puts it back', () => {
      distribution(CONFIGURATION);
      const before = read(CONFIGURATION);
      const refused = install();
      expect(refused.exit).to.equal(1);
      expect(lastLine(refused.stderr)).to.equal(
        `binfmt: refusing to overwrite "/${CONFIGURATION}": not written by this program, or changed since (use --force); nothing was changed`,
      );
      expect(written()).to.deep.equal([CONFIGURATION]);
      expect(entryNames()).to.deep.equal([]);
      expect(persist(['--install', name, '--force']).exit).to.equal(0);
      expect(read(CONFIGURATION)).not.to.equal(before);
      expect(uninstall().exit).to.equal(0);
      expect(read(CONFIGURATION)).to.equal(before);
      expect(written()).to.deep.equal([CONFIGURATION]);
      expect(entryText(entry)).to.contain(`interpreter /${theirs}\n`);
    });

    it('puts back a link that hid a file of the distribution', () => {
      fs.mkdirSync(at('etc/binfmt.d'), { recursive: true });
      fs.symlinkSync('/dev/null', at(CONFIGURATION));
      expect(install().exit).to.equal(1);
      expect(persist(['--install', name, '--force']).exit).to.equal(0);
      expect(uninstall().exit).to.equal(0);
      expect(fs.readlinkSync(at(CONFIGURATION))).to.equal('/dev/null');
    });

    it('says if an entry of another name is in front from the next boot on', () => {
      distribution('usr/lib/binfmt.d/zzz.conf');
      fs.writeFileSync(at('usr/lib/binfmt.d/zzz.conf'), read('usr/lib/binfmt.d/zzz.conf').replace(entry, 'theirs'));
      expect(install().stderr).to.contain(
        `binfmt: from the next boot on, theirs is in front of ${entry}, because /usr/lib/binfmt.d/zzz.conf is read later\n`,
      );
      bootWithSystemd(root);
      const [first] = JSON.parse(binfmt(['doctor', name, '--json']).stdout).platforms;
      expect(first.entry).to.equal('theirs');
    });

    it('says if systemd-binfmt is switched off', () => {
      fs.mkdirSync(at('etc/systemd/system'), { recursive: true });
      fs.symlinkSync('/dev/null', at('etc/systemd/system/systemd-binfmt.service'));
      expect(install().stderr).to.contain(
        'binfmt: at boot, systemd will register nothing, because /etc/systemd/system/systemd-binfmt.service is a link to /dev/null\n',
      );
    });
  });

  describe('when somebody has changed a file', () => {
    const remove = (file: string) =>
      `if you do not need this file, remove it on the host, and then repeat your command: sudo rm ${at(file)}`;

    it('keeps a changed configuration with its emulator and its entry, and names it', () => {
      install();
      fs.appendFileSync(at(CONFIGURATION), '# mine\n');
      const kept = uninstall();
      expect(kept.exit).to.equal(1);
      expect(lastLine(kept.stderr)).to.equal(
        `uninstalling: ${entry} kept "/${CONFIGURATION}", because somebody has changed it; the entry and its emulator stay too; ${remove(CONFIGURATION)}`,
      );
      expect(written()).to.have.members([CONFIGURATION, EMULATOR, MANIFEST]);
      expect(entryNames()).to.deep.equal([entry]);
      fs.rmSync(at(CONFIGURATION));
      expect(uninstall().exit).to.equal(0);
      expect(written()).to.deep.equal([]);
    });

    it('keeps a changed emulator, and takes back the rest', () => {
      install();
      fs.rmSync(at(EMULATOR));
      fs.writeFileSync(at(EMULATOR), 'another');
      const kept = uninstall();
      expect(kept.exit).to.equal(1);
      expect(lastLine(kept.stderr)).to.equal(
        `uninstalling: ${entry} kept "/${EMULATOR}", because somebody has changed it; ${remove(EMULATOR)}`,
      );
      expect(written()).to.have.members([EMULATOR, MANIFEST]);
      expect(entryNames()).to.deep.equal([]);
    });

    for (const [what, damage, why] of [
      ['missing', (file: string) => fs.rmSync(file), ', which says what this program has written, is missing'],
      [
        'damaged',
        (file: string) => fs.truncateSync(file, 5),
        ', which says what this program has written, cannot be read',
      ],
      [
        'another one',
        (file: string) => fs.writeFileSync(file, '{"files":{}}'),
        ' does not list them, so somebody else may have written them',
      ],
    ] as const) {
      it(`removes nothing if the manifest is ${what}, and what it advises lets it finish`, () => {
        install();
        damage(at(MANIFEST));
        const before = written();
        for (const list of [name, 'all']) {
          const kept = uninstall(list);
          expect(kept.exit).to.equal(1);
          expect(kept.stderr).to.contain(
            `${entry} kept "/${CONFIGURATION}" and "/${EMULATOR}" and the entry, because "/${MANIFEST}"${why}; `,
          );
          expect(written()).to.deep.equal(before);
        }
        expect(entryNames()).to.deep.equal([entry]);
        clearEntries();
        const kept = uninstall();
        expect(kept.exit).to.equal(1);
        const [, advised = ''] = /then repeat your command: sudo (rm .*)\n/.exec(kept.stderr) ?? [];
        shell(advised);
        expect(uninstall().exit).to.equal(0);
        expect(written()).to.deep.equal([]);
        expect(install().exit).to.equal(0);
      });
    }

    it('overwrites a changed configuration of this program with --force, and takes it back', () => {
      install();
      fs.appendFileSync(at(CONFIGURATION), '# mine\n');
      expect(install().exit).to.equal(1);
      expect(persist(['--install', name, '--force']).exit).to.equal(0);
      expect(uninstall().exit).to.equal(0);
      expect(written()).to.deep.equal([]);
    });

    it('puts back what was there before, even if somebody has removed the file that took its place', () => {
      fs.mkdirSync(at('etc/binfmt.d'), { recursive: true });
      fs.writeFileSync(at(CONFIGURATION), '# of the administrator\n');
      persist(['--install', name, '--force']);
      fs.rmSync(at(CONFIGURATION));
      expect(uninstall().exit).to.equal(0);
      expect(read(CONFIGURATION)).to.equal('# of the administrator\n');
    });

    it('takes over what an export has written, and takes it back', () => {
      binfmt(['export', 'systemd', name, '--root', root], older);
      expect(install().exit).to.equal(0);
      expect(isEmulator(EMULATOR, EMULATORS)).to.equal(true);
      expect(uninstall().exit).to.equal(0);
      expect(written()).to.deep.equal([]);
    });
  });

  it('takes back what an export has written and update-binfmts has imported', () => {
    binfmt(['export', 'debian', name, '--root', root]);
    updateBinfmts(root, '--import', entry);
    expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
    expect(uninstall()).to.include({ exit: 0, stderr: `uninstalling: ${entry} OK\n` });
    expect([...written(), ...fs.readdirSync(at('usr/share/binfmts'))]).to.deep.equal([]);
    expect(entryNames()).to.deep.equal([]);
  });

  describe('for binfmt-support', () => {
    const installing = () => persist(['--install', name], {}, '--persist=binfmt-support');

    it('writes a record that the real update-binfmts registers at boot', () => {
      const ended = installing();
      expect(ended.stderr).to.equal(
        `installing: ${name} OK\nbinfmt: update-binfmts registers what is in /var/lib/binfmts at every boot (as chosen)\n`,
      );
      const registered = entryText(entry);
      expect(written()).to.have.members([EMULATOR, RECORD, MANIFEST]);
      clearEntries();
      updateBinfmts(root, '--enable');
      expect(entryText(entry)).to.equal(registered);
      expect(uninstall().exit).to.equal(0);
      expect(written()).to.deep.equal([]);
    });

    it('takes the place of a record of a package, and puts it back', () => {
      installing();
      const theirs = read(RECORD).replace(/^:$/m, 'qemu-user-static').replace(`/${EMULATOR}`, '/usr/bin/theirs');
      uninstall();
      fs.copyFileSync(path.join(OLDER_EMULATORS, entry), at('usr/bin/theirs'));
      fs.writeFileSync(at(RECORD), theirs);
      updateBinfmts(root, '--enable');
      const before = entryText(entry);
      expect(before).to.contain('interpreter /usr/bin/theirs\n');

      expect(installing().exit).to.equal(0);
      clearEntries();
      updateBinfmts(root, '--enable');
      expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
      expect(uninstall().stderr).to.contain("OK (the host's own entry is registered again, /usr/bin/theirs)\n");
      expect(read(RECORD)).to.equal(theirs);
      expect(entryText(entry)).to.equal(before);
    });

    it('says if update-binfmts has another record for the same programs', () => {
      installing();
      fs.copyFileSync(at(RECORD), at('var/lib/binfmts/theirs'));
      expect(installing().stderr).to.contain(
        `binfmt: update-binfmts will not register ${entry} at boot, because it has theirs for the same programs; remove that one first\n`,
      );
      clearEntries();
      expect(() => updateBinfmts(root, '--enable')).to.throw('another format with the same magic already exists');
    });

    it('is found if the host has nothing else', () => {
      fs.rmSync(at('usr/lib/systemd/systemd-binfmt'));
      expect(install().stderr).to.contain('(found on this host');
      expect(written()).to.include(RECORD);
    });
  });

  describe('for OpenRC', () => {
    const SERVICE = 'etc/runlevels/boot/binfmt';

    beforeEach(function () {
      this.timeout(120_000);
      root = debianRoot('openrc-root');
      addOpenrcService(root);
    });

    it('switches its service on if it is not, and the real openrc registers the entries at boot', () => {
      const ended = install();
      expect(ended.stderr).to.contain(
        "OpenRC's service binfmt registers what is in /etc/binfmt.d at every boot (found",
      );
      expect(inRoot(root, 'rc-update', 'show', 'boot')).to.match(/^ *binfmt \| boot/m);
      const registered = entryText(entry);
      clearEntries();
      bootWithOpenrc(root);
      expect(entryText(entry)).to.equal(registered);
    });

    it('switches it off again with the last emulator', () => {
      install();
      expect(install(guest2.name).exit).to.equal(0);
      expect(uninstall(guest2.name).exit).to.equal(0);
      expect(written()).to.include(SERVICE);
      expect(uninstall().exit).to.equal(0);
      expect(written()).to.deep.equal([]);
    });

    it('switches it off too if an earlier call was killed after it had removed the last emulator', () => {
      install();
      removeAsKilled(CONFIGURATION, EMULATOR);
      expect(uninstall().exit).to.equal(0);
      expect(written()).to.deep.equal([]);
    });

    it('leaves it on if it was on before', () => {
      fs.symlinkSync('/etc/init.d/binfmt', at(SERVICE));
      install();
      uninstall();
      expect(written()).to.deep.equal([SERVICE]);
    });
  });

  it('says which ways there are if the host has none', () => {
    for (const file of ['usr/lib/systemd/systemd-binfmt', 'usr/sbin/update-binfmts']) fs.rmSync(at(file));
    const ended = install();
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.match(
      /^binfmt: no way to register entries at boot was found below ".*--persist=systemd or/,
    );
    expect(statusIn(ended).emulators).to.deep.equal([]);
    expect(written()).to.deep.equal([]);
  });

  it('leaves a directory alone that is no host', () => {
    const directory = scratch();
    const ended = binfmt(['--install', name, '--persist', '--host', directory]);
    expect(lastLine(ended.stderr)).to.contain(`no way to register entries at boot was found below "${directory}"`);
    expect(fs.readdirSync(directory)).to.deep.equal([]);
    const missing = binfmt(['--uninstall', name, '--persist', '--host', path.join(directory, 'missing')]);
    expect(missing.exit).to.equal(1);
    expect(lastLine(missing.stderr)).to.equal(`binfmt: "${path.join(directory, 'missing')}" is not a directory`);
  });

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
      bootWithSystemd(root);
      expect(statusIn(binfmt([])).supported).to.include(platform);
      expect(uninstall().exit).to.equal(0);
      expect(fs.readdirSync(at('var/usrlocal/lib'))).to.deep.equal([]);
    });
  });

  describe('on a host with symbolic links', () => {
    it('resolves absolute ones within the host', () => {
      const outside = scratch();
      fs.mkdirSync(path.join(root, outside), { recursive: true });
      fs.rmSync(at('usr/local'), { recursive: true });
      fs.symlinkSync(outside, at('usr/local'));
      expect(install().exit).to.equal(0);
      expect(fs.readdirSync(outside)).to.deep.equal([]);
      expect(fs.existsSync(path.join(root, outside, 'lib/binfmt', entry))).to.equal(true);
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
      const child = spawn(PROGRAM, [...words, '--persist', '--host', root], { env, detached: true, stdio: 'ignore' });
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
      bootWithSystemd(root);
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
      started(PROGRAM, ['--install', each.name, '--persist', '--host', root], { QEMU_BINARY_PATH: EMULATORS }),
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

  it('needs no --host as a file on the host itself', function () {
    if (!fs.existsSync('/etc/binfmt.d') || !fs.existsSync('/usr/lib/systemd/systemd-binfmt')) this.skip();
    const script = `mount -t tmpfs none /usr/local/lib && mount -t tmpfs none /etc/binfmt.d
      ${PROGRAM} --install ${name} --persist >&2; ls /etc/binfmt.d /usr/local/lib/binfmt`;
    const ended = shell(`unshare --mount bash -euc '${script}'`, { QEMU_BINARY_PATH: EMULATORS });
    expect(ended.exit, ended.stderr).to.equal(0);
    expect(ended.stdout.split('\n')).to.include.members([`${entry}.conf`, entry, 'manifest.json']);
    expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
  });

  for (const [args, message] of [
    [['--persist'], '--persist needs --install LIST or --uninstall LIST'],
    [['--install', name, '--host', '/'], '--host needs --persist'],
    [['--install', name, '--persist', '--watch'], '--persist and --watch exclude each other'],
    [['--install', name, '--persist', '--keep'], '--persist and --keep exclude each other'],
    [['--install', name, '--persist', '--rootless'], '--persist and --rootless exclude each other'],
    [['--install', name, '--persist=sysv'], '--persist takes systemd, openrc or binfmt-support, not "sysv"'],
  ] as const) {
    it(`is refused as ${args.join(' ')}`, () => {
      const ended = binfmt(args);
      expect(ended.exit).to.equal(2);
      expect(lastLine(ended.stderr)).to.equal(`binfmt: ${message}`);
    });
  }
});

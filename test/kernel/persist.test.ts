import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { clearEntries, entryNames, entryText, registerForeign } from '../support/kernel.js';
import { alsoNative, guest2 } from '../support/machine.js';
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
  lastLine,
  OLDER_EMULATORS,
  olderVersion,
  PROGRAM,
  shell,
  shippedVersion,
  statusIn,
} from '../support/program.js';
import { crashingEmulator } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

describe('--persist', () => {
  const host = onHost();
  const { persist, install, uninstall, at, read, written, isEmulator } = host;

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
      binfmt(['export', 'systemd', name, '--root', host.root], older);
      expect(install().exit).to.equal(0);
      expect(isEmulator(EMULATOR, EMULATORS)).to.equal(true);
      expect(uninstall().exit).to.equal(0);
      expect(written()).to.deep.equal([]);
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

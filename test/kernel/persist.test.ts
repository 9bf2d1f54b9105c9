import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { clearEntries, entryNames, entryText, registerForeign } from '../support/kernel.js';
import { alsoNative, guest2, guest3 } from '../support/machine.js';
import {
  both,
  CONFIGURATION,
  CONFIGURATION2,
  configurationOf,
  EMULATOR,
  EMULATOR2,
  entry,
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
  const { persist, install, uninstall, at, read, write, written, writeTheirs, writeManifest, isEmulator } = host;

  it('registers emulators through the files that it has written, and takes back everything', () => {
    const ended = install(both);
    expect(ended.exit, ended.stderr).to.equal(0);
    expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\nflags: POCF\n`);
    // Nothing is left of binfmt's own emulator: an entry of it would not run any more.
    const [seen] = JSON.parse(binfmt(['doctor', name, '--json']).stdout).platforms;
    expect(seen).to.include({ runs: true, emulator: `/${EMULATOR}`, version: shippedVersion() });

    expect(uninstall(`${name},${guest3.name}`)).to.include({
      exit: 0,
      stderr: `uninstalling: ${entry} OK\nuninstalling: ${guest3.name} OK (not registered)\n`,
    });
    expect(written()).to.have.members([EMULATOR2, CONFIGURATION2, MANIFEST]);
    expect(entryNames()).to.deep.equal([guest2.emulator]);
    // Also what is not registered at the moment, and the unfinished files of a call that was killed.
    clearEntries();
    for (const directory of ['usr/local/lib/binfmt', 'etc/binfmt.d'])
      write(`${directory}/.binfmt-0123456789abcdef.new`, '');
    expect(uninstall('all')).to.include({ exit: 0, stderr: `uninstalling: ${guest2.emulator} OK\n` });
    expect(written()).to.deep.equal([]);
    expect(fs.existsSync(at('usr/local/lib/binfmt'))).to.equal(false);
  });

  it('replaces what an older export has written in one step, and what has the old file open keeps it', () => {
    binfmt(['export', 'systemd', name, '--root', host.root], older);
    registerForeign(entry, name, path.join(OLDER_EMULATORS, entry), 'POCF');
    const running = fs.openSync(at(EMULATOR), 'r');
    expect(install().stderr).to.contain(`installing: ${name} OK (QEMU ${olderVersion()} is now ${shippedVersion()})\n`);
    expect(isEmulator(EMULATOR, EMULATORS)).to.equal(true);
    expect(fs.readFileSync(running).equals(fs.readFileSync(path.join(OLDER_EMULATORS, entry)))).to.equal(true);
    fs.closeSync(running);
    expect(install().stderr).to.contain(`installing: ${name} OK (already registered, QEMU ${shippedVersion()})\n`);
    // Takes back everything and installs again in one call.
    const again = persist(['--uninstall', 'all', '--install', name], older);
    expect(again.exit, again.stderr).to.equal(0);
    expect(isEmulator(EMULATOR, OLDER_EMULATORS)).to.equal(true);
    expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
  });

  it('registers through the host file what was registered through another one, although it is the same QEMU', () => {
    registerForeign(entry, name, path.join(EMULATORS, entry), 'POCF');
    expect(install().stderr).to.contain(
      `installing: ${name} OK (registered again, now with the copy of the emulator on the host)\n`,
    );
    expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
  });

  it('writes nothing for a working entry of another name, or for what this machine runs natively', () => {
    registerForeign('another', name, path.join(EMULATORS, entry), 'F');
    const ended = install([name, ...alsoNative.map((each) => each.name)].join());
    expect(ended.exit).to.equal(0);
    expect(ended.stderr).to.contain(`installing: ${name} OK (already runs through another, left alone)\n`);
    expect(written()).to.deep.equal([]);
  });

  it('writes nothing of an emulator that does not run, and keeps what works', () => {
    expect(install().exit).to.equal(0);
    const emulators = scratch();
    fs.copyFileSync(crashingEmulator(), path.join(emulators, entry));
    fs.copyFileSync(path.join(EMULATORS, guest2.emulator), path.join(emulators, guest2.emulator));
    const ended = install(both, { QEMU_BINARY_PATH: emulators });
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.match(new RegExp(`^installing: ${name} .*existing entry`));
    expect(isEmulator(EMULATOR, EMULATORS)).to.equal(true);
    expect(entryNames()).to.deep.equal([entry, guest2.emulator].sort());
    expect(statusIn(ended).supported).to.include(platform);
  });

  it('refuses files of the administrator, overwrites them with --force, and puts them back', () => {
    writeTheirs(CONFIGURATION);
    const before = read(CONFIGURATION);
    fs.symlinkSync('/dev/null', at(CONFIGURATION2));
    const refused = install(both);
    expect(refused.exit).to.equal(1);
    expect(lastLine(refused.stderr)).to.equal(
      `binfmt: refusing to overwrite "/${CONFIGURATION}" and "/${CONFIGURATION2}": not written by binfmt, or changed since (use --force); nothing was changed`,
    );
    expect(written()).to.have.members([CONFIGURATION, CONFIGURATION2]);
    expect(entryNames()).to.deep.equal([]);
    expect(persist(['--install', both, '--force']).exit).to.equal(0);
    expect(read(CONFIGURATION)).not.to.equal(before);
    // What was there comes back, even if the file that took its place is gone.
    fs.rmSync(at(CONFIGURATION2));
    expect(uninstall('all').exit).to.equal(0);
    expect(read(CONFIGURATION)).to.equal(before);
    expect(fs.readlinkSync(at(CONFIGURATION2))).to.equal('/dev/null');
    expect(written()).to.have.members([CONFIGURATION, CONFIGURATION2]);
    expect(entryText(entry)).to.contain('interpreter /usr/bin/theirs\n');
  });

  it('registers the entry of the host again if a call that was killed had not come to that', () => {
    writeTheirs(`usr/lib/binfmt.d/${entry}.conf`);
    // It has removed the configuration and the entry.
    write(EMULATOR, 'an emulator');
    writeManifest({ [EMULATOR]: crypto.hash('sha256', 'an emulator') });
    expect(uninstall().stderr).to.contain(
      "OK (the host's own entry is registered again, with the emulator /usr/bin/theirs)\n",
    );
    expect(written()).to.deep.equal([]);
  });

  it('keeps files that were changed, with what needs them, and names them', () => {
    const remove = (file: string) =>
      `if you do not need this file, remove it on the host, and then repeat your command: sudo rm ${at(file)}\n`;
    install(both);
    fs.appendFileSync(at(CONFIGURATION), '# mine\n');
    fs.rmSync(at(EMULATOR2));
    write(EMULATOR2, 'another');
    const kept = uninstall('all');
    expect(kept.exit).to.equal(1);
    expect(kept.stderr)
      .to.contain(
        `uninstalling: ${entry} kept "/${CONFIGURATION}", because it has been changed; the entry and its emulator stay too; ${remove(CONFIGURATION)}`,
      )
      .and.contain(
        `uninstalling: ${guest2.emulator} kept "/${EMULATOR2}", because it has been changed; ${remove(EMULATOR2)}`,
      );
    expect(written()).to.have.members([CONFIGURATION, EMULATOR, MANIFEST, EMULATOR2]);
    expect(entryNames()).to.deep.equal([entry]);
    // With --force, the configuration is binfmt's again.
    expect(persist(['--install', name, '--force']).exit).to.equal(0);
    fs.rmSync(at(EMULATOR2));
    expect(uninstall('all').exit).to.equal(0);
    expect(written()).to.deep.equal([]);
  });

  for (const [what, manifest, why, list] of [
    ['missing', undefined, ', which says what binfmt has written, is missing', name],
    ['damaged', '{"fil', ', which says what binfmt has written, cannot be read', 'all'],
    ['another one', '{"files":{}}', ' does not list them, so another program or a user may have written them', 'all'],
  ] as const) {
    it(`removes nothing if the manifest is ${what}, and what it advises lets it finish`, () => {
      write(CONFIGURATION, configurationOf('systemd', `/${EMULATOR}`));
      write(EMULATOR, 'an emulator');
      if (manifest !== undefined) write(MANIFEST, manifest);
      registerForeign(entry, name, path.join(EMULATORS, entry), 'F');
      const before = written();
      const kept = uninstall(list);
      expect(kept.exit).to.equal(1);
      expect(kept.stderr).to.contain(
        `${entry} kept "/${CONFIGURATION}" and "/${EMULATOR}" and the entry, because "/${MANIFEST}"${why}; `,
      );
      expect(written()).to.deep.equal(before);
      expect(entryNames()).to.deep.equal([entry]);
      const [, advised = ''] = /then repeat your command: sudo (rm .*)\n/.exec(kept.stderr) ?? [];
      shell(advised);
      expect(uninstall(list).exit).to.equal(0);
      expect([...written(), ...entryNames()]).to.deep.equal([]);
    });
  }

  it('leaves a directory alone that is no host, and says which ways there are', () => {
    const directory = scratch();
    const ended = binfmt(['--install', name, '--persist', '--host', directory]);
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.match(
      new RegExp(`^binfmt: no way to register entries at boot was found below "${directory}".*--persist=systemd or`),
    );
    expect(statusIn(ended).emulators).to.deep.equal([]);
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
});

import fs from 'node:fs';
import { expect } from 'chai';
import { bootWithSystemd } from '../support/debian-root.js';
import { clearEntries, entryNames, entryText } from '../support/kernel.js';
import {
  CONFIGURATION,
  configurationOf,
  EMULATOR,
  entry,
  MANIFEST,
  name,
  onHost,
  platform,
} from '../support/persist-host.js';
import { binfmt, EMULATORS, statusIn } from '../support/program.js';

describe('--persist for systemd', () => {
  const host = onHost('debian-root');
  const { install, uninstall, at, written, writeTheirs, isEmulator } = host;

  it('writes an emulator and its configuration, which the real systemd-binfmt registers at boot', () => {
    const ended = install();
    expect(ended.exit, ended.stderr).to.equal(0);
    expect(ended.stderr).to.equal(
      `installing: ${name} OK\nbinfmt: systemd-binfmt registers what is in /etc/binfmt.d at every boot (found on this host; choose another way with --persist=FORMAT)\n`,
    );
    expect(statusIn(ended).supported).to.include(platform);
    const registered = entryText(entry);
    expect(written()).to.have.members([EMULATOR, CONFIGURATION, MANIFEST]);
    expect(fs.statSync(at(EMULATOR)).mode & 0o7777).to.equal(0o755);
    expect(isEmulator(EMULATOR, EMULATORS)).to.equal(true);

    clearEntries();
    bootWithSystemd(host.root);
    expect(entryNames()).to.deep.equal([entry]);
    expect(entryText(entry)).to.equal(registered);
  });

  it('overrides a file of the distribution, and registers its entry again when it is taken back', () => {
    writeTheirs(`usr/lib/binfmt.d/${entry}.conf`);
    bootWithSystemd(host.root);
    const theirs = entryText(entry);
    expect(theirs).to.contain('interpreter /usr/bin/theirs\nflags: POCF\n');
    expect(install().exit).to.equal(0);
    bootWithSystemd(host.root);
    expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
    expect(uninstall().stderr).to.equal(
      `uninstalling: ${entry} OK (the host's own entry is registered again, with the emulator /usr/bin/theirs)\n`,
    );
    expect(entryText(entry)).to.equal(theirs);
  });

  it('says if another entry is in front from the next boot on, and if systemd-binfmt is switched off', () => {
    writeTheirs('usr/lib/binfmt.d/zzz.conf', configurationOf('systemd', '/usr/bin/theirs').replace(entry, 'theirs'));
    fs.mkdirSync(at('etc/systemd/system'), { recursive: true });
    fs.symlinkSync('/dev/null', at('etc/systemd/system/systemd-binfmt.service'));
    expect(install().stderr)
      .to.contain(
        `binfmt: from the next boot on, theirs takes precedence over ${entry}, because /usr/lib/binfmt.d/zzz.conf is read later\n`,
      )
      .and.contain(
        'binfmt: at boot, systemd-binfmt will register nothing, because /etc/systemd/system/systemd-binfmt.service is a link to /dev/null\n',
      );
    bootWithSystemd(host.root);
    const [first] = JSON.parse(binfmt(['doctor', name, '--json']).stdout).platforms;
    expect(first.entry).to.equal('theirs');
  });
});

import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { bootWithSystemd } from '../support/debian-root.js';
import { clearEntries, entryNames, entryText } from '../support/kernel.js';
import { guest2 } from '../support/machine.js';
import { CONFIGURATION, EMULATOR, entry, MANIFEST, name, onHost, platform } from '../support/persist-host.js';
import { binfmt, EMULATORS, lastLine, OLDER_EMULATORS, statusIn } from '../support/program.js';

describe('--persist for systemd', () => {
  const host = onHost();
  const { persist, install, uninstall, at, read, written, removeAsKilled, isEmulator } = host;

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
    bootWithSystemd(host.root);
    expect(entryNames()).to.deep.equal([entry, guest2.emulator].sort());
    expect(entryText(entry)).to.equal(registered);
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
      bootWithSystemd(host.root);
      expect(install().exit).to.equal(0);
      bootWithSystemd(host.root);
      expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
      expect(uninstall().stderr).to.equal(
        `uninstalling: ${entry} OK (the host's own entry is registered again, /${theirs})\n`,
      );
      const registered = entryText(entry);
      expect(registered).to.contain(`interpreter /${theirs}\nflags: POCF\n`);
      bootWithSystemd(host.root);
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
      bootWithSystemd(host.root);
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
});

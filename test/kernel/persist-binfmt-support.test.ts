import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { updateBinfmts } from '../support/debian-root.js';
import { clearEntries, entryNames, entryText } from '../support/kernel.js';
import { EMULATOR, entry, MANIFEST, name, onHost } from '../support/persist-host.js';
import { binfmt, OLDER_EMULATORS } from '../support/program.js';

const RECORD = `var/lib/binfmts/${entry}`;

describe('--persist for binfmt-support', () => {
  const host = onHost();
  const { persist, install, uninstall, at, read, written } = host;

  it('takes back what an export has written and update-binfmts has imported', () => {
    binfmt(['export', 'debian', name, '--root', host.root]);
    updateBinfmts(host.root, '--import', entry);
    expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
    expect(uninstall()).to.include({ exit: 0, stderr: `uninstalling: ${entry} OK\n` });
    expect([...written(), ...fs.readdirSync(at('usr/share/binfmts'))]).to.deep.equal([]);
    expect(entryNames()).to.deep.equal([]);
  });

  const installing = () => persist(['--install', name], {}, '--persist=binfmt-support');

  it('writes a record that the real update-binfmts registers at boot', () => {
    const ended = installing();
    expect(ended.stderr).to.equal(
      `installing: ${name} OK\nbinfmt: update-binfmts registers what is in /var/lib/binfmts at every boot (as chosen)\n`,
    );
    const registered = entryText(entry);
    expect(written()).to.have.members([EMULATOR, RECORD, MANIFEST]);
    clearEntries();
    updateBinfmts(host.root, '--enable');
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
    updateBinfmts(host.root, '--enable');
    const before = entryText(entry);
    expect(before).to.contain('interpreter /usr/bin/theirs\n');

    expect(installing().exit).to.equal(0);
    clearEntries();
    updateBinfmts(host.root, '--enable');
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
    expect(() => updateBinfmts(host.root, '--enable')).to.throw('another format with the same magic already exists');
  });

  it('is found if the host has nothing else', () => {
    fs.rmSync(at('usr/lib/systemd/systemd-binfmt'));
    expect(install().stderr).to.contain('(found on this host');
    expect(written()).to.include(RECORD);
  });
});

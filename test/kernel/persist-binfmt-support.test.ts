import fs from 'node:fs';
import { expect } from 'chai';
import { updateBinfmts } from '../support/debian-root.js';
import { clearEntries, entryNames, entryText } from '../support/kernel.js';
import { configurationOf, EMULATOR, entry, MANIFEST, name, onHost } from '../support/persist-host.js';
import { binfmt } from '../support/program.js';

const RECORD = `var/lib/binfmts/${entry}`;

describe('--persist for binfmt-support', () => {
  const host = onHost('debian-root');
  const { persist, install, uninstall, at, read, write, written, writeTheirs } = host;
  const installing = () => persist(['--install', name], {}, '--persist=binfmt-support');

  it('is found if the host has nothing else, and the real update-binfmts registers its record at boot', () => {
    fs.rmSync(at('usr/lib/systemd/systemd-binfmt'));
    expect(install().stderr).to.contain('(found on this host');
    const registered = entryText(entry);
    expect(written()).to.have.members([EMULATOR, RECORD, MANIFEST]);
    clearEntries();
    updateBinfmts(host.root, '--enable');
    expect(entryText(entry)).to.equal(registered);
    expect(uninstall().exit).to.equal(0);
    expect(written()).to.deep.equal([]);
  });

  it('takes the place of a record of a package, and puts it back', () => {
    const theirs = configurationOf('binfmt-support', '/usr/bin/theirs').replace(/^:$/m, 'qemu-user-static');
    writeTheirs(RECORD, theirs);
    updateBinfmts(host.root, '--enable');
    const before = entryText(entry);
    expect(before).to.contain('interpreter /usr/bin/theirs\n');

    expect(installing().stderr).to.contain(
      '\nbinfmt: update-binfmts registers what is in /var/lib/binfmts at every boot (as chosen)\n',
    );
    clearEntries();
    updateBinfmts(host.root, '--enable');
    expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
    expect(uninstall().stderr).to.contain(
      "OK (the host's own entry is registered again, with the emulator /usr/bin/theirs)\n",
    );
    expect(read(RECORD)).to.equal(theirs);
    expect(entryText(entry)).to.equal(before);
  });

  it('says if update-binfmts has another record for the same programs', () => {
    write('var/lib/binfmts/theirs', configurationOf('binfmt-support', `/${EMULATOR}`));
    expect(installing().stderr).to.contain(
      `binfmt: update-binfmts will not register ${entry} at boot, because it has theirs for the same programs; first remove that record of update-binfmts\n`,
    );
    clearEntries();
    expect(() => updateBinfmts(host.root, '--enable')).to.throw('another format with the same magic already exists');
  });

  it('takes back what an export has written and update-binfmts has imported', () => {
    binfmt(['export', 'debian', name, '--root', host.root]);
    updateBinfmts(host.root, '--import', entry);
    expect(entryText(entry)).to.contain(`interpreter /${EMULATOR}\n`);
    expect(uninstall()).to.include({ exit: 0, stderr: `uninstalling: ${entry} OK\n` });
    expect([...written(), ...fs.readdirSync(at('usr/share/binfmts'))]).to.deep.equal([]);
    expect(entryNames()).to.deep.equal([]);
  });
});

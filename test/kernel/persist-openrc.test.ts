import fs from 'node:fs';
import { expect } from 'chai';
import { bootWithOpenrc, inRoot } from '../support/debian-root.js';
import { clearEntries, entryText } from '../support/kernel.js';
import { guest2 } from '../support/machine.js';
import { CONFIGURATION, EMULATOR, entry, onHost } from '../support/persist-host.js';

describe('--persist for OpenRC', () => {
  const host = onHost('openrc-root');
  const { install, uninstall, at, written, removeAsKilled } = host;

  const SERVICE = 'etc/runlevels/boot/binfmt';

  it('switches its service on if it is not, and the real openrc registers the entries at boot', () => {
    const ended = install();
    expect(ended.stderr).to.contain("OpenRC's service binfmt registers what is in /etc/binfmt.d at every boot (found");
    expect(inRoot(host.root, 'rc-update', 'show', 'boot')).to.match(/^ *binfmt \| boot/m);
    const registered = entryText(entry);
    clearEntries();
    bootWithOpenrc(host.root);
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

import crypto from 'node:crypto';
import fs from 'node:fs';
import { expect } from 'chai';
import { bootWithOpenrc, inRoot } from '../support/debian-root.js';
import { clearEntries, entryText } from '../support/kernel.js';
import { guest2 } from '../support/machine.js';
import { both, entry, onHost } from '../support/persist-host.js';

const SERVICE = 'etc/runlevels/boot/binfmt';
const TARGET = '/etc/init.d/binfmt';

describe('--persist for OpenRC', () => {
  const host = onHost('openrc-root');
  const { install, uninstall, at, written, writeManifest } = host;

  it('switches its service on, so that the real openrc registers entries, and off with the last emulator', () => {
    expect(install(both).stderr).to.contain(
      "OpenRC's service binfmt registers what is in /etc/binfmt.d at every boot (found",
    );
    expect(inRoot(host.root, 'rc-update', 'show', 'boot')).to.match(/^ *binfmt \| boot/m);
    const registered = entryText(entry);
    clearEntries();
    bootWithOpenrc(host.root);
    expect(entryText(entry)).to.equal(registered);
    expect(uninstall(guest2.name).exit).to.equal(0);
    expect(written()).to.include(SERVICE);
    expect(uninstall().exit).to.equal(0);
    expect(written()).to.deep.equal([]);
  });

  it('switches it off too if an earlier call was killed after it had removed the last emulator', () => {
    fs.symlinkSync(TARGET, at(SERVICE));
    writeManifest({ [SERVICE]: crypto.hash('sha256', `-> ${TARGET}`) });
    expect(uninstall().exit).to.equal(0);
    expect(written()).to.deep.equal([]);
  });

  it('leaves it on if it was on before', () => {
    fs.symlinkSync(TARGET, at(SERVICE));
    install();
    uninstall();
    expect(written()).to.deep.equal([SERVICE]);
  });
});

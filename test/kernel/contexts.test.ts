import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { clearEntries, registerForeign } from '../support/kernel.js';
import { guest, guest2, guest3, guest4, nativePlatforms } from '../support/machine.js';
import { EMULATORS, PROGRAM, shell, statusIn } from '../support/program.js';
import { crashingEmulator, dynamicEmulator } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

/** Nothing may be written but what is noexec: what is left is memory. */
const readOnly = 'mount -o remount,bind,ro /; mount -t tmpfs -o noexec shm /dev/shm; mount -t tmpfs -o ro tmp $TMPDIR';
const noUserNamespace = 'echo 0 >/proc/sys/user/max_user_namespaces';

/** How the program is started: commands in a mount namespace of its own, then capabilities are dropped. */
const contexts = {
  'with every capability': { prepare: 'true', drop: '' },
  'without CAP_SYS_CHROOT': { prepare: 'true', drop: '-sys_chroot' },
  'without CAP_SYS_CHROOT, nor user namespaces': { prepare: noUserNamespace, drop: '-sys_chroot' },
  'with a temporary directory that is noexec': { prepare: 'mount -t tmpfs -o noexec tmp $TMPDIR', drop: '' },
  'with a read-only root file system': { prepare: readOnly, drop: '' },
  'with no capability': { prepare: 'true', drop: '-all' },
  'with a read-only root file system and no capability at all': {
    prepare: `${readOnly}; ${noUserNamespace}`,
    drop: '-all',
  },
} as const;

/** Only in an empty root directory does a dynamic emulator fail; elsewhere it finds this machine's loader. */
const emulators = [
  { of: guest, what: 'static', runs: () => true },
  { of: guest2, what: 'dynamic', runs: (chroot: boolean) => !chroot },
  { of: guest3, what: 'crashing', runs: () => false },
  { of: guest4, what: 'absent', runs: () => false },
];

describe('probes', () => {
  const result = new Map<string, readonly string[]>();
  const leftovers = () => fs.readdirSync(os.tmpdir()).filter((name) => /^(binfmt-probe|qemu_)/.test(name));

  let earlier: readonly string[];

  before(() => {
    earlier = leftovers();
    clearEntries();
    registerForeign('static', guest.name, path.join(EMULATORS, guest.emulator), 'OCF');
    registerForeign('dynamic', guest2.name, dynamicEmulator(), 'OCF');
    registerForeign('crashing', guest3.name, crashingEmulator(), 'OCF');
    registerForeign('absent', guest4.name, '/nonexistent', '');
    for (const [name, { prepare, drop }] of Object.entries(contexts)) {
      const capabilities = drop === '' ? '' : `setpriv --bounding-set=${drop} --inh-caps=${drop}`;
      const script = `${prepare}; ulimit -c unlimited; exec ${capabilities} ${PROGRAM}`;
      const ended = shell(`unshare --user --map-root-user --mount bash -euc '${script}'`, { TMPDIR: scratch() });
      expect(ended.exit, `${name}: ${ended.stderr}`).to.equal(0);
      result.set(name, statusIn(ended).supported);
    }
  });
  after(clearEntries);

  for (const context of Object.keys(contexts)) {
    for (const { of, what, runs } of emulators) {
      const chroot = !context.includes('nor user namespaces') && !/read-only.*no capability/.test(context);
      it(`${runs(chroot) ? 'run' : 'do not run'} through an emulator that is ${what}, ${context}`, () => {
        expect(result.get(context)).to.include.members(nativePlatforms);
        expect(result.get(context)?.includes(of.platform)).to.equal(runs(chroot));
      });
    }
  }

  it('leave nothing behind, not even a core file', () => {
    expect(leftovers()).to.deep.equal(earlier);
  });

  it("do not inherit the caller's environment variables for QEMU", () => {
    const ended = shell(`QEMU_VERSION=1 QEMU_CPU=nonsense QEMU_LOG=nonsense ${PROGRAM}`);
    expect(statusIn(ended).supported).to.include(guest.platform);
  });
});

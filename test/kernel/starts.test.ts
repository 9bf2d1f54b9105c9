/** How often an emulator is started: it is what takes the time of a call. */
import { expect } from 'chai';
import { countingEmulators } from '../support/counting.js';
import { clearEntries } from '../support/kernel.js';
import { guest, guest2, guest3 } from '../support/machine.js';
import { binfmt } from '../support/program.js';

describe('an emulator', () => {
  const { directory, starts } = countingEmulators([guest, guest2, guest3]);
  const installBoth = ['--install', `${guest.name},${guest2.name}`];
  const call = (...args: string[]) => expect(binfmt(args, { QEMU_BINARY_PATH: directory }).exit).to.equal(0);

  beforeEach(() => {
    clearEntries();
    call(...installBoth);
    starts();
  });
  after(clearEntries);

  for (const [what, args, expected] of [
    ['for the status', [], [1, 1, 0]],
    ['for an installation with nothing to do', installBoth, [1, 1, 0]],
    ['for an installation of all', ['--install', 'all'], [1, 1, 1]],
    ['for an installation of another one', ['--install', guest3.name], [1, 1, 1]],
    ['for a removal of another one', ['--uninstall', guest2.name], [1, 0, 0]],
    ['for a removal and an installation', ['--uninstall', 'qemu-*', ...installBoth], [1, 1, 0]],
  ] as const) {
    it(`is started once ${what}`, () => {
      call(...args);
      expect(starts()).to.deep.equal(expected);
    });
  }
});

/** How often an emulator is started in `docker run`, which usually has to mount binfmt_misc. */
import { expect } from 'chai';
import { countingEmulators } from '../support/counting.js';
import { docker, IMAGE, onCleanHost } from '../support/docker.js';
import { MOUNT } from '../support/kernel.js';
import { guest, guest2, guest3 } from '../support/machine.js';

describe('an emulator', () => {
  onCleanHost();
  const { directory, starts } = countingEmulators([guest, guest2, guest3]);
  // They count in the host's semaphores.
  const counting = ['--rm', '--privileged', '--ipc=host', '-v', `${directory}/..:${directory}/..:ro`];
  const image = ['--env', `QEMU_BINARY_PATH=${directory}`, IMAGE];
  const installBoth = ['--install', `${guest.name},${guest2.name}`];

  const replacement = ['a removal and an installation', ['--uninstall', 'qemu-*', ...installBoth], [1, 1, 0]] as const;
  const calls = [
    ['the status', [], [1, 1, 0]],
    ['an installation with nothing to do', installBoth, [1, 1, 0]],
    ['an installation of another one', ['--install', guest3.name], [1, 1, 1]],
    ['a removal of another one', ['--uninstall', guest2.name], [1, 0, 0]],
    replacement,
  ] as const;
  for (const [where, options, made] of [
    ['a container', [], calls],
    ["a container with the host's mount", ['-v', `${MOUNT}:/binfmt_misc`], [replacement]],
    ["a container with the host's processes", ['--pid=host'], [replacement]],
  ] as const) {
    for (const [what, args, expected] of made) {
      it(`is started once for ${what}, in ${where}`, () => {
        const call = (...words: string[]) =>
          expect(docker('run', ...counting, ...options, ...image, ...words)).to.include({ exit: 0 });
        call('--uninstall', 'qemu-*', ...installBoth);
        starts();
        call(...args);
        expect(starts()).to.deep.equal(expected);
      });
    }
  }
});

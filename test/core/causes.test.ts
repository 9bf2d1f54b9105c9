import { expect } from 'chai';
import { mountFailure, openFailure, registerFailure } from '../../src/core/causes.js';
import { exitStatus, oneLine } from '../../src/core/failure.js';

describe('causes', () => {
  for (const [errno, hint] of [
    ['ENODEV', 'modprobe binfmt_misc'],
    ['EPERM', '--privileged'],
    ['EACCES', 'apparmor=unconfined'],
    ['EROFS', '--mount DIR'],
    ['ENOENT', 'modprobe binfmt_misc'],
    ['ENOTDIR', '--mount DIR'],
  ] as const) {
    it(`of a mount that failed with ${errno} name it and what to do, in one line, exit status 3`, () => {
      const failure = mountFailure('/dir', errno);
      expect(oneLine(failure))
        .to.contain('cannot mount binfmt_misc filesystem at /dir')
        .and.contain(errno)
        .and.contain(hint);
      expect(oneLine(failure)).not.to.contain('\n');
      expect(exitStatus([failure])).to.equal(3);
    });
  }

  it('of an errno that nobody thought of still name it', () => {
    expect(oneLine(mountFailure('/dir', 'EBUSY'))).to.contain('EBUSY');
    expect(oneLine(openFailure('/dir/register', 'EIO'))).to.contain('EIO');
    expect(oneLine(registerFailure('n', '/i', 'ENOSPC'))).to.contain('ENOSPC');
  });

  it('decide on the exit status: none 0, some 1, the machine 3', () => {
    expect(exitStatus([])).to.equal(0);
    expect(exitStatus([registerFailure('n', '/i', 'EINVAL')])).to.equal(1);
    expect(exitStatus([registerFailure('n', '/i', 'EINVAL'), openFailure('/r', 'EROFS')])).to.equal(3);
  });
});

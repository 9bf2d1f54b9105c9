import { expect } from 'chai';
import { clearEntries, MOUNT } from '../support/kernel.js';
import { guest, guest2, native, nativePlatforms } from '../support/machine.js';
import { EMULATORS, type Ended, PROGRAM, shell, statusIn } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const { name, platform, emulator: entry } = guest;
const program = `env QEMU_BINARY_PATH=${EMULATORS} ${PROGRAM} --allow-userns`;

/** Runs a script in a mount namespace of its own, in which no binfmt_misc is mounted. */
function fresh(script: string): Ended {
  return shell(`unshare --mount bash -euc 'umount ${MOUNT}; ${script}'`, { TMPDIR: scratch() });
}

const without = (capability: string) => `setpriv --bounding-set=-${capability} --inh-caps=-${capability}`;

describe('the mount', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  it('is made where it is missing, and stays after an installation', () => {
    const ended = fresh(`${program} --install ${name}; grep -c "^enabled" ${MOUNT}/${entry} >&2`);
    expect(ended.stderr).to.equal(`installing: ${name} OK\n1\n`);
    expect(statusIn(ended).emulators).to.deep.equal([entry]);
  });

  it('is undone where nothing was to be installed', () => {
    const ended = fresh(`${program}; ${program} --uninstall all >/dev/null; ls ${MOUNT} >&2`);
    expect(statusIn(ended).supported).to.include.members(nativePlatforms);
    expect(ended.stderr).to.equal('uninstalling: all OK (not registered)\n');
  });

  it("is found anywhere, as a container has it that is given the host's", () => {
    const ended =
      fresh(`dir=$(mktemp -d); mount -t binfmt_misc none "$dir"; ${program} --install ${name}; cat "$dir"/${entry} >&2
      ls ${MOUNT} >&2; umount "$dir"; rmdir "$dir"`);
    expect(ended.stderr).to.contain(`installing: ${name} OK\n`).and.contain('flags: POCF');
    expect(ended.stderr).not.to.contain('register\n');
  });

  it('is made at --mount DIR, and only there', () => {
    const ended = fresh(
      `dir=$(mktemp -d); ${program} --mount "$dir" --install ${name}; ls "$dir" >&2; umount "$dir"; rmdir "$dir"`,
    );
    expect(ended.stderr).to.contain(entry).and.contain('register');
    expect(statusIn(ended).emulators).to.deep.equal([entry]);
  });

  it('leaves a directory of the user alone', () => {
    const ended = fresh(
      `dir=$(mktemp -d); ${program} --mount "$dir" >/dev/null; touch "$dir"/x; ${program} --mount "$dir"; ls "$dir" >&2`,
    );
    expect(ended).to.include({ exit: 0, stderr: 'x\n' });
    statusIn(ended);
  });

  it('is not made elsewhere where a directory was named that does not exist', () => {
    const ended = fresh(`${program} --mount /nonexistent/dir --install ${name}`);
    expect(ended.exit).to.equal(3);
    expect(ended.stderr).to.contain('/nonexistent/dir: no such directory (ENOENT)');
  });

  it('goes again where nothing could be registered', () => {
    const ended = fresh(`${program} --install nonsense || ls ${MOUNT} >&2`);
    expect(ended.stderr).to.match(/^installing: nonsense unknown platform.*\n$/);
  });

  it('may have entries that cannot be read: they are left out', () => {
    const ended = fresh(`mount -t binfmt_misc none ${MOUNT}; ${program} --install ${name},${guest2.name} >/dev/null 2>&1
      chmod 000 ${MOUNT}/${entry}; ${without('all')} ${program}`);
    expect(ended.exit).to.equal(0);
    expect(statusIn(ended).emulators).to.deep.equal([guest2.emulator]);
    expect(statusIn(ended).supported).to.include(platform);
  });

  it('is made in a directory of its own where the usual one is read-only', () => {
    const ended = fresh(`mount -t binfmt_misc none ${MOUNT}; mount -o remount,bind,ro ${MOUNT}
      ${program} --install ${name}`);
    expect(ended).to.include({ stderr: `installing: ${name} OK\n`, exit: 0 });
    statusIn(ended);
  });

  for (const [what, script, status, cause] of [
    [
      'EPERM',
      `${without('sys_admin')} ${program} --install ${name}`,
      3,
      /cannot mount binfmt_misc filesystem at .*EPERM.*--privileged/,
    ],
    ['EPERM, --uninstall', `${without('sys_admin')} ${program} --uninstall ${name}`, 3, /EPERM/],
    [
      'ENOTDIR',
      `${program} --mount /etc/passwd --install ${name}`,
      3,
      /\/etc\/passwd: not a directory \(ENOTDIR\).*--mount DIR/,
    ],
    [
      'ENOENT, with no place for one of its own',
      `mount -o remount,bind,ro /; mount -t tmpfs -o ro none $TMPDIR; ${program} --mount /nonexistent --install ${name}`,
      3,
      /no such directory \(ENOENT\).*modprobe binfmt_misc/,
    ],
    [
      'EROFS, with no place for one of its own',
      `mount -t binfmt_misc none ${MOUNT}; mount -o remount,bind,ro ${MOUNT}; mount -t tmpfs -o ro none $TMPDIR; ${program} --install ${name}`,
      3,
      /cannot write to .*register: read-only file system \(EROFS\)/,
    ],
    [
      'EACCES',
      `mount -t binfmt_misc none ${MOUNT}; chmod 000 ${MOUNT}/register; ${without('all')} ${program} --install ${name}`,
      3,
      /cannot write to .*register: permission denied \(EACCES\)/,
    ],
  ] as const) {
    it(`that fails with ${what}: exit status ${status}, one line with cause and remedy, and a valid status`, () => {
      const ended = fresh(script);
      expect(ended.stderr.trim().split('\n')).to.have.length(1);
      expect(ended.stderr)
        .to.match(/^binfmt: /)
        .and.match(cause);
      expect(ended.exit).to.equal(status);
      expect(statusIn(ended).supported).to.include.members(nativePlatforms);
    });
  }

  it('is not made in a user namespace unless that is asked for: the entries of the host would be hidden', () => {
    const ended = fresh(`${program.replace(' --allow-userns', '')} --install ${name}`);
    expect(ended.exit).to.equal(3);
    expect(ended.stderr).to.match(/^binfmt: this is a user namespace .*hides the host's entries; .*--allow-userns\n$/);
    expect(statusIn(ended).supported).to.include.members(nativePlatforms);
  });

  it('is not needed for the status: without privileges it comes from probes, and one line says why', () => {
    const ended = fresh(`${without('all')} ${program}`);
    expect(ended.exit).to.equal(0);
    expect(statusIn(ended)).to.have.deep.property('emulators', []);
    expect(statusIn(ended).supported).to.deep.equal(nativePlatforms);
    expect(ended.stderr).to.match(/^binfmt: entries cannot be read: cannot mount .*EPERM.*\n$/);
  });

  it('is not needed for what runs already', () => {
    const names = [...native.keys()].map((each) => each.name);
    const ended = fresh(`${without('all')} ${program} --install ${names.join()}`);
    expect(ended.exit).to.equal(0);
    for (const each of names) expect(ended.stderr).to.contain(`installing: ${each} OK (this machine runs it natively)`);
  });
});

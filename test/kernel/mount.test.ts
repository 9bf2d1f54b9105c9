import path from 'node:path';
import { expect } from 'chai';
import { clearEntries, MOUNT } from '../support/kernel.js';
import { guest, guest2, native, nativePlatforms } from '../support/machine.js';
import { EMULATORS, type Ended, PROGRAM, shell, statusIn } from '../support/program.js';
import { compileFile } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const { name, platform, emulator: entry } = guest;
const binfmt = `env QEMU_BINARY_PATH=${EMULATORS} ${PROGRAM}`;
const program = `${binfmt} --allow-userns`;

/** Runs a script in a mount namespace of its own, in which no binfmt_misc is mounted. */
function fresh(script: string): Ended {
  return shell(`unshare --mount bash -euc 'umount ${MOUNT}; ${script}'`, { TMPDIR: scratch() });
}

const without = (capability: string) => `setpriv --bounding-set=-${capability} --inh-caps=-${capability}`;

describe('binfmt_misc', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  it('is mounted if it is missing, and stays mounted after an installation', () => {
    const ended = fresh(`${program} --install ${name}; grep -c "^enabled" ${MOUNT}/${entry} >&2`);
    expect(ended.stderr).to.equal(`installing: ${name} OK\n1\n`);
    expect(statusIn(ended).emulators).to.deep.equal([entry]);
  });

  it('is unmounted again if nothing was installed', () => {
    const ended = fresh(`${program}; ${program} --uninstall all >/dev/null; ls ${MOUNT} >&2`);
    expect(statusIn(ended).supported).to.include.members(nativePlatforms);
    expect(ended.stderr).to.equal('uninstalling: all OK (not registered)\n');
  });

  it("is found wherever it is mounted, such as a bind mount of the host's directory", () => {
    const ended =
      fresh(`dir=$(mktemp -d); mount -t binfmt_misc none "$dir"; ${program} --install ${name}; cat "$dir"/${entry} >&2
      ls ${MOUNT} >&2; umount "$dir"; rmdir "$dir"`);
    expect(ended.stderr).to.contain(`installing: ${name} OK\n`).and.contain('flags: POCF');
    expect(ended.stderr).not.to.contain('register\n');
  });

  it('is mounted at --mount DIR, and only there', () => {
    const ended = fresh(
      `dir=$(mktemp -d); ${program} --mount "$dir" --install ${name}; ls "$dir" >&2; umount "$dir"; rmdir "$dir"`,
    );
    expect(ended.stderr).to.contain(entry).and.contain('register');
    expect(statusIn(ended).emulators).to.deep.equal([entry]);
  });

  it('is mounted in the directory of --mount for the status too, and then unmounted', () => {
    const ended = fresh(`dir=$(mktemp -d); ${program} --mount "$dir"; touch "$dir"/x; ls "$dir" >&2`);
    expect(ended).to.include({ exit: 0, stderr: 'x\n' });
    statusIn(ended);
  });

  for (const args of [`--install ${name}`, `--uninstall ${name}`, '--install all --watch', `doctor ${name}`, '']) {
    it(`is not mounted over a directory that holds something else: ${args || 'the status'}`, () => {
      const [command, options] = args.startsWith('doctor') ? [args, ''] : ['', args];
      const ended = fresh(`dir=$(mktemp -d); touch "$dir"/x; mounts=$(cat /proc/self/mountinfo)
        ${binfmt} ${command} --allow-userns --mount "$dir" ${options} || echo "status $?"
        ls "$dir"; [ "$(cat /proc/self/mountinfo)" != "$mounts" ] || echo "same mounts"`);
      expect(ended.stdout).to.equal('status 2\nx\nsame mounts\n');
      expect(ended.stderr).to.match(
        /^binfmt: --mount "\/.*": this directory is not empty and is not a binfmt_misc, and a mount would hide what is in it; choose an existing, empty directory with --mount DIR\n$/,
      );
    });
  }

  it('is used as it is if the directory of --mount already holds one', () => {
    const ended = fresh(`dir=$(mktemp -d); mount -t binfmt_misc none "$dir"; ${program} --mount "$dir" --install ${name}
      grep -c " $dir " /proc/self/mountinfo >&2; cat "$dir"/${entry} >&2; umount "$dir"`);
    expect(ended.stderr).to.match(new RegExp(`^installing: ${name} OK\n1\nenabled\n`));
    expect(statusIn(ended).emulators).to.deep.equal([entry]);
  });

  for (const [kind, image, advice] of [
    [
      'an image',
      'binfmt',
      'as root \\(in Kubernetes: runAsUser: 0\\): docker run --privileged --user 0 --rm .*binfmt --allow-userns',
    ],
    ['a file', '', `as root: sudo .*${PROGRAM} --allow-userns`],
  ] as const) {
    it(`cannot be mounted by a user who is not root: ${kind} says which user it is, and how to be root`, () => {
      const ended = fresh(`dir=$(mktemp -d); export BINFMT_IMAGE=${image}
        unshare --user --mount ${program} --mount "$dir" --install ${name} || status=$?; rmdir "$dir"; exit $status`);
      expect(ended.exit).to.equal(3);
      expect(ended.stderr).to.match(
        new RegExp(`^binfmt: .*EPERM\\): CAP_SYS_ADMIN is required, and binfmt runs as uid 65534; ${advice} .*\n$`),
      );
      statusIn(ended);
    });
  }

  it('is mounted nowhere if the directory of --mount does not exist', () => {
    const ended = fresh(`${program} --mount /nonexistent/dir --install ${name}`);
    expect(ended.exit).to.equal(3);
    expect(ended.stderr).to.contain('/nonexistent/dir: no such directory (ENOENT)');
  });

  it('is unmounted again if nothing could be registered', () => {
    const ended = fresh(`${program} --install nonsense || ls ${MOUNT} >&2`);
    expect(ended.stderr).to.match(/^installing: nonsense unknown platform.*\n$/);
  });

  it('may have entries that cannot be read, which the status leaves out', () => {
    const ended = fresh(`mount -t binfmt_misc none ${MOUNT}; ${program} --install ${name},${guest2.name} >/dev/null 2>&1
      chmod 000 ${MOUNT}/${entry}; ${without('all')} ${program}`);
    expect(ended.exit).to.equal(0);
    expect(statusIn(ended).emulators).to.deep.equal([guest2.emulator]);
    expect(statusIn(ended).supported).to.include(platform);
  });

  it('is mounted in a temporary directory if the usual one is read-only', () => {
    const ended = fresh(`mount -t binfmt_misc none ${MOUNT}; mount -o remount,bind,ro ${MOUNT}
      ${program} --install ${name}`);
    expect(ended).to.include({ stderr: `installing: ${name} OK\n`, exit: 0 });
    statusIn(ended);
  });

  describe('with a dead automount at the usual place, where every access fails with ELOOP', () => {
    const dead = `mount -t tmpfs none ${path.dirname(MOUNT)}; ln -s binfmt_misc ${MOUNT}`;
    const warning = new RegExp(
      `the automount point ${MOUNT} is dead: .*\\(ELOOP\\); on the host: sudo systemctl restart \\S+\\.automount; or .*umount --lazy`,
    );

    it('is mounted in a temporary directory, and one line says why and what to type', () => {
      const ended = fresh(`${dead}; ${program} --install ${name}; cat $TMPDIR/binfmt_misc-*/${entry} >&2`);
      expect(ended.stderr).to.match(warning).and.contain(`installing: ${name} OK\nenabled\n`);
      expect(statusIn(ended).emulators).to.deep.equal([entry]);
    });

    it('is mounted there for the status and for doctor too, and then unmounted', () => {
      const ended = fresh(
        `${dead}; ${program}; ${binfmt} doctor --allow-userns --check dead-automount >&2; ls $TMPDIR`,
      );
      expect(ended.exit).to.equal(0);
      expect(statusIn(ended).supported).to.include.members(nativePlatforms);
      expect(ended.stderr).to.match(warning).and.contain('[dead-automount]');
    });

    it('is named as the cause if nothing may be mounted elsewhere', () => {
      const ended = fresh(`${dead}; mount -t tmpfs -o ro none $TMPDIR; ${program} --install ${name}`);
      expect(ended.exit).to.equal(3);
      expect(ended.stderr).to.match(warning);
    });
  });

  it('stays in a temporary directory that cannot be unmounted, and the result of the call stands', () => {
    const refuse = `${compileFile('test/campaign/refuse.c', ['-static'])} EPERM umount2`;
    const ended = fresh(`mount -t binfmt_misc none ${MOUNT}; mount -o remount,bind,ro ${MOUNT}
      ${refuse} /usr/bin/${program} --install nonsense || echo "status $?" >&2; umount $TMPDIR/binfmt_misc-*`);
    expect(ended.stderr).to.match(/^installing: nonsense unknown platform.*\nstatus 1\n$/);
    expect(statusIn(ended).supported).to.include.members(nativePlatforms);
  });

  for (const [what, script, status, cause] of [
    [
      'EPERM',
      `${without('sys_admin')} ${program} --install ${name}`,
      3,
      /cannot mount binfmt_misc filesystem at .*\(EPERM\): CAP_SYS_ADMIN is required; as root: sudo \S/,
    ],
    ['EPERM, with --uninstall', `${without('sys_admin')} ${program} --uninstall ${name}`, 3, /EPERM/],
    [
      'ENOTDIR',
      `${program} --mount /etc/passwd --install ${name}`,
      3,
      /\/etc\/passwd: not a directory \(ENOTDIR\); choose an existing, empty directory with --mount DIR\n$/,
    ],
    [
      'ENOENT, and there is no other directory',
      `mount -o remount,bind,ro /; mount -t tmpfs -o ro none $TMPDIR; ${program} --mount /nonexistent --install ${name}`,
      3,
      /no such directory \(ENOENT\).*modprobe binfmt_misc/,
    ],
    [
      'EROFS, and there is no other directory',
      `mount -t binfmt_misc none ${MOUNT}; mount -o remount,bind,ro ${MOUNT}; mount -t tmpfs -o ro none $TMPDIR; ${program} --install ${name}`,
      3,
      /cannot write to .*register: read-only file system \(EROFS\)/,
    ],
    [
      'EACCES',
      `mount -t binfmt_misc none ${MOUNT}; chmod 000 ${MOUNT}/register; ${without('all')} ${program} --install ${name}`,
      3,
      /^binfmt: this is a user namespace, .* and is not allowed to write to \S+\/register \(EACCES\); register on the host itself, as the host's root user\n$/,
    ],
  ] as const) {
    it(`fails with ${what}: one line with cause and remedy, a valid status on standard output, and exit status ${status}`, () => {
      const ended = fresh(script);
      expect(ended.stderr.trim().split('\n')).to.have.length(1);
      expect(ended.stderr)
        .to.match(/^binfmt: /)
        .and.match(cause)
        .and.not.match(/docker/i);
      expect(ended.exit).to.equal(status);
      expect(statusIn(ended).supported).to.include.members(nativePlatforms);
    });
  }

  it('is reported once if removing and installing fail for the same reason', () => {
    const ended = fresh(`${without('sys_admin')} ${program} --uninstall ${name} --install ${name},nonsense`);
    expect(ended.exit).to.equal(3);
    const lines = ended.stderr.trim().split('\n');
    expect(lines.filter((line) => line.includes('EPERM'))).to.have.length(1);
    expect(lines.filter((line) => line.includes('"nonsense"'))).to.have.length(1);
    expect(lines).to.have.length(2);
  });

  it('is not mounted in a user namespace without --allow-userns, because it would hide the entries of the host', () => {
    const ended = fresh(`${binfmt} --install ${name}`);
    expect(ended.exit).to.equal(3);
    expect(ended.stderr).to.match(
      /^binfmt: this is a user namespace, .*, and hide the host's entries; .*binfmt --install \S+ --allow-userns\n$/,
    );
    expect(statusIn(ended).supported).to.include.members(nativePlatforms);
  });

  it('is not needed for the status, which then comes from probes; one line says why', () => {
    const ended = fresh(`${without('all')} ${program}`);
    expect(ended.exit).to.equal(0);
    expect(statusIn(ended)).to.have.deep.property('emulators', []);
    expect(statusIn(ended).supported).to.deep.equal(nativePlatforms);
    expect(ended.stderr).to.match(/^binfmt: entries cannot be read: cannot mount .*EPERM.*\n$/);
  });

  it('is not needed to install what runs already', () => {
    const names = [...native.keys()].map((each) => each.name);
    const ended = fresh(`${without('all')} ${program} --install ${names.join()}`);
    expect(ended.exit).to.equal(0);
    for (const each of names) expect(ended.stderr).to.contain(`installing: ${each} OK (this machine runs it natively)`);
  });
});

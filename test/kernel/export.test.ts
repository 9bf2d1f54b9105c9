import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { scratch } from '../support/kernel.js';
import { binfmt, EMULATORS, lastLine, must, PROGRAM, shell } from '../support/program.js';
import { dynamicEmulator } from '../support/programs.js';

const files = (dir: string) =>
  fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => fs.statSync(path.join(dir, name)).isFile())
    .sort();
const exported = (dir: string, ...words: string[]) => binfmt(['export', ...words, '--root', dir]);

describe('export --root', () => {
  for (const [format, configuration] of [
    ['systemd', ['etc/binfmt.d/qemu-aarch64.conf']],
    ['openrc', ['etc/binfmt.d/qemu-aarch64.conf']],
    ['debian', ['usr/share/binfmts/qemu-aarch64']],
    ['nixos', []],
    ['none', []],
  ] as const) {
    it(`${format}: writes what that needs, and says what is next`, () => {
      const dir = scratch();
      const ended = exported(dir, format, 'arm64');
      expect(ended).to.include({ exit: 0, stdout: '' });
      expect(ended.stderr).to.match(/^exporting: arm64 OK\nnext: /);
      const emulator = 'usr/local/lib/binfmt/qemu-aarch64';
      expect(files(dir)).to.deep.equal([...configuration, 'usr/local/lib/binfmt/manifest.json', emulator].sort());
      expect(must('cmp', [path.join(dir, emulator), path.join(EMULATORS, 'qemu-aarch64')])).to.equal('');
      expect(fs.statSync(path.join(dir, emulator)).mode & 0o7777).to.equal(0o755);
    });
  }

  it('can be done again, and more be added; what somebody changed is kept, unless --force', () => {
    const dir = scratch();
    exported(dir, 'systemd', 'arm64');
    expect(exported(dir, 'systemd', 's390x').exit).to.equal(0);
    expect(exported(dir, 'systemd', 'arm64,s390x').exit).to.equal(0);
    const file = path.join(dir, 'etc/binfmt.d/qemu-aarch64.conf');
    fs.writeFileSync(file, '# mine\n');
    const refused = exported(dir, 'systemd', 'arm64,riscv64');
    expect(refused.exit).to.equal(1);
    expect(lastLine(refused.stderr)).to.contain(`"${file}" is not as an export has left it`).and.contain('--force');
    expect(fs.readFileSync(file, 'utf8')).to.equal('# mine\n');
    expect(files(dir).join()).not.to.contain('riscv64');
    expect(exported(dir, 'systemd', 'arm64', '--force').exit).to.equal(0);
    expect(fs.readFileSync(file, 'utf8')).to.match(/^:qemu-aarch64:M:/);
  });

  it('replaces an older export of its own', () => {
    const dir = scratch();
    const older = { QEMU_BINARY_PATH: path.join(EMULATORS, '../../../qemu-older/usr/bin') };
    expect(binfmt(['export', 'none', 'arm64', '--root', dir], older).exit).to.equal(0);
    expect(exported(dir, 'none', 'arm64').exit).to.equal(0);
    expect(must(path.join(dir, 'usr/local/lib/binfmt/qemu-aarch64'), ['--version'])).to.contain('version 11.');
  });

  it('leaves out what the machine runs natively', () => {
    const dir = scratch();
    const ended = exported(dir, 'systemd', 'arm64,386,amd64');
    expect(ended.stderr).to.contain('exporting: amd64 OK (this machine runs it natively, left out)');
    expect(files(dir).join()).not.to.contain('i386');
  });

  it('writes nothing at all where something that was asked for cannot be had', () => {
    const dir = scratch();
    expect(exported(dir, 'systemd', 'arm64,mainframe').exit).to.equal(1);
    const emulators = scratch();
    fs.copyFileSync(dynamicEmulator(), path.join(emulators, 'qemu-aarch64'));
    const dynamic = binfmt(['export', 'systemd', 'arm64', '--root', dir], { QEMU_BINARY_PATH: emulators });
    expect(lastLine(dynamic.stderr)).to.contain('is dynamically linked');
    expect(files(dir)).to.deep.equal([]);
  });

  it('says what it could not write', () => {
    const ended = exported('/proc/nonexistent', 'none', 'arm64');
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.contain('cannot write to "/proc/nonexistent"');
  });

  it('fails where nobody reads the archive to its end', () => {
    const ended = shell(`set +o pipefail; { ${PROGRAM} export none arm64 || echo $? >&2; } | head -c 1 >/dev/null`, {
      QEMU_BINARY_PATH: EMULATORS,
    });
    expect(ended.stderr)
      .to.contain('was not read to its end\n')
      .and.match(/\n1\n$/);
  });
});

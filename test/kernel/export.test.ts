import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { guest, guest2, guest3, native } from '../support/machine.js';
import {
  binfmt,
  EMULATORS,
  lastLine,
  must,
  OLDER_EMULATORS,
  PROGRAM,
  shell,
  shippedVersion,
} from '../support/program.js';
import { dynamicEmulator } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const { name, emulator: entry } = guest;
const files = (dir: string) =>
  fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => fs.statSync(path.join(dir, name)).isFile())
    .sort();
const exported = (dir: string, ...words: string[]) => binfmt(['export', ...words, '--root', dir]);

describe('export --root', () => {
  for (const [format, configuration] of [
    ['systemd', [`etc/binfmt.d/${entry}.conf`]],
    ['openrc', [`etc/binfmt.d/${entry}.conf`]],
    ['debian', [`usr/share/binfmts/${entry}`]],
    ['nixos', []],
    ['none', []],
  ] as const) {
    it(`${format}: writes what that needs, and says what is next`, () => {
      const dir = scratch();
      const ended = exported(dir, format, name);
      expect(ended).to.include({ exit: 0, stdout: '' });
      expect(ended.stderr).to.match(new RegExp(`^exporting: ${name} OK\nnext: `));
      const emulator = `usr/local/lib/binfmt/${entry}`;
      expect(files(dir)).to.deep.equal([...configuration, 'usr/local/lib/binfmt/manifest.json', emulator].sort());
      expect(must('cmp', [path.join(dir, emulator), path.join(EMULATORS, entry)])).to.equal('');
      expect(fs.statSync(path.join(dir, emulator)).mode & 0o7777).to.equal(0o755);
    });
  }

  it('can be done again, and more be added; what somebody changed is kept, unless --force', () => {
    const dir = scratch();
    exported(dir, 'systemd', name);
    expect(exported(dir, 'systemd', guest2.name).exit).to.equal(0);
    expect(exported(dir, 'systemd', `${name},${guest2.name}`).exit).to.equal(0);
    const file = path.join(dir, `etc/binfmt.d/${entry}.conf`);
    fs.writeFileSync(file, '# mine\n');
    const refused = exported(dir, 'systemd', `${name},${guest3.name}`);
    expect(refused.exit).to.equal(1);
    expect(lastLine(refused.stderr)).to.contain(`"${file}" is not as an export has left it`).and.contain('--force');
    expect(fs.readFileSync(file, 'utf8')).to.equal('# mine\n');
    expect(files(dir).join()).not.to.contain(guest3.emulator);
    expect(exported(dir, 'systemd', name, '--force').exit).to.equal(0);
    expect(fs.readFileSync(file, 'utf8')).to.match(new RegExp(`^:${entry}:M:`));
  });

  it('replaces an older export of its own', () => {
    const dir = scratch();
    const older = { QEMU_BINARY_PATH: OLDER_EMULATORS };
    expect(binfmt(['export', 'none', name, '--root', dir], older).exit).to.equal(0);
    expect(exported(dir, 'none', name).exit).to.equal(0);
    expect(must(path.join(dir, 'usr/local/lib/binfmt', entry), ['--version'])).to.contain(
      `version ${shippedVersion()} `,
    );
  });

  it('leaves out what the machine runs natively', () => {
    const dir = scratch();
    const ended = exported(dir, 'systemd', [name, ...[...native.keys()].map((each) => each.name)].join());
    for (const each of native.keys()) {
      expect(ended.stderr).to.contain(`exporting: ${each.name} OK (this machine runs it natively, left out)`);
    }
    const configurations = files(dir).filter((file) => file.endsWith('.conf'));
    expect(configurations).to.deep.equal([`etc/binfmt.d/${entry}.conf`]);
  });

  it('writes nothing at all where something that was asked for cannot be had', () => {
    const dir = scratch();
    expect(exported(dir, 'systemd', `${name},mainframe`).exit).to.equal(1);
    const emulators = scratch();
    fs.copyFileSync(dynamicEmulator(), path.join(emulators, entry));
    const dynamic = binfmt(['export', 'systemd', name, '--root', dir], { QEMU_BINARY_PATH: emulators });
    expect(lastLine(dynamic.stderr)).to.contain('is dynamically linked');
    expect(files(dir)).to.deep.equal([]);
  });

  it('says what it could not write', () => {
    const ended = exported('/proc/nonexistent', 'none', name);
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.contain('cannot write to "/proc/nonexistent"');
  });

  it('fails where nobody reads the archive to its end', () => {
    const ended = shell(`set +o pipefail; { ${PROGRAM} export none ${name} || echo $? >&2; } | head -c 1 >/dev/null`, {
      QEMU_BINARY_PATH: EMULATORS,
    });
    expect(ended.stderr)
      .to.contain('was not read to its end\n')
      .and.match(/\n1\n$/);
  });
});

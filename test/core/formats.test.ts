import { expect } from 'chai';
import { exportedFiles } from '../../src/core/persist/entry-files.js';
import { exportFormatNames, nextStep } from '../../src/core/persist/formats.js';
import { tarHeader, tarPadding } from '../../src/core/persist/tar.js';
import { row } from '../support/architectures.js';

const emulators = [
  { architecture: row('s390x'), source: '/q/qemu-s390x', flags: 'POCF' },
  { architecture: row('arm64'), source: '/q/qemu-aarch64', flags: 'F' },
];

describe('the files of an export', () => {
  for (const format of exportFormatNames) {
    it(`for ${format} are the emulators, and then what that system reads, each sorted`, () => {
      const paths = exportedFiles(format, emulators).map(({ path }) => path);
      const shipped = ['usr/local/lib/binfmt/qemu-aarch64', 'usr/local/lib/binfmt/qemu-s390x'];
      expect(paths.slice(0, 2)).to.deep.equal(shipped);
      expect(paths.slice(2)).to.deep.equal(paths.slice(2).sort());
      expect(nextStep(format, ['qemu-aarch64'])).to.match(/\S/);
    });
  }

  it('for debian say which flags an entry has', () => {
    const file = exportedFiles('debian', emulators).find(({ path }) => path === 'usr/share/binfmts/qemu-aarch64');
    expect(file && 'text' in file && file.text)
      .to.match(/^package binfmt\ninterpreter \/usr\/local\/lib\/binfmt\/qemu-aarch64\nmagic \\x7f\\x45/)
      .and.match(/credentials no\npreserve no\nfix_binary yes\n$/);
  });

  it('for systemd and openrc are lines that the kernel takes', () => {
    const file = exportedFiles('systemd', emulators).find(({ path }) => path === 'etc/binfmt.d/qemu-s390x.conf');
    expect(file && 'text' in file && file.text).to.match(
      /^:qemu-s390x:M::\\x7f.*:\/usr\/local\/lib\/binfmt\/qemu-s390x:PCF\n$/,
    );
  });
});

describe('a tar header', () => {
  it('has a checksum that counts its own field as spaces', () => {
    const header = Buffer.from(tarHeader('a/b', 0o755, 513));
    const sum = Number.parseInt(header.toString('latin1', 148, 154), 8);
    header.fill(' ', 148, 156);
    expect(header.reduce((total, byte) => total + byte, 0)).to.equal(sum);
    expect(tarPadding(513)).to.have.length(511);
    expect(tarPadding(512)).to.have.length(0);
  });

  it('refuses a path that does not fit', () => {
    expect(() => tarHeader('a'.repeat(101), 0o644, 0)).to.throw('too long');
  });
});

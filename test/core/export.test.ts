import { expect } from 'chai';
import { architectures } from '../../src/core/architectures.js';
import { parseRegisterLine, registerLine, registrationOf } from '../../src/core/entry.js';
import { formatManifest, parseManifest } from '../../src/core/export.js';
import { formatIdMap, parseIdMap, sameIds, subordinateIds } from '../../src/core/identity.js';
import { call, callAsService, callPrivileged, quoted } from '../../src/core/program.js';
import { tarHeader, tarPadding } from '../../src/core/tar.js';

describe('register lines of files', () => {
  it('are read as they are written, for every row', () => {
    for (const row of architectures) {
      const registration = registrationOf(row, { name: `qemu-${row.target}`, interpreter: '/q', flags: 'PCF' });
      expect(parseRegisterLine(registerLine(registration))).to.deep.equal({ ...registration, offset: 0 });
    }
  });

  for (const [line, what] of [
    ['# :qemu-arm:M::x:::', 'a comment'],
    ['; x', 'a comment'],
    ['', 'empty'],
    [':python:E::pyc::/usr/bin/python:', 'an extension'],
  ] as const) {
    it(`"${line}" is none: ${what}`, () => expect(parseRegisterLine(line)).to.equal(undefined));
  }

  it('may have another delimiter, letters as they are, an offset and no mask', () => {
    expect(parseRegisterLine('|wine|M|2|MZ\\x7f||/usr/bin/wine|')).to.deep.equal({
      ...{ name: 'wine', offset: 2, magic: '4d5a7f', mask: 'ffffff', interpreter: '/usr/bin/wine', flags: '' },
    });
  });
});

describe('manifests', () => {
  it('are sorted, and keep what an earlier export wrote', () => {
    const text = formatManifest(new Map([['b', '2']]), { files: { c: '3', b: '1', a: '0' } });
    expect(parseManifest(text)).to.deep.equal({ files: { a: '0', b: '2', c: '3' } });
    expect(Object.keys(JSON.parse(text).files)).to.deep.equal(['a', 'b', 'c']);
  });
  for (const text of ['', '[]', 'null', '{"files":null}', '{'])
    it(`"${text}" is none`, () => expect(parseManifest(text)).to.equal(undefined));
});

describe('tar headers', () => {
  it('have a checksum that counts its own field as spaces', () => {
    const header = Buffer.from(tarHeader('a/b', 0o755, 513));
    const sum = Number.parseInt(header.toString('latin1', 148, 154), 8);
    header.fill(' ', 148, 156);
    expect(header.reduce((total, byte) => total + byte, 0)).to.equal(sum);
    expect(tarPadding(513)).to.have.length(511);
    expect(tarPadding(512)).to.have.length(0);
  });
  it('refuse a path that does not fit', () => expect(() => tarHeader('a'.repeat(101), 0o644, 0)).to.throw('too long'));
});

describe('ids', () => {
  it('are kept as they are, range by range', () => {
    const map = parseIdMap('         0       1000          1\n         1     100000      65536\n');
    expect(map).to.deep.equal([
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100000, count: 65536 },
    ]);
    expect(formatIdMap(sameIds(map))).to.equal('0 0 1\n1 1 65536\n');
  });

  for (const [text, start] of [
    ['user:100000:65536\n', 100000],
    ['other:1:2\n1000:5:6', 5],
    ['other:1:2', undefined],
    ['user:x:y', undefined],
    ['', undefined],
  ] as const) {
    it(`lent in ${JSON.stringify(text)}: ${start ?? 'none'}`, () => {
      expect(subordinateIds(text, { name: 'user', uid: 1000 })?.start).to.equal(start);
    });
  }
});

describe('calls to be pasted', () => {
  it('name the image or the file', () => {
    const image = { kind: 'image', name: 'binfmt' } as const;
    expect(callPrivileged(image, '--install all', ['--pid=host'])).to.equal(
      'docker run --privileged --pid=host --rm binfmt --install all',
    );
    expect(call(image, 'export none')).to.equal('docker run --rm binfmt export none');
    expect(callAsService(image, '--watch')).to.contain('--restart always');
    expect(callPrivileged({ kind: 'file', name: '/a b/binfmt' }, 'doctor')).to.equal("sudo '/a b/binfmt' doctor");
    expect(quoted("it's")).to.equal("'it'\\''s'");
  });
});

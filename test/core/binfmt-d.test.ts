import { expect } from 'chai';
import { registerLine } from '../../src/core/binfmt/entry.js';
import { type ConfigurationFile, configuredEntries } from '../../src/core/persist/binfmt-d.js';

const ARM64 = {
  name: 'qemu-aarch64',
  magic: '7f454c460201010000000000000000000200b700',
  mask: 'ffffffffffffff00fffffffffffffffffeffffff',
  interpreter: '/usr/bin/qemu-aarch64-static',
  flags: 'F',
};
const WINE = ':DOSWin:M::MZ::/usr/bin/wine:';

const rule = (interpreter: string, name = 'qemu-aarch64') => registerLine({ ...ARM64, interpreter, name });
const file = (path: string, text: string | Uint8Array): ConfigurationFile => {
  const slash = path.lastIndexOf('/');
  return { directory: path.slice(0, slash), name: path.slice(slash + 1), text };
};
/** What becomes of the files: `FILE NAME INTERPRETER` for each entry. */
const summary = (files: readonly ConfigurationFile[]) =>
  configuredEntries(files).map(({ file, entry }) => `${file} ${entry.name} ${entry.interpreter}`);

describe('files of binfmt.d', () => {
  it('hold the entries that the host registers', () => {
    expect(configuredEntries([file('/usr/lib/binfmt.d/qemu.conf', `${registerLine(ARM64)}\n`)])).to.deep.equal([
      { file: '/usr/lib/binfmt.d/qemu.conf', entry: { ...ARM64, offset: 0 } },
    ]);
  });

  it('mask the files of the same name in directories of lower precedence', () => {
    const directories = ['/etc', '/run', '/usr/local/lib', '/usr/lib'].map((dir) => `${dir}/binfmt.d`);
    const files = directories.map((dir) => file(`${dir}/qemu.conf`, rule(dir)));
    for (const [i, dir] of directories.entries()) {
      const expected = [`${dir}/qemu.conf qemu-aarch64 ${dir}`];
      expect(summary(files.slice(i))).to.deep.equal(expected);
      expect(summary(files.slice(i).reverse())).to.deep.equal(expected);
    }
  });

  for (const text of ['', '# off\n']) {
    it(`mask other files even without an entry: ${JSON.stringify(text)}`, () => {
      const below = file('/usr/lib/binfmt.d/qemu.conf', rule('/usr/bin/qemu'));
      expect(summary([below, file('/etc/binfmt.d/qemu.conf', text)])).to.deep.equal([]);
      expect(summary([below, file('/etc/binfmt.d/other.conf', text)])).to.have.length(1);
    });
  }

  it('come last if they are in any other directory', () => {
    const other = file('/lib/binfmt.d/qemu.conf', rule('/old'));
    expect(summary([other])).to.have.length(1);
    expect(summary([other, file('/usr/lib/binfmt.d/qemu.conf', '')])).to.deep.equal([]);
  });

  it('are applied in the order of their names, whatever their directories', () => {
    const files = [
      file('/usr/lib/binfmt.d/b.conf', rule('/b', 'b')),
      file('/etc/binfmt.d/c.conf', rule('/c', 'c')),
      file('/run/binfmt.d/a.conf', rule('/a', 'a')),
      file('/run/binfmt.d/B.conf', rule('/B', 'B')),
    ];
    expect(configuredEntries(files).map(({ entry }) => entry.name)).to.deep.equal(['B', 'a', 'b', 'c']);
  });

  it('replace an entry of the same name in a file before them', () => {
    const files = [
      file('/etc/binfmt.d/10-first.conf', `${rule('/first')}\n${rule('/kept', 'kept')}`),
      file('/usr/lib/binfmt.d/20-second.conf', rule('/second')),
    ];
    expect(summary(files)).to.deep.equal([
      '/etc/binfmt.d/10-first.conf kept /kept',
      '/usr/lib/binfmt.d/20-second.conf qemu-aarch64 /second',
    ]);
  });

  for (const name of ['qemu', 'qemu.conf.bak', 'qemu.conf~', '.qemu.conf', 'README']) {
    it(`are ignored with the name ${name}`, () => {
      expect(summary([file(`/etc/binfmt.d/${name}`, rule('/usr/bin/qemu'))])).to.deep.equal([]);
    });
  }
});

describe('lines of binfmt.d', () => {
  const entriesIn = (text: string | Uint8Array) =>
    configuredEntries([file('/etc/binfmt.d/x.conf', text)]).map(({ entry }) => entry);

  const texts: readonly [string, string, readonly string[]][] = [
    ['end with a line feed', `${WINE}\n`, ['DOSWin']],
    ['need no line feed at the end', WINE, ['DOSWin']],
    ['may end with CR LF', `# wine\r\n\r\n${WINE}\r\n`, ['DOSWin']],
    ['may be indented, and padded', ` \t${WINE} \t\n`, ['DOSWin']],
    ['may be comments or empty', `# one\n; two\n\n   \n  # three\n${WINE}\n`, ['DOSWin']],
    ['may have another delimiter', WINE.replaceAll(':', ','), ['DOSWin']],
    ['that match by extension are skipped', `:jar:E::jar::/usr/bin/java:\n${WINE}`, ['DOSWin']],
    ['with a name that the kernel or systemd refuses are skipped', rules('register', 'status', 'a/b', '.', '..'), []],
    ['that are no rule are skipped', `rubbish\n:\n::\n:::::::\n:x:\n:x:Q::a::/b:\n${WINE}`, ['DOSWin']],
  ];
  function rules(...names: readonly string[]): string {
    return names.map((name) => rule('/usr/bin/qemu', name).replaceAll(':', '|')).join('\n');
  }
  for (const [title, text, names] of texts) {
    it(title, () => {
      expect(entriesIn(text).map(({ name }) => name)).to.deep.equal(names);
      expect(entriesIn(Buffer.from(text))).to.deep.equal(entriesIn(text));
    });
  }

  it('keep flags, offset and mask', () => {
    expect(entriesIn(':x:M:4:\\x7fAB:\\xff\\xff\\xf0:/bin/x:POCF\r\n')).to.deep.equal([
      { name: 'x', offset: 4, magic: '7f4142', mask: 'fffff0', interpreter: '/bin/x', flags: 'POCF' },
    ]);
  });

  it('may have any byte in the magic, and UTF-8 in name and path', () => {
    const line = Buffer.concat([Buffer.from(':café:M::'), Buffer.of(0xfe, 0xa0, 0x80), Buffer.from('::/opt/à:F')]);
    expect(entriesIn(line)).to.deep.equal([
      { name: 'café', offset: 0, magic: 'fea080', mask: 'ffffff', interpreter: '/opt/à', flags: 'F' },
    ]);
    expect(entriesIn(':x:M::a::/opt/à')[0]?.interpreter).to.equal('/opt/à');
  });

  it('may be cut off anywhere', () => {
    const whole = registerLine(ARM64);
    for (let size = 0; size < whole.length; size++) expect(entriesIn(whole.slice(0, size)).length).to.be.at.most(1);
  });
});

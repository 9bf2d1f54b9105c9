import { expect } from 'chai';
import { registerLine, registrationOf } from '../../src/core/binfmt/entry.js';
import { configuredLine } from '../../src/core/persist/binfmt-d.js';
import { lineOfRecord } from '../../src/core/persist/binfmts-record.js';
import { inFrontAtBoot, recordLike } from '../../src/core/persist/boot-order.js';
import { filesOfEntry, hostInterpreter, persistedEntries, removalOrder } from '../../src/core/persist/entry-files.js';
import { chooseFormat, persistFormatNames } from '../../src/core/persist/formats.js';
import {
  beginReplacing,
  EMPTY_MANIFEST,
  endReplacing,
  formatHostManifest,
  isOurs,
  parseHostManifest,
  withoutFiles,
} from '../../src/core/persist/host-manifest.js';
import { row } from '../support/architectures.js';

const name = 'qemu-aarch64';
const registration = registrationOf(row('arm64'), { name, interpreter: hostInterpreter(name), flags: 'POCF' });
const EMULATOR = `usr/local/lib/binfmt/${name}`;
const CONFIGURATION = `etc/binfmt.d/${name}.conf`;

describe('the files of an entry on a host', () => {
  for (const format of persistFormatNames) {
    it(`for ${format} are the emulator first, and then its configuration, which are removed the other way round`, () => {
      const [emulator, configuration] = filesOfEntry(format, registration, '/usr/bin/qemu-aarch64');
      expect(emulator).to.deep.equal({ path: EMULATOR, mode: 0o755, source: '/usr/bin/qemu-aarch64' });
      const order = removalOrder(name);
      expect(order.emulator).to.equal(EMULATOR);
      expect(order.configurations).to.include(configuration?.path);
    });
  }

  it('have a record for binfmt-support that reads as the line that binfmt.d has', () => {
    const [, record] = filesOfEntry('binfmt-support', registration, '');
    const text = record && 'text' in record ? record.text : '';
    expect(text.split('\n')).to.have.length(11);
    expect(lineOfRecord(name, text)).to.equal(
      registerLine(registration).replace(':M::', ':M:0:').replace(/:PCF$/, ':CPF'),
    );
  });
});

describe('a record of binfmt-support', () => {
  it('with a detector is registered for the program that starts detectors', () => {
    const record = ['wine', 'magic', '0', 'MZ', '', '/usr/bin/wine', '/usr/lib/wine/detector', '', '', ''].join('\n');
    expect(lineOfRecord('wine', record)).to.equal(':wine:M:0:MZ::/usr/lib/binfmt-support/run-detectors:');
  });

  it('for file names, or cut off, gives no line', () => {
    expect(
      lineOfRecord('jar', ['java', 'extension', '0', 'jar', '', '/usr/bin/java', '', '', '', ''].join('\n')),
    ).to.equal(undefined);
    expect(lineOfRecord('cut', 'package\nmagic\n0\n')).to.equal(undefined);
  });
});

describe('the way in which a host registers entries at boot', () => {
  it('is the one that it was booted with, or else the first that it has', () => {
    expect(chooseFormat([])).to.equal(undefined);
    expect(
      chooseFormat([
        { format: 'systemd', booted: false },
        { format: 'openrc', booted: true },
      ]),
    ).to.equal('openrc');
    expect(
      chooseFormat([
        { format: 'systemd', booted: false },
        { format: 'binfmt-support', booted: false },
      ]),
    ).to.equal('systemd');
  });
});

describe('an entry of binfmt at boot', () => {
  const file = (name: string, text: string) => ({ directory: '/usr/lib/binfmt.d', name, text });
  const own = file(`${name}.conf`, registerLine(registration));
  const other = registerLine({ ...registration, name: 'box64' });
  it('is in front, unless another one is registered after it for the same programs', () => {
    expect(inFrontAtBoot(row('arm64'), name, [own])).to.equal(undefined);
    expect(inFrontAtBoot(row('arm64'), name, [own, file('box64.conf', other)])).to.equal(undefined);
    expect(inFrontAtBoot(row('arm64'), name, [own, file('zz.conf', other)])?.entry.name).to.equal('box64');
    expect(inFrontAtBoot(row('riscv64'), 'qemu-riscv64', [])).to.equal(undefined);
  });

  it('clashes with a record of binfmt-support for the same programs, whatever its emulator', () => {
    const record = (magic: string) => `:\nmagic\n0\n${magic}\nff\n/e\n`;
    expect(
      recordLike(
        'a',
        new Map([
          ['a', record('x')],
          ['b', record('y')],
        ]),
      ),
    ).to.equal(undefined);
    expect(
      recordLike(
        'a',
        new Map([
          ['b', record('x').replace('/e', '/f')],
          ['a', record('x')],
        ]),
      ),
    ).to.equal('b');
  });
});

describe('the line of an entry in the configuration of a host', () => {
  const file = (directory: string, text: string) => ({ directory, name: 'a.conf', text });
  it('is that of the file that counts, as it is written there', () => {
    const line = '|qemu-aarch64|M|0|\\x7fELF||/opt/e|F';
    const files = [file('/usr/lib/binfmt.d', registerLine(registration)), file('/etc/binfmt.d', `# mine\n${line}\n`)];
    expect(configuredLine(files, name)).to.equal(line);
    expect(configuredLine(files, 'qemu-arm')).to.equal(undefined);
    expect(configuredLine([...files.slice(0, 1), file('/etc/binfmt.d', '')], name)).to.equal(undefined);
  });
});

describe('the manifest of a host', () => {
  const installed = endReplacing(beginReplacing(EMPTY_MANIFEST, {}, { [EMULATOR]: 'old' }, {}), { [EMULATOR]: 'old' });

  it('knows both contents of a file while it is being replaced, and one afterwards', () => {
    const during = beginReplacing(installed, { [EMULATOR]: 'old' }, { [EMULATOR]: 'new' }, {});
    expect([isOurs(during, EMULATOR, 'old'), isOurs(during, EMULATOR, 'new')]).to.deep.equal([true, true]);
    const after = endReplacing(during, { [EMULATOR]: 'new' });
    expect([isOurs(after, EMULATOR, 'old'), isOurs(after, EMULATOR, 'new')]).to.deep.equal([false, true]);
  });

  it('knows what an interrupted call has left, while the next call replaces it', () => {
    const interrupted = beginReplacing(installed, { [EMULATOR]: 'old' }, { [EMULATOR]: 'new' }, {});
    // It was interrupted after it had replaced the file.
    const next = beginReplacing(interrupted, { [EMULATOR]: 'new' }, { [EMULATOR]: 'newest' }, {});
    expect([isOurs(next, EMULATOR, 'new'), isOurs(next, EMULATOR, 'newest')]).to.deep.equal([true, true]);
    expect(isOurs(next, EMULATOR, 'old')).to.equal(false);
  });

  it('keeps the contents that others had in a place when it was last overwritten', () => {
    const theirs = { [CONFIGURATION]: { text: 'theirs' } };
    const first = beginReplacing(installed, {}, { [CONFIGURATION]: 'a' }, theirs);
    expect(beginReplacing(first, {}, { [CONFIGURATION]: 'b' }, {}).replaced).to.deep.equal(theirs);
    const later = { [CONFIGURATION]: { text: 'later' } };
    const second = beginReplacing(first, {}, { [CONFIGURATION]: 'b' }, later);
    expect(second.replaced).to.deep.equal(later);
    expect(withoutFiles(second, [CONFIGURATION]).replaced).to.deep.equal({});
  });

  it('reads back as it was written, and nothing else is a manifest', () => {
    const manifest = beginReplacing(
      installed,
      {},
      { [CONFIGURATION]: 'a' },
      { [CONFIGURATION]: { link: '/dev/null' } },
    );
    expect(parseHostManifest(formatHostManifest(manifest))).to.deep.equal(manifest);
    for (const text of ['', '[]', '{}', '{"files":null}', '{"files":'])
      expect(parseHostManifest(text)).to.equal(undefined);
  });

  it('is written in the order of its paths', () => {
    const files = { 'usr/local/lib/binfmt/b': '1', 'etc/binfmt.d/a.conf': '2' };
    const text = formatHostManifest({ files });
    expect(Object.keys(parseHostManifest(text)?.files ?? {})).to.deep.equal(Object.keys(files).reverse());
  });

  it('tells which entries are on the host', () => {
    expect(
      persistedEntries({ [EMULATOR]: 1, [CONFIGURATION]: 1, 'usr/local/lib/binfmt/manifest.json': 1 }),
    ).to.deep.equal([name]);
  });
});

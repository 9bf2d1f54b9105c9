/**
 * What holds for every input, however strange: nothing throws, what is wrong is quoted, and what is written can be read
 * again. fast-check makes the input; a failure prints the seed and the smallest input that fails.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { parseCommandLine } from '../../src/cli/parse.js';
import { commands } from '../../src/commands/index.js';
import { formatAddress, parseAddress } from '../../src/core/address.js';
import { parseElf } from '../../src/core/binfmt/elf.js';
import { matches, parseEntry, parseRegisterLine, registerLine } from '../../src/core/binfmt/entry.js';
import { probeExecutable } from '../../src/core/binfmt/probe-executable.js';
import { parseConfinement, parseMountinfo, parseParentPid } from '../../src/core/binfmt/procfs.js';
import { parseSelection } from '../../src/core/install/selection.js';
import { configuredEntries } from '../../src/core/persist/binfmt-d.js';
import { architectures } from '../../src/core/platform/architectures.js';
import { formatPlatform, parsePlatform } from '../../src/core/platform/platform.js';
import { describeUsageError } from '../../src/core/report/usage-text.js';
import { closest, printable, shortened } from '../../src/core/text.js';
import { compareVersions, parseQemuVersion } from '../../src/core/version.js';

const check = <Ts extends [unknown, ...unknown[]]>(property: fc.IPropertyWithHooks<Ts>) =>
  fc.assert(property, { numRuns: 300 });

/** Text of every kind, control characters and halves of surrogate pairs among it. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary-ascii' }),
);
const bytes = fc.uint8Array({ maxLength: 600 });
const hex = (options: { minLength: number; maxLength: number }) =>
  fc.uint8Array(options).map((array) => Buffer.from(array).toString('hex'));

const options = commands.flatMap((command) => Object.keys(command.options)).map((name) => `--${name}`);
const word = fc.oneof(
  text,
  fc.constantFrom(...commands.map(({ name }) => name), ...options, '--', '-', '', 'arm64', 'all', 'linux/arm/v7'),
  fc.tuple(fc.constantFrom(...options), text).map(([option, value]) => `${option}=${value}`),
  fc.constantFrom('constructor', '__proto__', '--__proto__', '--constructor=x', '--toString', '--help', '-h'),
);

describe('every command line', () => {
  it('means a command, help, or an error that can be printed in one line', () => {
    check(
      fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
        const parsed = parseCommandLine(argv);
        if (parsed.kind !== 'usage-error') return;
        const line = describeUsageError(parsed.error);
        expect(line).to.match(/\S/);
        expect(printable(line)).to.equal(line);
        expect([...line].length).to.be.below(600);
      }),
    );
  });

  it('is the same command with one dash or two', () => {
    check(
      fc.property(fc.constantFrom(...Object.keys(commands[0].options)), text, (name, value) => {
        const [one, two] = [`-${name}`, `--${name}`].map((option) => parseCommandLine([`${option}=${value}`]));
        expect(one?.kind).to.equal(two?.kind);
      }),
    );
  });
});

describe('every name of a platform', () => {
  it('is one, or the part that is wrong is a part of it', () => {
    check(
      fc.property(text, (name) => {
        const parsed = parsePlatform(name);
        if (parsed.kind === 'platform') expect(architectures).to.include(parsed.platform.architecture);
        else expect(name).to.contain(parsed.error.part);
      }),
    );
  });

  it('is read again as the same platform after it was written', () => {
    const platforms = architectures.flatMap((architecture) => [
      { architecture },
      ...Object.values(architecture.levels ?? {}).map((level) => ({ architecture, level })),
    ]);
    for (const platform of platforms) {
      const parsed = parsePlatform(formatPlatform(platform));
      const again = parsed.kind === 'platform' && formatPlatform(parsed.platform);
      expect(again).to.equal(formatPlatform(platform));
    }
  });

  it('in a list is either selected or reported', () => {
    check(
      fc.property(fc.array(fc.oneof(text, fc.constantFrom('arm64', 'arm/v6', 'arm', 'all'))), (words) => {
        const { platforms, unknown, all } = parseSelection(words);
        expect(all).to.equal(words.includes('all'));
        expect(unknown.length + platforms.length).to.be.at.most(words.length);
        for (const { subject } of unknown) expect(words).to.include(subject);
      }),
    );
  });
});

describe('every entry', () => {
  const name = fc.string({ minLength: 1, unit: fc.constantFrom(...'abcXYZ019-_.+@ ~:|') });
  const path = fc.string({ minLength: 1, unit: fc.constantFrom(...'abc/-_. ~:|ä') }).map((each) => `/${each}`);
  const pattern = fc
    .integer({ min: 1, max: 64 })
    .chain((length) =>
      fc.tuple(hex({ minLength: length, maxLength: length }), hex({ minLength: length, maxLength: length })),
    )
    .map(([magic, mask]) => ({ magic, mask }));
  const flags = fc.subarray([...'POCF']).map((letters) => letters.join(''));

  it('is read from the line that registers it, but for O, which the kernel sets', () => {
    check(
      fc.property(name, path, pattern, flags, (name, interpreter, { magic, mask }, flags) => {
        const line = registerLine({ name, interpreter, magic, mask, flags });
        const expected = flags.includes('C') ? flags.replace('O', '') : flags;
        expect(parseRegisterLine(line)).to.deep.equal({ name, interpreter, magic, mask, flags: expected, offset: 0 });
      }),
    );
  });

  it('is read from what the kernel shows of it', () => {
    check(
      fc.property(
        fc.boolean(),
        path,
        flags,
        fc.nat(200),
        pattern,
        (enabled, interpreter, flags, offset, { magic, mask }) => {
          const shown = `${enabled ? 'enabled' : 'disabled'}\ninterpreter ${interpreter}\nflags: ${flags}\noffset ${offset}\nmagic ${magic}\nmask ${mask}\n`;
          expect(parseEntry('n', shown)).to.include({ enabled, interpreter, flags, offset, magic, mask });
        },
      ),
    );
  });

  it('of a kernel that is not known yet is read without a failure, and compared with a program', () => {
    check(
      fc.property(text, text, bytes, (name, shown, header) => {
        expect(matches(parseEntry(name, shown), header)).to.be.a('boolean');
      }),
    );
  });

  it('matches a program that has its magic where the mask counts, whatever is elsewhere', () => {
    check(
      fc.property(pattern, fc.nat(190), bytes, ({ magic, mask }, offset, noise) => {
        const header = new Uint8Array(256);
        header.set(noise.slice(0, 256));
        const [wanted, counted] = [Buffer.from(magic, 'hex'), Buffer.from(mask, 'hex')];
        for (const [i, byte] of wanted.entries()) {
          const at = offset + i;
          header[at] = ((header[at] ?? 0) & ~(counted[i] ?? 0)) | (byte & (counted[i] ?? 0));
        }
        expect(matches({ magic, mask, offset }, header)).to.equal(offset + wanted.length <= 256);
      }),
    );
  });
});

describe('every file of the host', () => {
  const encode = (path: string) =>
    Buffer.from(path)
      .toString('latin1')
      .replace(/[ \t\n\\#]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, '0')}`);

  it('mountinfo gives the directories that were mounted, with blanks and line feeds in their names', () => {
    const dir = fc.string({ minLength: 1, unit: fc.constantFrom(...'ab \n\\#\täß/') }).map((each) => `/${each}`);
    check(
      fc.property(fc.array(dir), (dirs) => {
        const lines = dirs.map((each, i) => `${i} 1 0:33 / ${encode(each)} rw,nosuid shared:7 - binfmt_misc none rw\n`);
        expect(parseMountinfo(Buffer.from(lines.join(''), 'latin1')).map(({ dir }) => dir)).to.deep.equal(dirs);
      }),
    );
  });

  it('is read without a failure, also as bytes of any kind, and cut off anywhere', () => {
    const line = '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n';
    const cut = fc.nat(line.length).map((length) => line.slice(0, length));
    check(
      fc.property(fc.oneof(text, bytes, cut), (content) => {
        for (const mount of parseMountinfo(content)) expect(mount.dir).to.be.a('string');
        expect(parseParentPid(content)).to.be.at.least(0);
        parseConfinement(content);
        configuredEntries([{ directory: '/etc/binfmt.d', name: 'a.conf', text: content }]);
      }),
    );
  });

  it('that may be a program is read without a failure, also a probe with some bytes changed or cut off', () => {
    const changed = fc
      .tuple(fc.constantFrom(...architectures), fc.array(fc.tuple(fc.nat(200), fc.nat(255))), fc.nat(400))
      .map(([architecture, changes, length]) => {
        const program = Uint8Array.from(probeExecutable(architecture));
        for (const [at, byte] of changes) if (at < program.length) program[at] = byte;
        return program.slice(0, length);
      });
    check(
      fc.property(fc.oneof(bytes, changed), (program) => {
        const elf = parseElf(program);
        if (elf) expect([32, 64]).to.include(elf.bits);
      }),
    );
  });
});

describe('every text', () => {
  it('is printed in one line without control characters, and not too long', () => {
    check(
      fc.property(text, (any) => {
        expect(printable(any)).not.to.match(/\p{Cc}/u);
        // An escape such as \x1b stands for one character.
        expect([...shortened(any)].length).to.be.at.most(80 * 6);
      }),
    );
  });

  it('has at most one near word, which is a candidate', () => {
    check(
      fc.property(text, fc.array(text), (typed, candidates) => {
        const near = closest(typed, candidates);
        if (near !== undefined) expect(candidates).to.include(near);
      }),
    );
  });

  it('that is a version is ordered: the order has no circle', () => {
    const version = fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
    check(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a))).to.equal(0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) expect(compareVersions(a, c)).to.be.at.most(0);
        expect(parseQemuVersion(`qemu-arm version ${a} (Debian)\n`)).to.equal(a);
      }),
    );
  });

  it('that is an address is read again as the same address after it was written', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    const address = fc.oneof(
      fc.record({ kind: fc.constant('tcp' as const), host, port: fc.nat(65535) }),
      fc.record({ kind: fc.constant('unix' as const), path: fc.string({ minLength: 1 }) }),
    );
    check(
      fc.property(address, (each) => {
        expect(parseAddress(formatAddress(each))).to.deep.equal(each);
      }),
    );
    check(fc.property(text, (any) => void parseAddress(any)));
  });
});

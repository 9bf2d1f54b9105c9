/** Calls that stand in READMEs of these tools, and in scripts of people who use them. */
import { expect } from 'chai';
import { describeRefusal, describeTranslation } from '../../src/core/other-tools/other-tool-text.js';
import { translate } from '../../src/core/other-tools/other-tools.js';
import { architectures } from '../../src/core/platform/architectures.js';
import { parsePlatform } from '../../src/core/platform/platform.js';

const wordsOf = (line: string) => line.split(' ').filter((word) => word !== '');

function translated(typed: readonly string[]) {
  const translation = translate(typed);
  if (translation?.kind !== 'translated') throw new Error(`${typed.join(' ')}: ${JSON.stringify(translation)}`);
  return translation;
}

function refusalOf(typed: readonly string[]): string {
  const translation = translate(typed);
  if (translation?.kind !== 'refused') throw new Error(`${typed.join(' ')}: ${JSON.stringify(translation)}`);
  return describeRefusal(translation.tool, translation);
}

const both = '--uninstall all --install all';

describe('a call of multiarch/qemu-user-static', () => {
  for (const [line, ours, differences] of [
    ['--reset -p yes', both, ['more-flags']],
    ['--reset --persistent yes', both, ['more-flags']],
    ['--reset --persistent yes --credential yes', both, ['more-flags']],
    ['--reset --credential yes --persistent yes', both, ['more-flags']],
    ['--credential yes --persistent yes', '--install all', ['more-flags']],
    ['--reset -p yes -c yes -g yes', both, []],
    ['--reset --credential yes --persistent yes --preserve-argv0 yes', both, []],
    ['--credential yes --persistent yes --preserve-argv0 no', '--install all --no-preserve-argv0', []],
    // As getopt(1) reads them, up to the slip of the keyboard that `2&>` is.
    ['--reset --persist yes', both, ['more-flags']],
    ['--reset --pers yes --cred=no', '--uninstall all --install all --no-credentials', ['more-flags']],
    ['--reset -p yes -c yes 2', both, ['more-flags', 'descriptor']],
    ['--persistent yes', '--install all', ['more-flags']],
    ['-p yes', '--install all', ['more-flags']],
    ['-pyes', '--install all', ['more-flags']],
    ['--persistent=yes --credential=no', '--install all --no-credentials', ['more-flags']],
    ['-p yes -c no -g no', '--install all --no-credentials --no-preserve-argv0', []],
    ['-p yes -i yes', '--install all', ['more-flags']],
    // Its tag `register`, which has no emulators.
    ['--reset', both, ['always-persistent', 'more-flags']],
    ['--reset -p no', both, ['always-persistent', 'more-flags']],
    ['--qemu-suffix -static --qemu-path /usr/bin -p yes', '--install all', ['more-flags']],
    ['--reset --qemu-suffix= -p yes', both, ['more-flags']],
  ] as const) {
    it(`${line} is ${ours}`, () => {
      expect(translated(wordsOf(line))).to.deep.equal({
        ...{ kind: 'translated', tool: 'multiarch/qemu-user-static', words: ours.split(' '), differences },
      });
    });
  }

  for (const [line, message] of [
    ['--reset -p', '"-p" of multiarch/qemu-user-static takes yes or no'],
    ['-p aarch64', '"-p" of multiarch/qemu-user-static takes yes or no, not "aarch64"'],
    ['--systemd ALL --exportdir /x', '"--systemd" of multiarch/qemu-user-static writes files'],
    ['-s aarch64', '"-s" of multiarch/qemu-user-static writes files'],
    ['--reset -d', '"-d" of multiarch/qemu-user-static writes files'],
    ['-e /x', '"-e" of multiarch/qemu-user-static writes files'],
    ['--qemu-path /opt/bin', '"--qemu-path /opt/bin" of multiarch/qemu-user-static means other emulators'],
    ['--qemu-path', '"--qemu-path" of multiarch/qemu-user-static needs a value'],
    ['-p yes --qemu-suffix -other', '"--qemu-suffix -other" of multiarch/qemu-user-static means other emulators'],
    ['--reset --help', '"--help" does not go with the other words, which are those of multiarch/qemu-user-static'],
    ['--reset --credentials yes', '"--credentials" does not go with the other words'],
    // It abbreviates two.
    ['--reset --p yes', '"--p" does not go with the other words'],
    ['--reset arm', '"arm" does not go with the other words, which are those of multiarch/qemu-user-static'],
  ] as const) {
    it(`${line} is refused`, () => expect(refusalOf(wordsOf(line))).to.contain(message));
  }
});

describe('a call of qus', () => {
  for (const [line, ours, differences] of [
    ['-s -- -p', '--install all', ['more-flags']],
    ['-s -- -p x86_64', '--install x86_64', ['more-flags']],
    ['-s -- -p arm aarch64', '--install arm,aarch64', ['more-flags']],
    ['--static -- --persistent --credential arm', '--install arm', ['more-flags']],
    ['-- -p aarch64', '--install aarch64', ['more-flags']],
    ['-s -- aarch64', '--install aarch64', ['always-persistent', 'more-flags']],
    ['-s', '--install all', ['always-persistent', 'more-flags']],
    ['-- -r', '--uninstall all', []],
    ['-s -- -r', '--uninstall all', []],
    // getopt(1) takes abbreviations.
    ['-s -- --r -p', both, ['more-flags']],
    ['-s -- --pers --cre aarch64', '--install aarch64', ['more-flags']],
    ['-s -- -p 2', '--install all', ['more-flags', 'descriptor']],
    ['-- -r aarch64', '--uninstall aarch64', []],
    ['-- --clear arm aarch64', '--uninstall arm,aarch64', []],
    ['-l', '', []],
    ['-list', '', []],
    ['--list', '', []],
    ['-l --', '', []],
    ['-l -- -t', '', []],
    ['-l -- -p arm', '--install arm', ['more-flags']],
    ['-s -- -t -p arm', '', []],
    // Older versions.
    ['-s -t aarch64 -- -p yes', '--install aarch64', ['more-flags']],
    ['-s -t aarch64,arm -- -p no', '--install aarch64,arm', ['always-persistent', 'more-flags']],
    ['-r', both, ['always-persistent', 'more-flags']],
    ['-reset -s -- -p yes', both, ['more-flags']],
    ['-r -e', '--uninstall all', []],
  ] as const) {
    it(`${line} is ${ours || 'the status'}`, () => {
      expect(translated(wordsOf(line))).to.deep.equal({
        ...{ kind: 'translated', tool: 'qus', words: wordsOf(ours), differences },
      });
    });
  }

  it('may have several targets in one word', () => {
    expect(translated(['-s', '--', '-p', 'aarch64 arm']).words).to.deep.equal(['--install', 'aarch64,arm']);
    expect(translated(['-s -- -p x86_64']).words).to.deep.equal(['--install', 'x86_64']);
  });

  for (const [line, message] of [
    ['-i ls', '"-i" of qus starts a shell'],
    ['-s -x', '"-x" does not go with the other words, which are those of qus'],
    ['-s -- -p -x arm', '"-x" does not go with the other words, which are those of qus'],
    ['-s -- -p -s', '"-s" of qus writes files'],
    ['-s -- -Q /opt -p', '"-Q /opt" of qus means other emulators'],
    ['-s -t', '"-t" of qus needs a value'],
    ['-s yes', '"-s" of multiarch/qemu-user-static writes files'],
  ] as const) {
    it(`${line} is refused`, () => expect(refusalOf(wordsOf(line))).to.contain(message));
  }

  it('with a target that does not exist is refused before anything is done', () => {
    expect(translate(wordsOf('-s -- -p aarch64 mainframe'))).to.deep.equal({
      kind: 'unknown-platform',
      error: { kind: 'architecture', part: 'mainframe', suggestion: undefined },
    });
  });

  it('may name every target of QEMU', () => {
    // The list qemu_target_list of umarcor/qemu, scripts/qemu-binfmt-conf.sh.
    const names =
      'i386 i486 alpha arm armeb sparc sparc32plus sparc64 ppc ppc64 ppc64le m68k mips mipsel mipsn32 mipsn32el mips64 mips64el ' +
      'sh4 sh4eb s390x aarch64 aarch64_be hppa riscv32 riscv64 xtensa xtensaeb microblaze microblazeel or1k x86_64';
    for (const name of [...names.split(' '), ...architectures.map(({ target }) => target)]) {
      expect(parsePlatform(name).kind, name).to.equal('platform');
      expect(translated(['-s', '--', '-p', name]).words).to.deep.equal(['--install', name]);
    }
  });
});

describe('a call of neither', () => {
  for (const line of [
    '',
    'x',
    '--install all',
    '--rest -p yes',
    'doctor -- -r',
    'arm64 --reset',
    '-x -- -p',
    '--persist',
    '--',
    '-instal arm64',
    '-sr -- -p',
  ]) {
    it(`is "${line}"`, () => expect(translate(wordsOf(line))).to.equal(undefined));
  }
});

describe('what is said about a translated call', () => {
  it('is our command, and what is different', () => {
    const typed = ['--reset'];
    const image = { kind: 'image', name: 'binfmt', environment: [], args: typed } as const;
    expect(describeTranslation(translated(typed), typed, image)).to.deep.equal([
      '"--reset" is a call of multiarch/qemu-user-static; binfmt carries it out as: docker run --privileged --rm binfmt --uninstall all --install all',
      'the kernel keeps each emulator open (flag F), as with -p yes: containers use it even if they have one of their own',
      'multiarch/qemu-user-static sets the flags C and P only if you ask for them; here they are set: --no-credentials and --no-preserve-argv0 leave them out',
    ]);
  });
});

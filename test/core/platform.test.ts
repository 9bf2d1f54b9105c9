import { expect } from 'chai';
import { describePlatformError } from '../../src/core/install/request-problems.js';
import { architectures } from '../../src/core/platform/architectures.js';
import { formatPlatform, parsePlatform, platformsUpTo } from '../../src/core/platform/platform.js';

function parsed(text: string): string {
  const result = parsePlatform(text);
  return result.kind === 'platform' ? formatPlatform(result.platform) : `error: ${describePlatformError(result.error)}`;
}

describe('platform names', () => {
  for (const [text, platform] of [
    ['arm64', 'linux/arm64'],
    ['aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['ARM64', 'linux/arm64'],
    [' arm64 ', 'linux/arm64'],
    ['x86_64', 'linux/amd64'],
    ['amd64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['i386', 'linux/386'],
    ['i686', 'linux/386'],
    ['arm', 'linux/arm'],
    ['armhf', 'linux/arm/v7'],
    ['linux/armhf', 'linux/arm/v7'],
    ['armel', 'linux/arm/v6'],
    ['armv7l', 'linux/arm/v7'],
    ['linux/arm/v7', 'linux/arm/v7'],
    ['arm/v6', 'linux/arm/v6'],
    ['ppc64el', 'linux/ppc64le'],
    ['mips64el', 'linux/mips64le'],
    ['mipsel', 'linux/mipsle'],
    ['riscv64gc', 'linux/riscv64'],
    ['riscv32', 'linux/riscv'],
    ['loongarch64', 'linux/loong64'],
    ['qemu-aarch64', 'linux/arm64'],
    ['mipsn32', 'linux/mips64p32'],
    ['aarch64_be', 'linux/arm64be'],
  ] as const) {
    it(`${JSON.stringify(text)} is ${platform}`, () => expect(parsed(text)).to.equal(platform));
  }

  for (const [text, quoted] of [
    ['foo', '"foo"'],
    ['linux/Foo', '"Foo"'],
    ['', '""'],
    ['windows/amd64', '"windows"'],
    ['linux/foo', '"foo"'],
    ['armm64', 'did you mean "arm64"'],
    ['linux/arm/v12', '"v12" is not a variant of arm'],
    ['amd64/v9', '"v9" is not a variant of amd64'],
    ['s390x/v1', '"v1" is not a variant of s390x'],
    ['linux/arm/v7/x', 'too many parts after "arm"'],
    ['arm46', 'did you mean "arm64"'],
    ['riscv65', 'did you mean "riscv64"'],
  ] as const) {
    it(`${JSON.stringify(text)} is refused, and the part that is wrong is quoted`, () => {
      expect(parsed(text))
        .to.match(/^error: /)
        .and.contain(quoted);
    });
  }

  it('are read from every name and alias of the table', () => {
    for (const { name, aliases, target } of architectures) {
      expect(parsed(name)).to.equal(`linux/${name}`);
      expect(parsed(formatted(name))).to.equal(formatted(name));
      for (const alias of aliases)
        expect(parsed(alias.replace(/\/.*/, ''))).to.match(new RegExp(`^linux/${name}(/|$)`));
      expect(parsed(`qemu-${target}`)).to.equal(`linux/${name}`);
    }
  });

  it('are listed up to the highest variant that runs', () => {
    const upTo = (name: string, level?: number) => {
      const row = architectures.find((each) => each.name === name);
      return row ? platformsUpTo(row, level) : [];
    };
    expect(upTo('amd64', 3)).to.deep.equal(['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3']);
    expect(upTo('arm', 8)).to.deep.equal(['linux/arm/v7', 'linux/arm/v6']);
    expect(upTo('arm', 6)).to.deep.equal(['linux/arm/v6']);
    expect(upTo('arm', 5)).to.deep.equal(['linux/arm/v5']);
    expect(upTo('arm64')).to.deep.equal(['linux/arm64']);
  });
});

function formatted(name: string): string {
  return `linux/${name}`;
}

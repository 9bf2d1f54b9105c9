import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parseElf } from '../../src/core/binfmt/elf.js';
import { matches } from '../../src/core/binfmt/entry.js';
import { probeExecutable } from '../../src/core/binfmt/probe-executable.js';
import { architectures } from '../../src/core/platform/architectures.js';
import { ROOT } from '../support/program.js';

describe('the table of architectures', () => {
  it("has amd64's magic and mask as the kernel prints them", () => {
    const amd64 = architectures.find(({ name }) => name === 'amd64');
    expect(amd64?.magic).to.equal('7f454c4602010100000000000000000002003e00');
    expect(amd64?.mask).to.equal('fffffffffffefe00fffffffffffffffffeffffff');
  });

  it('lists platforms in the order that clients know, then the others by name', () => {
    const names = architectures.map(({ name }) => name);
    const first = 'amd64 arm64 riscv64 ppc64 ppc64le s390x 386 mips64le mips64 loong64 arm'.split(' ');
    expect(names.slice(0, first.length)).to.deep.equal(first);
    expect(names.slice(first.length)).to.deep.equal(names.slice(first.length).sort());
  });

  it('has no name, alias or target that means two architectures', () => {
    const meanings = new Map<string, string>();
    for (const { name, aliases, target } of architectures) {
      for (const word of new Set([name, target, ...aliases.map((alias) => alias.replace(/\/.*/, ''))])) {
        expect(meanings.get(word) ?? name, word).to.equal(name);
        meanings.set(word, name);
      }
    }
  });

  it('has a magic and a mask of the same length in each row', () => {
    for (const { name, magic, mask } of architectures) {
      expect(magic, name).to.match(/^([0-9a-f]{2})+$/);
      expect(mask, name)
        .to.match(/^([0-9a-f]{2})+$/)
        .and.to.have.length(magic.length);
    }
  });
});

describe('probe executables', () => {
  for (const architecture of architectures) {
    it(`match the magic of their own architecture and no other: ${architecture.name}`, () => {
      const program = probeExecutable(architecture);
      const matching = architectures.filter((other) => matches(other, program)).map(({ name }) => name);
      expect(matching).to.deep.equal([architecture.name]);
      expect(parseElf(program)?.loader).to.equal(undefined);
    });
  }
});

describe('the sources of the probes', () => {
  const directory = path.join(ROOT, 'src/core/platform/probes');
  const sources = fs.readdirSync(directory).filter((name) => name.endsWith('.S'));

  it('are one for each architecture', () => {
    expect(sources.map((name) => name.replace(/\.S$/, ''))).to.have.members(architectures.map(({ name }) => name));
  });

  for (const source of sources) {
    it(`${source} names its architecture, its system call, its exit status, its assembler and the package of that`, () => {
      const text = fs.readFileSync(path.join(directory, source), 'utf8');
      expect(text).to.contain(`/*\n * The probe of linux/${source.replace(/\.S$/, '')}. It exits with status `);
      for (const field of ['System call', 'Assembler', 'Package']) {
        expect(text).to.match(new RegExp(`^ \\* ${field}: \\S`, 'm'));
      }
    });
  }
});

import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { architectures } from '../../src/core/architectures.js';
import { parseElf, probeExecutable } from '../../src/core/elf.js';
import { matches } from '../../src/core/entry.js';
import { EMULATORS, ROOT, run } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const shipped = path.join(ROOT, 'build/qemu/usr/share/qemu/binfmt.d');

/** Where a row differs from Debian's file, and why. */
const differences: Readonly<Record<string, { field: 'mask'; debian: string; why: string }>> = {
  x86_64: {
    field: 'mask',
    debian: 'fffffffffffefefcfffffffffffffffffeffffff',
    why: 'any OS ABI: programs marked for one other than Linux (a Go or Rust build may be) run too',
  },
};

describe('the table of architectures', () => {
  it("has a row for each binfmt.d file of Debian's package, and for no other", () => {
    const targets = fs.readdirSync(shipped).map((name) => name.replace(/^qemu-(.*)\.conf$/, '$1'));
    expect(architectures.map(({ target }) => target).sort()).to.deep.equal(targets.sort());
    expect(architectures).to.have.length(33);
  });

  for (const { name, target, magic, mask } of architectures) {
    it(`${name}: magic and mask as in qemu-${target}.conf${differences[target] ? `, but for ${differences[target].why}` : ''}`, () => {
      const fields = fs
        .readFileSync(path.join(shipped, `qemu-${target}.conf`), 'utf8')
        .trim()
        .split(':');
      const [theirMagic, theirMask] = [fields[4], fields[5]].map((field) => field?.replaceAll('\\x', ''));
      expect(magic).to.equal(theirMagic);
      const difference = differences[target];
      expect(theirMask).to.equal(difference?.debian ?? mask);
      if (difference) expect(mask).not.to.equal(theirMask);
    });
  }

  it("says amd64's magic and mask in the kernel's own words", () => {
    const row = architectures.find(({ name }) => name === 'amd64');
    expect(row?.magic).to.equal('7f454c4602010100000000000000000002003e00');
    expect(row?.mask).to.equal('fffffffffffefe00fffffffffffffffffeffffff');
  });

  it('lists platforms in the order that clients know, the others by name', () => {
    const names = architectures.map(({ name }) => name);
    const first = 'amd64 arm64 riscv64 ppc64 ppc64le s390x 386 mips64le mips64 loong64 arm'.split(' ');
    expect(names.slice(0, first.length)).to.deep.equal(first);
    expect(names.slice(first.length)).to.deep.equal(names.slice(first.length).sort());
  });

  it('has no name, alias or target that means two architectures', () => {
    const meanings = new Map<string, string>();
    for (const { name, aliases, target } of architectures) {
      for (const word of new Set([name, target, ...aliases.map((alias) => alias.replace(/\/.*/, ''))])) {
        // QEMU's mips64el is OCI's mips64le and so on; a word that is a name means its own row.
        expect(meanings.get(word) ?? name, word).to.equal(name);
        meanings.set(word, name);
      }
    }
  });
});

describe('probe executables', () => {
  for (const row of architectures) {
    it(`${row.name}: its own magic matches and no other; QEMU runs it`, () => {
      const program = probeExecutable(row);
      const matching = architectures.filter((other) => matches(other, program)).map(({ name }) => name);
      expect(matching).to.deep.equal([row.name]);
      expect(parseElf(program)?.loader).to.equal(undefined);
      const file = path.join(scratch(), 'probe');
      fs.writeFileSync(file, program, { mode: 0o755 });
      const { exit } = run(path.join(EMULATORS, `qemu-${row.target}`), [file]);
      const good = row.levels ? Object.keys(row.levels).map(Number) : [42];
      expect(good).to.include(exit);
    });
  }

  const emulated = (target: string, cpu: string) => {
    const row = architectures.find((each) => each.target === target);
    if (!row) throw new Error(target);
    const file = path.join(scratch(), 'probe');
    fs.writeFileSync(file, probeExecutable(row), { mode: 0o755 });
    return row.levels?.[run(path.join(EMULATORS, `qemu-${target}`), ['-cpu', cpu, file]).exit ?? -1];
  };
  for (const [target, cpu, level] of [
    ['x86_64', 'qemu64', 1],
    ['x86_64', 'Nehalem', 2],
    ['x86_64', 'Haswell', 3],
    ['x86_64', 'max', 3],
    ['arm', 'arm926', 5],
    ['arm', 'arm1176', 6],
    ['arm', 'cortex-a15', 7],
    ['arm', 'max', 8],
  ] as const) {
    it(`tell the variant: qemu-${target} as ${cpu} is v${level}`, () => {
      expect(emulated(target, cpu)).to.equal(level);
    });
  }
});

import path from 'node:path';
import { expect } from 'chai';
import { parseElf, programVariants, sameMachine, UNKNOWN_LOADER } from '../../src/core/binfmt/elf.js';
import { matches } from '../../src/core/binfmt/entry.js';
import { loaderExecutable, probeExecutable } from '../../src/core/binfmt/probe-executable.js';
import { architectures } from '../../src/core/platform/architectures.js';
import { readStart } from '../../src/system/host/files.js';
import { EMULATORS } from '../support/program.js';
import { compile, dynamicEmulator } from '../support/programs.js';

const read = (file: string) => parseElf(readStart(file, 4096) ?? new Uint8Array());

const SIZES = { 32: 52, 64: 64 } as const; // of the header, bytes
const PT_INTERP = 3;

/** Overwrites bytes; a negative or too large offset is a mistake of the test. */
function patched(bytes: Uint8Array, at: number, ...values: number[]): Buffer {
  const copy = Buffer.from(bytes);
  expect(at + values.length).to.be.at.most(copy.length);
  copy.set(values, at);
  return copy;
}

/** Pseudo-random bytes, the same ones in each run (xorshift32). */
function randomBytes(size: number, seed: number): Buffer {
  let state = seed;
  return Buffer.from(
    Array.from({ length: size }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    }),
  );
}

/** amd64's probe, its only program header turned into one that names a loader. */
function withLoader(offset: number, size: number, text = ''): Buffer {
  const [amd64] = architectures;
  if (amd64?.name !== 'amd64') throw new Error('the first row is not amd64');
  const file = Buffer.concat([probeExecutable(amd64), Buffer.from(text, 'latin1')]);
  file.writeUInt32LE(PT_INTERP, 64);
  file.writeBigUInt64LE(BigInt(offset), 64 + 8);
  file.writeBigUInt64LE(BigInt(size), 64 + 32);
  return file;
}
const LOADER_AT = withLoader(0, 0).length;

describe('ELF headers', () => {
  it('tell a dynamically linked program by its loader', () => {
    expect(read(dynamicEmulator())?.loader).to.match(/^\/lib.*ld/);
  });

  for (const flag of ['-static', '-static-pie']) {
    it(`tell a ${flag} program`, () => {
      const elf = read(compile('int main(void) { return 0; }', [flag]));
      expect(elf).to.include({ executable: true, loader: undefined });
    });
  }

  it('have the build ID that the linker gave them', () => {
    const id = '0123456789abcdef';
    expect(read(compile('int main(void) { return 0; }', ['-static', `-Wl,--build-id=0x${id}`]))?.buildId).to.equal(id);
    const without = compile('int main(void) { return 0; }', ['-static', '-Wl,--build-id=none']);
    expect(read(without)?.buildId).to.equal(undefined);
  });

  it('tell a program that is linked with glibc by its note, or by one beyond what was read', () => {
    expect(read(compile('int main(void) { return 0; }', ['-static']))?.glibc).to.equal(true);
    expect(read(path.join(EMULATORS, 'qemu-arm'))?.glibc).to.equal(true);
    const bare = compile('void _start(void) { for (;;); }', ['-static', '-nostdlib', '-Wl,--build-id=sha1']);
    expect(read(bare)?.glibc).to.equal(false);
  });

  it('are told from other files', () => {
    for (const text of ['', '#!/bin/sh\n'.repeat(20), '\x7fELF', '\x7fELF'.repeat(40), '\0'.repeat(200)]) {
      expect(parseElf(Buffer.from(text, 'latin1')), JSON.stringify(text)).to.equal(undefined);
    }
  });

  it('differ from machine to machine', () => {
    const elves = architectures.map((row) => parseElf(probeExecutable(row)));
    for (const [i, one] of elves.entries()) {
      const same = architectures.filter((_, j) => {
        const other = elves[j];
        return one && other && sameMachine(one, other);
      });
      // QEMU's n32 differs from o32 in the flags alone.
      const alike = { mips: 'mips64p32', mips64p32: 'mips', mipsle: 'mips64p32le', mips64p32le: 'mipsle' } as Record<
        string,
        string
      >;
      const { name = '' } = architectures[i] ?? {};
      expect(same.map((each) => each.name).sort()).to.deep.equal([name, alike[name] ?? []].flat().sort());
    }
    expect(elves.every((elf) => elf?.executable)).to.equal(true);
  });

  for (const [bytes, title] of [
    [[0x7f, 0x45, 0x4c, 0x47], 'a wrong magic'],
    [[0x7f, 0x45, 0x4c, 0x46, 0], 'no class'],
    [[0x7f, 0x45, 0x4c, 0x46, 3], 'an unknown class'],
    [[0x7f, 0x45, 0x4c, 0x46, 2, 0], 'no byte order'],
    [[0x7f, 0x45, 0x4c, 0x46, 2, 3], 'an unknown byte order'],
  ] as const) {
    it(`are refused with ${title}`, () => expect(parseElf(patched(withLoader(0, 0), 0, ...bytes))).to.equal(undefined));
  }

  for (const architecture of architectures) {
    it(`of ${architecture.name} are read as soon as they are whole`, () => {
      const whole = probeExecutable(architecture);
      const expected = parseElf(whole);
      expect(expected).to.include({ executable: true, fixed: true, loader: undefined });
      const size = SIZES[expected?.bits ?? 64];
      // In the middle of a larger buffer, as small reads of Node.js are.
      const file = Buffer.concat([Buffer.alloc(3, 0xff), whole, Buffer.alloc(200, 0xff)]).subarray(3, 203);
      for (let length = 0; length <= 200; length++) {
        expect(parseElf(file.subarray(0, length)), `${length} bytes`).to.deep.equal(
          length < size ? undefined : expected,
        );
      }
    });
  }
});

describe('the loader that an ELF header names', () => {
  const beyond = UNKNOWN_LOADER;
  const table: readonly [string, Buffer, string | undefined][] = [
    ['ends at its zero byte', withLoader(LOADER_AT, 8, '/lib/ld\0'), '/lib/ld'],
    ['ends at the first zero byte', withLoader(LOADER_AT, 8, '/ld\0more'), '/ld'],
    ['needs no zero byte', withLoader(LOADER_AT, 7, '/lib/ld'), '/lib/ld'],
    ['may be cut off', withLoader(LOADER_AT, 99, '/lib/l'), '/lib/l'],
    ['may be beyond what was read', withLoader(5000, 8), beyond],
    ['may be at the end of the address space', withLoader(2 ** 63, 2 ** 63), beyond],
    ['may have no size', withLoader(LOADER_AT, 0, '/lib/ld'), beyond],
    ['may be no UTF-8', withLoader(LOADER_AT, 3, '/\xff\0'), '/\ufffd'],
    ['is unknown if the table is beyond what was read', patched(withLoader(0, 0), 32, 0xff, 0xff), undefined],
    ['is unknown if the table is nowhere', patched(withLoader(0, 0), 32, ...Array(8).fill(0xff)), undefined],
    ['is none if the table is empty', patched(withLoader(LOADER_AT, 2, '/l'), 56, 0, 0), undefined],
    ['is found in the first of many headers', patched(withLoader(LOADER_AT, 2, '/l'), 56, 0xff, 0xff), '/l'],
  ];
  for (const [title, file, loader] of table) {
    it(title, () => expect(parseElf(file)).to.include({ bits: 64, loader }));
  }

  it('is looked for once in each of 65,535 headers without a size', () => {
    const file = patched(probeExecutable(architectures[0] as (typeof architectures)[0]), 54, 0, 0, 0xff, 0xff);
    expect(parseElf(file)).to.include({ loader: undefined });
  });
});

describe('hostile ELF files', () => {
  it('never make parseElf throw: random bytes, with and without the start of a header', () => {
    let read = 0;
    for (let seed = 1; seed <= 4000; seed++) {
      const bytes = randomBytes(seed % 300, seed);
      expect(parseElf(bytes) === undefined).to.equal(true);
      if (bytes.length < 6) continue;
      const header = patched(bytes, 0, 0x7f, 0x45, 0x4c, 0x46, 1 + (seed % 2), 1 + ((seed >> 1) % 2));
      if (parseElf(header)) read++;
      programVariants(header);
    }
    expect(read).to.be.above(2000);
  });

  it('never make parseElf throw: each byte of a real program damaged', () => {
    const real = Buffer.from(readStart(process.execPath, 4096) ?? []);
    for (let i = 4; i < 200; i++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const elf = parseElf(patched(real, i, value));
        if (i > 5) expect(elf, `byte ${i}`).to.include({ bits: 64 });
      }
    }
  });
});

describe('variants of a program', () => {
  for (const architecture of architectures) {
    it(`of ${architecture.name}: at a fixed address or any, for any OS ABI or GNU`, () => {
      const program = probeExecutable(architecture);
      const before = Buffer.from(program);
      const variants = programVariants(program);
      expect(variants[0]).to.equal(program);
      expect(Buffer.compare(program, before)).to.equal(0);
      expect(variants.slice(1).map((each) => [each[7], parseElf(each)?.fixed])).to.deep.equal([
        [0, true],
        [0, false],
        [3, true],
        [3, false],
      ]);
      for (const variant of variants) {
        expect(variant).to.have.length(program.length);
        expect(parseElf(variant)).to.deep.include({ executable: true, machine: parseElf(program)?.machine });
        expect(matches(architecture, variant)).to.equal(true);
      }
    });
  }

  it('differ in those bytes alone', () => {
    const program = readStart(process.execPath, 256) ?? new Uint8Array();
    for (const variant of programVariants(program)) {
      const changed = [...variant.keys()].filter((i) => variant[i] !== program[i]);
      expect([7, 16, 17]).to.include.members(changed);
    }
  });

  it('are none for what is too short, and for other files', () => {
    const program = withLoader(0, 0);
    for (let size = 0; size < 18; size++) {
      const short = program.subarray(0, size);
      expect(programVariants(short)).to.deep.equal([short]);
    }
    expect(programVariants(program.subarray(0, 18))).to.have.length(5);
    for (const text of ['#!/bin/sh\nexit 0 # and more\n', '\x7fELF'.repeat(10), '\0'.repeat(64)]) {
      const other = Buffer.from(text, 'latin1');
      expect(programVariants(other)).to.deep.equal([other]);
    }
  });
});

describe('a probe that stands in for a loader', () => {
  it('can be loaded at any address, and is the probe otherwise', () => {
    for (const architecture of architectures) {
      const [probe, loader] = [probeExecutable(architecture), loaderExecutable(architecture)];
      expect(parseElf(loader)).to.deep.equal({ ...parseElf(probe), fixed: false });
      expect([...loader.keys()].filter((i) => loader[i] !== probe[i])).to.have.length(1);
    }
  });
});

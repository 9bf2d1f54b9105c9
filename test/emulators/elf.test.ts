import { expect } from 'chai';
import { architectures } from '../../src/core/architectures.js';
import { parseElf, probeExecutable, sameMachine } from '../../src/core/elf.js';
import { readStart } from '../../src/system/machine.js';
import { compile, dynamicEmulator } from '../support/programs.js';

const read = (file: string) => parseElf(readStart(file, 4096) ?? new Uint8Array());

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

  it('are told from other files, and from truncated ones', () => {
    expect(parseElf(Buffer.from('#!/bin/sh\n'.repeat(20)))).to.equal(undefined);
    expect(parseElf(Buffer.from('7f454c46', 'hex'))).to.equal(undefined);
    expect(parseElf(new Uint8Array())).to.equal(undefined);
    const whole = readStart(process.execPath, 4096) ?? new Uint8Array();
    for (let size = 0; size < whole.length; size += 7) parseElf(whole.subarray(0, size));
  });

  it('survive a damaged header', () => {
    const bytes = Buffer.from(readStart(process.execPath, 4096) ?? []);
    for (let i = 4; i < 120; i++) {
      const damaged = Buffer.from(bytes);
      damaged[i] = 0xff;
      parseElf(damaged);
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
});

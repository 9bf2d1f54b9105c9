/** The table of architectures, compared with Debian's qemu-user package and tried with its emulators. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { probeExecutable } from '../../src/core/binfmt/probe-executable.js';
import { architectures } from '../../src/core/platform/architectures.js';
import { EMULATORS, ROOT, run } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const shipped = path.join(ROOT, 'build/qemu/usr/share/qemu/binfmt.d');

/** Rows that differ from Debian's file, by QEMU's target, and why. */
const differences: Readonly<Record<string, { field: 'mask'; debian: string; why: string }>> = {
  x86_64: {
    field: 'mask',
    debian: 'fffffffffffefefcfffffffffffffffffeffffff',
    why: 'for any OS ABI: programs marked for one other than Linux run too (Go and Rust builds may be marked so)',
  },
};

describe("the table of architectures and Debian's package", () => {
  it('have the same architectures', () => {
    const targets = fs.readdirSync(shipped).map((name) => name.replace(/^qemu-(.*)\.conf$/, '$1'));
    expect(architectures.map(({ target }) => target)).to.have.members(targets);
  });

  for (const { name, target, magic, mask } of architectures) {
    const difference = differences[target];
    it(`have the same magic and mask for ${name}${difference ? `, except ${difference.why}` : ''}`, () => {
      const fields = fs
        .readFileSync(path.join(shipped, `qemu-${target}.conf`), 'utf8')
        .trim()
        .split(':');
      const [debianMagic, debianMask] = [fields[4], fields[5]].map((field) => field?.replaceAll('\\x', ''));
      expect(magic).to.equal(debianMagic);
      expect(debianMask).to.equal(difference?.debian ?? mask);
      if (difference) expect(mask).not.to.equal(debianMask);
    });
  }
});

describe('probe executables', () => {
  for (const row of architectures) {
    it(`run under QEMU: ${row.name}`, () => {
      const file = path.join(scratch(), 'probe');
      fs.writeFileSync(file, probeExecutable(row), { mode: 0o755 });
      const { exit } = run(path.join(EMULATORS, `qemu-${row.target}`), [file]);
      const good = row.levels ? Object.keys(row.levels).map(Number) : [42];
      expect(good).to.include(exit);
    });
  }

  const levelOf = (target: string, cpu: string) => {
    const architecture = architectures.find((each) => each.target === target);
    if (!architecture) throw new Error(`no architecture has the target ${target}`);
    const file = path.join(scratch(), 'probe');
    fs.writeFileSync(file, probeExecutable(architecture), { mode: 0o755 });
    return architecture.levels?.[run(path.join(EMULATORS, `qemu-${target}`), ['-cpu', cpu, file]).exit ?? -1];
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
    it(`find that qemu-${target} as ${cpu} is v${level}`, () => {
      expect(levelOf(target, cpu)).to.equal(level);
    });
  }
});

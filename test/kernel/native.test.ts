/** What a machine runs without an emulator decides what is installed. Here each answer is tried, whatever this machine is. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { clearEntries, entryNames } from '../support/kernel.js';
import { alsoNative, type Guest, guest, guestOf } from '../support/machine.js';
import { EMULATORS, type Ended, ROOT, run, statusIn } from '../support/program.js';
import { compile } from '../support/programs.js';
import { refuseIn } from '../support/refused.js';
import { scratch } from '../support/scratch.js';

/** The program, with another probe for one architecture. */
function withProbe({ name }: Guest, change: (probes: string, name: string) => void): (...args: string[]) => Ended {
  const copy = path.join(scratch(), 'dist');
  fs.cpSync(path.join(ROOT, 'dist'), copy, { recursive: true });
  change(path.join(copy, 'probes'), name);
  return (...args) => run(path.join(copy, 'binfmt'), args, { QEMU_BINARY_PATH: EMULATORS });
}

const runNatively = (probes: string, name: string) =>
  fs.copyFileSync(compile('int main(void) { return 42; }', ['-static']), path.join(probes, name));

describe('a machine', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  it('that runs an architecture natively lists it, and gets no emulator for it', () => {
    const binfmt = withProbe(guest, runNatively);
    expect(statusIn(binfmt()).supported).to.include(guest.platform);
    const installed = binfmt('--install', guest.name);
    expect(installed.stderr).to.equal(`installing: ${guest.name} OK (this machine runs it natively)\n`);
    expect(entryNames()).to.deep.equal([]);
  });

  // On the others, every test shows it.
  for (const each of alsoNative.map(guestOf)) {
    it(`that does not run ${each.name} natively needs an emulator for it, and gets one`, () => {
      const binfmt = withProbe(each, refuseIn);
      expect(statusIn(binfmt()).supported.join()).not.to.match(new RegExp(`${each.platform}(,|/|$)`));
      const installed = binfmt('--install', each.name);
      expect(installed.exit, installed.stderr).to.equal(0);
      expect(entryNames()).to.deep.equal([each.emulator]);
      expect(statusIn(installed).supported.join()).to.match(new RegExp(`${each.platform}(,|/|$)`));
    });
  }
});

/** The probes that the launcher runs while Node.js starts: they are beside the program, and others serve without them. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { PROBE_SUCCESS } from '../../src/core/platform/architectures.js';
import { clearEntries, registerForeign } from '../support/kernel.js';
import { guest, guest2, own } from '../support/machine.js';
import { EMULATORS, ROOT, run, statusIn } from '../support/program.js';
import { compile } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

describe('the probes beside the program', () => {
  let copy: string;
  /** What they say if nothing is wrong. */
  let expected: readonly string[];
  const inCopy = (...args: string[]) => run(path.join(copy, 'binfmt'), args, { QEMU_BINARY_PATH: EMULATORS });
  const platforms = () => statusIn(inCopy()).supported;

  /** Lets the launcher run another program than the probe of an architecture while Node.js starts. */
  const lie = (program = compile(`int main(void) { return ${PROBE_SUCCESS}; }`, ['-static'])) => {
    fs.cpSync(path.join(copy, 'probes'), path.join(copy, 'lies'), { recursive: true });
    fs.copyFileSync(program, path.join(copy, 'lies', guest2.name));
    const requests = path.join(copy, 'first-requests');
    fs.writeFileSync(requests, fs.readFileSync(requests, 'utf8').replaceAll('@probes', '@lies'));
  };

  beforeEach(() => {
    clearEntries();
    registerForeign(guest.emulator, guest.name, path.join(EMULATORS, guest.emulator), 'POCF');
    copy = path.join(scratch(), 'dist');
    fs.cpSync(path.join(ROOT, 'dist'), copy, { recursive: true });
    expected ??= platforms();
  });
  after(clearEntries);

  it('answer for the first look at the machine', () => {
    expect(expected).to.include(guest.platform).and.not.include(guest2.platform);
    lie();
    expect(platforms()).to.include(guest2.platform);
  });

  for (const [what, change] of [
    ['lack one', () => fs.rmSync(path.join(copy, 'probes', guest.name))],
    ['are run by requests of another build', () => fs.writeFileSync(path.join(copy, 'first-requests'), 'umount\t@\n')],
    ['are not there', () => fs.rmSync(path.join(copy, 'probes'), { recursive: true })],
    ['are not executable', () => fs.chmodSync(path.join(copy, 'probes', own.name), 0o644)],
  ] as const) {
    it(`are made anew, elsewhere, if they ${what}`, () => {
      change();
      expect(platforms()).to.deep.equal(expected);
    });
  }

  it('are made anew if the entry that ran one is not there any more', () => {
    lie(path.join(copy, 'probes', guest.name));
    expect(platforms()).to.include(guest.platform).and.not.include(guest2.platform);
  });

  it('say nothing about a machine from which something was removed since, with the words of another tool too', () => {
    lie();
    // Otherwise the lie would be that it runs without an emulator.
    expect(inCopy('--reset').stderr).to.contain(`installing: ${guest2.name} OK\n`);
  });

  it('do not run for a call that needs none', () => {
    const environment = { BINFMT_PROBES: 'started', QEMU_BINARY_PATH: EMULATORS };
    expect(run(path.join(copy, 'binfmt'), ['--uninstall', guest.name], environment).exit).to.equal(0);
    expect(run(path.join(copy, 'binfmt'), ['--help'], environment).exit).to.equal(0);
    const command = ['run', guest.name, '--', 'sh', '-c', 'echo "<$BINFMT_PROBES>"'];
    expect(run(path.join(copy, 'binfmt'), command, environment)).to.include({ stdout: '<started>\n', stderr: '' });
  });
});

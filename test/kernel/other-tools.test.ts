/** Calls of multiarch/qemu-user-static and of qus on a real kernel. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { row } from '../support/architectures.js';
import { clearEntries, entryNames, entryText, registerForeign } from '../support/kernel.js';
import { guest, guest2, guest3, own } from '../support/machine.js';
import { binfmt, EMULATORS, lastLine, PROGRAM, statusIn } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const target = ({ name }: { name: string }) => row(name).target;
const announced = (typed: string, tool: string, ours: string) =>
  new RegExp(
    `^binfmt: "${typed}" is a call of ${tool}; binfmt carries it out as: sudo .*${PROGRAM}${ours && ` ${ours}`}\n`,
  );
const entries = [guest.emulator, guest2.emulator].sort();

describe('a call of another tool', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  it('--reset -p yes of multiarch/qemu-user-static replaces all entries by those of every emulator', () => {
    // As it registers them: without the flags P, O and C, and under the path of its image.
    registerForeign(guest.emulator, guest.name, path.join(EMULATORS, guest.emulator), 'F');
    registerForeign('qemu-other', guest2.name, '/bin/true', 'F');
    const ended = binfmt(['--reset', '-p', 'yes']);
    expect(ended.exit, ended.stderr).to.equal(0);
    expect(ended.stderr).to.match(
      announced('--reset -p yes', 'multiarch/qemu-user-static', '--uninstall all --install all'),
    );
    expect(ended.stderr).to.contain(`uninstalling: ${guest.emulator} OK\n`);
    expect(entryNames()).to.include.members(['qemu-other', guest.emulator, guest2.emulator, guest3.emulator]);
    expect(entryText(guest.emulator)).to.match(/^flags: POCF$/m);
    expect(statusIn(ended).supported).to.include.members([guest.platform, guest2.platform, guest3.platform]);
  });

  it('-p and targets of qus registers these, -l prints the status, and -r removes what it is told to', () => {
    const targets = `${target(guest)} ${target(guest2)}`;
    const installed = binfmt(['-s', '--', '-p', targets]);
    expect(installed.exit, installed.stderr).to.equal(0);
    expect(entryNames()).to.deep.equal(entries);
    expect(installed.stderr).to.contain(`--install ${targets.replace(' ', ',')}\n`);
    expect(statusIn(installed).supported).to.include.members([guest.platform, guest2.platform]);

    const listed = binfmt(['-l']);
    expect(listed.stderr).to.match(announced('-l', 'qus', ''));
    expect(statusIn(listed).emulators).to.deep.equal(entries);

    const tested = binfmt(['-s', '--', '-t', '-p', target(guest3)]);
    expect(tested.exit).to.equal(0);
    expect(entryNames()).to.deep.equal(entries);

    expect(binfmt(['--', '-r', target(guest2)]).exit).to.equal(0);
    expect(entryNames()).to.deep.equal([guest.emulator]);
    expect(statusIn(binfmt(['--', '-r'])).emulators).to.deep.equal([]);
    expect(entryNames()).to.deep.equal([]);
  });

  for (const typed of [
    ['--reset', '-p', 'yes'],
    ['-s', '--', '-p', target(guest)],
    ['--install', guest.name],
  ]) {
    it(`${typed.join(' ')} says once that a file with a name of another tool is not used, unless it is a link`, () => {
      const dir = scratch();
      const copy = (name: string) => fs.copyFileSync(path.join(EMULATORS, guest.emulator), path.join(dir, name));
      copy(guest.emulator);
      fs.symlinkSync(guest.emulator, path.join(dir, `${guest.emulator}-static`));
      const install = () => binfmt(typed, { QEMU_BINARY_PATH: dir });
      expect(install().stderr).not.to.contain('not used');
      fs.rmSync(path.join(dir, `${guest.emulator}-static`));
      copy(`${guest.emulator}-static`);
      // The processor runs the programs of this one.
      copy(`qemu-${own.target}-static`);
      const ended = install();
      expect(ended.exit, ended.stderr).to.equal(0);
      expect(ended.stderr.match(/^binfmt: \/.*/gm)).to.deep.equal([
        `binfmt: ${dir}/${guest.emulator}-static is not used, because binfmt looks for emulators with other names. In a container, add yours with -v FILE:${dir}/${guest.emulator}:ro`,
      ]);
      expect(entryText(guest.emulator)).to.contain(`interpreter ${dir}/${guest.emulator}\n`);
    });
  }

  it('-c no and -g no leave out the flags, and -p no does not leave out F', () => {
    const ended = binfmt(['-s', '-t', target(guest), '--', '-p', 'no', '-c', 'no', '-g', 'no']);
    expect(ended.exit, ended.stderr).to.equal(0);
    expect(entryText(guest.emulator)).to.match(/^flags: F$/m);
    expect(ended.stderr).to.contain('(flag F)');
  });

  for (const [typed, environment, message] of [
    [
      ['-s', '--', '-p', `${target(guest)} mainframe`],
      {},
      'binfmt: "mainframe" is not an architecture that QEMU emulates',
    ],
    [['--reset', '--systemd', 'ALL'], {}, 'binfmt: "--systemd" of multiarch/qemu-user-static writes files'],
    [
      ['-p', 'yes'],
      { QEMU_BIN_DIR: '/opt/x' },
      'binfmt: "QEMU_BIN_DIR=/opt/x" of multiarch/qemu-user-static means other',
    ],
  ] as const) {
    it(`${typed.join(' ')} is refused with status 2, and changes nothing`, () => {
      registerForeign(guest.emulator, guest.name, path.join(EMULATORS, guest.emulator), 'F');
      const ended = binfmt(typed, environment);
      expect(ended).to.include({ exit: 2, stdout: '' });
      expect(lastLine(ended.stderr)).to.contain(message);
      expect(entryNames()).to.deep.equal([guest.emulator]);
    });
  }

  it('names the command in the advice of a failure as binfmt has it', () => {
    const ended = binfmt(['-s', '--', '-p', target(guest)], { QEMU_BINARY_PATH: '/nowhere' });
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.contain(`installing: ${guest.name} `).and.not.contain(' -p ');
  });

  it('means nothing if a word is ours', () => {
    const ended = binfmt(['--reset', '--install', guest.name]);
    expect(ended.exit).to.equal(2);
    expect(lastLine(ended.stderr)).to.equal(
      'binfmt: "--install" does not go with the other words, which are those of multiarch/qemu-user-static',
    );
  });
});

/** The commands that doctor and a failed installation print: they are whole, and they work as they are pasted. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { probeExecutable } from '../../src/core/binfmt/probe-executable.js';
import type { Architecture } from '../../src/core/platform/architectures.js';
import { commandsIn, idsIn, type PrintedProblem, pasted, problemIn, reportIn } from '../support/doctor.js';
import { clearEntries, MOUNT, registerForeign, writeEntry } from '../support/kernel.js';
import { foreign, guest, guest2, guest3, guest4, variantGuest } from '../support/machine.js';
import { binfmt, EMULATORS, type Ended, OLDER_EMULATORS, PROGRAM, shell } from '../support/program.js';
import { crashingEmulator, dynamicEmulator, emulatorExiting } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const { name, emulator: entry } = guest;
const others = foreign.filter((each) => each !== variantGuest.architecture);
const shipped = path.join(EMULATORS, entry);
const doctor = (...args: string[]) => binfmt(['doctor', ...args]);
const examined = (...args: string[]) => reportIn(doctor('--json', ...args));
const install = `sudo QEMU_BINARY_PATH=${EMULATORS} ${PROGRAM} --install`;

/** The commands of the text for people: lines behind `do`, and under it, that are not labels. */
const commandsOfText = ({ stdout }: Ended) =>
  stdout
    .split('\n')
    .map((line) => line.replace(/^ {2}(do)? +/, ''))
    .filter((line) => /^(sudo|echo|[A-Z_]+=|\/)/.test(line));

describe('advice', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  it('has a command for all disabled entries and one for all missing ones, and both are safe to paste', () => {
    const strange = `w';touch pwned;'${entry}`;
    registerForeign(strange, name, shipped, 'POCF');
    registerForeign(guest2.emulator, guest2.name, path.join(EMULATORS, guest2.emulator), 'POCF');
    for (const each of [strange, guest2.emulator]) writeEntry(each, '0');
    const platforms = [name, guest2.name, guest3.name, guest4.name];
    const ended = doctor(...platforms);
    expect(ended.exit).to.equal(1);
    expect(ended.stdout).not.to.match(/docker/i);
    const commands = commandsOfText(ended);
    const [enabling = '', ...more] = commands.filter((command) => command.includes(' tee '));
    expect(more).to.deep.equal([]);
    const missing = ({ length }: string, command: string) => command.slice(length + 1).split(',');
    const [installing = ''] = commands.filter((command) => missing(install, command).includes(guest3.name));
    expect(missing(install, installing)).to.have.members([guest3.name, guest4.name]);
    const dir = scratch();
    for (const command of [enabling, installing]) expect(pasted(`cd ${dir}; ${command}`).exit).to.equal(0);
    expect(fs.readdirSync(dir)).to.deep.equal([]);
    expect(reportIn(doctor('--json', ...platforms)).problems).to.deep.equal([]);
  });

  it('works as it is pasted, even if an entry of another name works', () => {
    registerForeign('debian', name, path.join(OLDER_EMULATORS, entry), 'F');
    const report = examined();
    expect(idsIn(report)).to.have.members(['old-emulator', 'credentials', 'argv0']);
    for (const problem of report.problems) expect(commandsIn(problem)).to.deep.equal([`${install} ${name} --force`]);
    expect(pasted(`${install} ${name} --force`).exit).to.equal(0);
    expect(idsIn(examined())).to.deep.equal(['shadowed']);
  });

  it('says how to get emulators if there are none', () => {
    const nowhere = { QEMU_BINARY_PATH: '/nonexistent' };
    const report = reportIn(binfmt(['doctor', '--json', name], nowhere));
    expect(problemIn('no-entry', report).advice.map(({ label }) => label)).to.deep.equal([
      'set QEMU_BINARY_PATH to the directory of statically linked qemu-* programs',
    ]);
    expect(problemIn('nothing-installed', reportIn(binfmt(['doctor', '--json'], nowhere))).advice).to.deep.equal([]);
  });
});

const inUserNamespace = (script: string) =>
  shell(`exec unshare --user --map-root-user --mount --pid --fork --mount-proc bash -euc '${script}'`, {
    ...{ TMPDIR: scratch(), QEMU_BINARY_PATH: EMULATORS },
  });
const emulatorIn = (dir: string, { target }: Architecture) => path.join(dir, `qemu-${target}`);
const variant = `${variantGuest.platform}/v${variantGuest.higher}`;

const shippedFor = (each: Architecture) => emulatorIn(EMULATORS, each);
const olderFor = (each: Architecture) => emulatorIn(OLDER_EMULATORS, each);

/** Entries that leave a problem for doctor: which, and the emulator and the flags that are registered. */
const wrong = (
  [
    ['is disabled', 'disabled-entry', shippedFor, 'POCF'],
    ['has no flags', 'not-in-containers', shippedFor, ''],
    ['has no emulator', 'not-in-containers', () => '/nonexistent', ''],
    ['has a dynamically linked emulator', 'dynamic-emulator', dynamicEmulator, 'F'],
    ['has a crashing emulator', 'emulator-crash', crashingEmulator, 'F'],
    ['has an emulator that fails', 'emulator-fails', () => emulatorExiting(3), 'F'],
    ['has an older emulator', 'old-emulator', olderFor, 'POCF'],
    ['is behind another one', 'shadowed', shippedFor, 'POCF'],
    ['is for other programs', 'wrong-magic', shippedFor, 'POCF'],
    ['has an older processor than was asked for', 'cpu-level', () => emulatorExiting(variantGuest.lowerStatus), 'POCF'],
  ] as const
).map(
  (each, i) => [...each, each[1] === 'cpu-level' ? variantGuest.architecture : (others[i] as Architecture)] as const,
);

function registerWrong(): void {
  for (const [, id, file, flags, architecture] of wrong) {
    const entryName = `qemu-${architecture.target}`;
    const programs = id === 'wrong-magic' ? (foreign.at(-1) as Architecture) : architecture;
    registerForeign(entryName, programs.name, file(architecture), flags);
    if (id === 'disabled-entry') writeEntry(entryName, '0');
    if (id === 'shadowed') registerForeign('box64', architecture.name, olderFor(architecture), 'POCF');
  }
}

/** Problems that can be provoked here, on as few machines as there can be. */
const machines: Readonly<Record<string, () => void>> = {
  'without entries': () => {},
  'with entries that are wrong': registerWrong,
  'with binfmt_misc switched off': () => writeEntry('status', '0'),
};

const failures: Readonly<Record<string, () => Ended>> = {
  'emulators of which none can be used': () => {
    const dir = scratch();
    const bad = [crashingEmulator(), emulatorExiting(3), dynamicEmulator()];
    for (const [i, file] of bad.entries()) fs.copyFileSync(file, emulatorIn(dir, others[i] as Architecture));
    registerForeign('lesser', variantGuest.name, emulatorExiting(variantGuest.lowerStatus), 'F');
    const [missing] = others.slice(bad.length);
    const asked = [...others.slice(0, bad.length), missing].map((each) => each?.name);
    return binfmt(['--install', [...asked, variant].join()], { QEMU_BINARY_PATH: dir });
  },
  'no emulators': () => binfmt(['--install', 'all'], { QEMU_BINARY_PATH: scratch() }),
  'a user namespace': () => inUserNamespace(`${PROGRAM} --install ${name}`),
  'a read-only binfmt_misc': () =>
    inUserNamespace(`mount -t binfmt_misc none ${MOUNT}; mount -o remount,bind,ro ${MOUNT}
      mount -t tmpfs -o ro none $TMPDIR; ${PROGRAM} --allow-userns --install ${name}`),
  'a program that was not registered': () => {
    const file = path.join(scratch(), 'program');
    fs.writeFileSync(file, probeExecutable(guest.architecture), { mode: 0o755 });
    return binfmt(['run', guest2.name, '--', file]);
  },
};

describe('advice of the program without Docker', function () {
  this.timeout(120_000);
  beforeEach(clearEntries);
  after(clearEntries);

  for (const [machine, prepare] of Object.entries(machines)) {
    describe(`on a machine ${machine}`, () => {
      let ended: readonly Ended[];
      let problems: readonly PrintedProblem[];

      before(() => {
        clearEntries();
        prepare();
        const named = wrong.map(([, id, , , { name: each }]) => (id === 'cpu-level' ? variant : each));
        ended = [[], named].map((words) => doctor('--json', '--verbose', ...words));
        problems = ended.flatMap((each) => reportIn(each).problems);
      });
      after(() => writeEntry('status', '1'));

      it('has only whole commands, and does not name Docker', () => {
        for (const { stdout, stderr } of ended) expect(stdout + stderr).not.to.match(/docker/i);
        const advice = problems.flatMap((problem) => problem.advice);
        expect(advice).not.to.deep.equal([]);
        for (const { label = '' } of advice) expect(label).not.to.match(/^-/);
        for (const command of new Set(advice.flatMap(({ command = [] }) => command))) expectWhole(command);
      });

      for (const [what, id, , , { name: each }] of prepare === registerWrong ? wrong : []) {
        it(`is about the entry that ${what}: ${id}`, () => {
          const found = problems.filter((problem) => problem.id === id).map(({ subject }) => subject);
          expect(found).to.include(id === 'cpu-level' ? variant : `linux/${each}`);
        });
      }
    });
  }

  for (const [failure, installing] of Object.entries(failures)) {
    it(`does not name Docker, and begins no command with an option, after a failure because of ${failure}`, () => {
      const { exit, stderr } = installing();
      expect(exit).to.be.greaterThan(0);
      expect(stderr).not.to.match(/docker/i);
      // Advice follows the cause, and ways are separated by "; or ".
      for (const part of stderr.split(/\n|; (?:or )?|: /)) expect(part).not.to.match(/^-(?!-mount "\/)/);
    });
  }
});

/** A shell accepts it, and each of its programs is one that exists on some machine. */
function expectWhole(command: string): void {
  expect(shell(`bash -n <<'END'\n${command}\nEND`).exit, command).to.equal(0);
  for (const part of command.split(/ \| | && |; /)) {
    const [program = '', ...args] = part
      .replace(/^sudo /, '')
      .replace(/^[A-Z_]+=\S+ /, '')
      .split(' ');
    if (program === PROGRAM) expect(args.length, command).to.be.greaterThan(0);
    else
      expect(['echo', 'tee', 'tar', 'mount', 'modprobe', 'sysctl', 'systemctl', 'chmod'], command).to.include(program);
  }
}

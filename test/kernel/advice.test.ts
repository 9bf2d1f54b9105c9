/** The commands that doctor and a failed installation print: they are whole, and they work as they are pasted. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { probeExecutable } from '../../src/core/elf.js';
import { commandsIn, idsIn, pasted, problemIn, reportIn } from '../support/doctor.js';
import { clearEntries, MOUNT, registerForeign, writeEntry } from '../support/kernel.js';
import { guest, guest2, guest3, variantGuest } from '../support/machine.js';
import { binfmt, EMULATORS, type Ended, lastLine, OLDER_EMULATORS, PROGRAM, shell } from '../support/program.js';
import { crashingEmulator, dynamicEmulator, emulatorExiting } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const { name, emulator: entry } = guest;
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

  it('enables all disabled entries with one command', () => {
    binfmt(['--install', `${name},${guest2.name}`]);
    for (const each of [entry, guest2.emulator]) writeEntry(each, '0');
    const ended = doctor(name, guest2.name);
    expect(ended.exit).to.equal(1);
    const enabling = commandsOfText(ended).filter((command) => command.includes(' tee '));
    // In the order of the table.
    const files = reportIn(doctor('--json', name, guest2.name)).platforms.map(({ platform }) =>
      path.join(MOUNT, platform === guest.platform ? entry : guest2.emulator),
    );
    expect(enabling).to.deep.equal([`echo 1 | sudo tee ${files.join(' ')}`]);
    expect(pasted(enabling[0] ?? '').exit).to.equal(0);
    expect(doctor(name, guest2.name)).to.include({ exit: 0 });
    expect(idsIn(examined(name, guest2.name))).to.deep.equal([]);
  });

  it('registers all platforms without an entry with one command', () => {
    const ended = doctor(name, guest2.name, guest3.name);
    const [first = ''] = commandsOfText(ended);
    expect(first.slice(install.length + 1).split(',')).to.have.members([name, guest2.name, guest3.name]);
    expect(pasted(first).exit).to.equal(0);
    expect(doctor(name, guest2.name, guest3.name).exit).to.equal(0);
  });

  it('works as it is pasted, even if an entry of another name works', () => {
    registerForeign('debian', name, path.join(OLDER_EMULATORS, entry), 'F');
    const report = examined();
    expect(idsIn(report)).to.have.members(['old-emulator', 'credentials', 'argv0']);
    for (const problem of report.problems) expect(commandsIn(problem)).to.deep.equal([`${install} ${name} --force`]);
    expect(pasted(`${install} ${name} --force`).exit).to.equal(0);
    expect(idsIn(examined())).to.deep.equal(['shadowed']);
  });

  it('is safe to paste, whatever the name of an entry is', () => {
    const strange = `w';touch pwned;'${entry}`;
    registerForeign(strange, name, shipped, 'POCF');
    writeEntry(strange, '0');
    const [enable = ''] = commandsIn(problemIn('disabled-entry', examined(name)));
    const dir = scratch();
    expect(pasted(`cd ${dir}; ${enable}`).exit).to.equal(0);
    expect(fs.readdirSync(dir)).to.deep.equal([]);
    expect(examined(name).platforms[0]).to.include({ runs: true });
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
const directoryWith = (file: string) => {
  const dir = scratch();
  fs.copyFileSync(file, path.join(dir, entry));
  return dir;
};
const exits = emulatorExiting;
const variant = `${variantGuest.platform}/v${variantGuest.higher}`;

/** Everything that can be provoked here; each leaves some problem for doctor. */
const machines: Readonly<Record<string, () => void>> = {
  'without entries': () => {},
  'with disabled entries': () => {
    binfmt(['--install', `${name},${guest2.name}`]);
    for (const each of [entry, guest2.emulator]) writeEntry(each, '0');
  },
  'with an entry without flags': () => registerForeign(entry, name, shipped, ''),
  'with an entry without emulator': () => registerForeign(entry, name, '/nonexistent', ''),
  'with a dynamically linked emulator': () => registerForeign(entry, name, dynamicEmulator(), 'F'),
  'with a crashing emulator': () => registerForeign(entry, name, crashingEmulator(), 'F'),
  'with an emulator that fails': () => registerForeign(entry, name, exits(3), 'F'),
  'with an older emulator': () => void binfmt(['--install', name], { QEMU_BINARY_PATH: OLDER_EMULATORS }),
  'with a shadowed entry': () => {
    binfmt(['--install', name]);
    registerForeign('box64', name, path.join(OLDER_EMULATORS, entry), 'POCF');
  },
  'with an entry for other programs': () => registerForeign(entry, guest2.name, shipped, 'POCF'),
  'with an older emulated processor': () =>
    registerForeign(variantGuest.emulator, variantGuest.name, exits(variantGuest.lowerStatus), 'POCF'),
  'with binfmt_misc switched off': () => writeEntry('status', '0'),
};

const failures: Readonly<Record<string, () => Ended>> = {
  'a crashing emulator': () => binfmt(['--install', name], { QEMU_BINARY_PATH: directoryWith(crashingEmulator()) }),
  'a failing emulator': () => binfmt(['--install', name], { QEMU_BINARY_PATH: directoryWith(exits(3)) }),
  'a dynamic emulator': () => binfmt(['--install', name], { QEMU_BINARY_PATH: directoryWith(dynamicEmulator()) }),
  'a missing emulator': () => binfmt(['--install', name], { QEMU_BINARY_PATH: scratch() }),
  'no emulators': () => binfmt(['--install', 'all'], { QEMU_BINARY_PATH: scratch() }),
  'a user namespace': () => inUserNamespace(`${PROGRAM} --install ${name}`),
  'no capability': () =>
    inUserNamespace(`setpriv --bounding-set=-all --inh-caps=-all ${PROGRAM} --allow-userns --install ${name}`),
  'a read-only binfmt_misc': () =>
    inUserNamespace(`mount -t binfmt_misc none ${MOUNT}; mount -o remount,bind,ro ${MOUNT}
      mount -t tmpfs -o ro none $TMPDIR; ${PROGRAM} --allow-userns --install ${name}`),
  'a directory with files': () => inUserNamespace(`${PROGRAM} --allow-userns --mount /etc --install ${name}`),
  'an older emulated processor': () => {
    registerForeign('lesser', variantGuest.name, exits(variantGuest.lowerStatus), 'F');
    return binfmt(['--install', variant]);
  },
  'a program that was not registered': () => {
    const file = path.join(scratch(), 'program');
    fs.writeFileSync(file, probeExecutable(guest.architecture), { mode: 0o755 });
    return binfmt(['run', guest2.name, '--', file]);
  },
};

describe('advice of the program without Docker', () => {
  beforeEach(clearEntries);
  afterEach(() => writeEntry('status', '1'));
  after(clearEntries);

  for (const [machine, prepare] of Object.entries(machines)) {
    it(`has only whole commands, and does not name Docker, on a machine ${machine}`, () => {
      prepare();
      for (const words of [[], [name, guest2.name, variant], [name, '--verbose'], ['all']]) {
        const text = doctor(...words);
        expect(text.stdout + text.stderr).not.to.match(/docker/i);
        for (const { advice } of examined(...words).problems) {
          for (const { label = '', command } of advice) {
            expect(label).not.to.match(/^-|docker/i);
            if (command !== undefined) expectWhole(command);
          }
        }
      }
    }).timeout(60_000);
  }

  for (const [failure, installing] of Object.entries(failures)) {
    it(`does not name Docker, and begins no command with an option, after a failure because of ${failure}`, () => {
      const ended = installing();
      expect(ended.exit).to.be.greaterThan(0);
      const line = lastLine(ended.stderr);
      expect(ended.stderr).not.to.match(/docker/i);
      // Advice follows the cause, and ways are separated by "; or ".
      for (const part of line.split(/; (?:or )?|: /)) expect(part).not.to.match(/^-(?!-mount "\/)/);
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

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { parseElf } from '../../src/core/binfmt/elf.js';
import { probeExecutable } from '../../src/core/binfmt/probe-executable.js';
import type { Architecture } from '../../src/core/platform/architectures.js';
import { clearEntries, entryNames, entryText, MOUNT, registerForeign, writeEntry } from '../support/kernel.js';
import { long } from '../support/long.js';
import { foreign, guest, guest2, guest3, native, variantGuest } from '../support/machine.js';
import {
  binfmt,
  binfmtAlone,
  EMULATORS,
  type Ended,
  lastLine,
  must,
  OLDER_EMULATORS,
  olderVersion,
  PROGRAM,
  shell,
  shippedVersion,
  started,
  statusIn,
} from '../support/program.js';
import {
  allowedProcessor,
  busyShells,
  compile,
  crashingEmulator,
  dynamicEmulator,
  emulatorExiting,
  starvedEmulator,
} from '../support/programs.js';
import { scratch } from '../support/scratch.js';
import { until } from '../support/watcher.js';

const { name, platform, emulator: entry } = guest;
const emulator = path.join(EMULATORS, entry);
const olderEmulator = path.join(OLDER_EMULATORS, entry);
const installing = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  binfmt(['--install', name, ...args], env);
const emulatorOf = ({ target }: Architecture) => `qemu-${target}`;
const wantedVariant = `${variantGuest.platform}/v${variantGuest.higher}`;

/** What a call says about an architecture. */
const lineAbout = (architecture: Architecture, { stderr }: Ended) =>
  stderr.split('\n').filter((line) => line.startsWith(`installing: ${architecture.name} `));

/** A directory with one file as the emulator of the example. */
function directoryWith(file: string): string {
  const dir = scratch();
  fs.copyFileSync(file, path.join(dir, entry));
  return dir;
}

describe('install', function () {
  this.timeout(120_000);
  beforeEach(clearEntries);
  after(clearEntries);

  it('replaces an entry with other flags and names both, but keeps it with --keep and says so', () => {
    registerForeign(entry, name, emulator, 'POCF');
    expect(installing(['--no-credentials', '--keep']).stderr).to.equal(
      `installing: ${name} OK (kept QEMU ${shippedVersion()} with flags POCF; without --keep it would get PF)\n`,
    );
    expect(entryText(entry)).to.contain('flags: POCF\n');
    expect(installing(['--no-credentials']).stderr).to.equal(`installing: ${name} OK (flags POCF are now PF)\n`);
    expect(entryText(entry)).to.contain('flags: PF\n');
  });

  it('replaces an older emulator, but none that is newer, and none with --keep; one is always registered', async () => {
    // Its version is learned from the emulator that the kernel keeps open, as the file is gone.
    const dir = directoryWith(olderEmulator);
    registerForeign(entry, name, path.join(dir, entry), 'POCF');
    fs.rmSync(dir, { recursive: true });
    expect(installing(['--keep']).stderr).to.equal(
      `installing: ${name} OK (kept QEMU ${olderVersion()}; QEMU ${shippedVersion()} is available)\n`,
    );
    expect(entryText(entry)).to.contain(dir);
    // The kernel tells of every entry that is removed, in order.
    const removed: (string | null)[] = [];
    const inotify = fs.watch(MOUNT, (event, file) => event === 'rename' && removed.push(file));
    try {
      const { stderr } = await started(PROGRAM, ['--install', name], { QEMU_BINARY_PATH: EMULATORS });
      expect(stderr).to.equal(`installing: ${name} OK (QEMU ${olderVersion()} is now ${shippedVersion()})\n`);
      await until(() => removed.length > 1, 'the kernel to tell');
    } finally {
      inotify.close();
    }
    expect(removed).to.have.length(2);
    expect(removed[0]).to.equal(entry);
    expect(removed[1]).to.match(new RegExp(`^${entry}-trial-`));
    expect(entryText(entry)).to.contain(emulator);
    expect(installing([], { QEMU_BINARY_PATH: OLDER_EMULATORS }).stderr).to.contain(
      `already registered, QEMU ${shippedVersion()}`,
    );
    expect(entryText(entry)).to.contain(emulator);
  });

  it('tries under no name that a call in another PID namespace may have, where processes have the same ids', () => {
    registerForeign(entry, name, olderEmulator, 'POCF');
    const used = Array.from({ length: 30 }, (_, id) => `${entry}-trial-${id}`);
    for (const each of used) writeEntry('register', `:${each}:E::${each}::/nonexistent:`);
    const upgraded = binfmtAlone(['--install', name]);
    const line = `installing: ${name} OK (QEMU ${olderVersion()} is now ${shippedVersion()})\n`;
    expect(upgraded).to.include({ stderr: line, exit: 0 });
    expect(entryNames()).to.have.members([entry, ...used]);
  });

  it('starts no emulator to learn the version of one that is in the manifest beside it', () => {
    const root = scratch();
    const bin = path.join(root, 'usr/bin');
    fs.mkdirSync(path.join(root, 'usr/share/binfmt'), { recursive: true });
    fs.mkdirSync(bin);
    fs.copyFileSync(emulator, path.join(bin, entry));
    const bytes = fs.readFileSync(emulator);
    const build = { buildId: parseElf(bytes)?.buildId, version: '98.7', size: bytes.length };
    const manifest = (text: string) => fs.writeFileSync(path.join(root, 'usr/share/binfmt/manifest.json'), text);
    manifest(JSON.stringify({ emulators: [build] }));
    const environment = { QEMU_BINARY_PATH: bin };
    expect(binfmt(['--version'], environment).stdout).to.contain(' qemu/98.7 ');
    registerForeign(entry, name, path.join(bin, entry), 'POCF');
    expect(installing([], environment).stderr).to.contain('already registered, QEMU 98.7');
    manifest(JSON.stringify({ emulators: [{ ...build, size: 1 }, { ...build, version: 5 }, {}] }));
    expect(binfmt(['--version'], environment).stdout).to.contain(` qemu/${shippedVersion()} `);
    manifest('no JSON');
    expect(installing([], environment).stderr).to.contain(`already registered, QEMU ${shippedVersion()}`);
  });

  it('leaves a working entry of another name alone, and registers in front of it with --force', () => {
    registerForeign(entry, name, emulator, 'POCF');
    registerForeign('mine', name, emulator, 'F');
    expect(installing().stderr).to.equal(`installing: ${name} OK (already runs through mine, left alone)\n`);
    expect(entryNames()).to.deep.equal(['mine', entry]);
    expect(installing(['--force']).stderr).to.equal(`installing: ${name} OK (takes precedence over mine)\n`);
    expect(entryNames()).to.deep.equal(['mine', entry]);
  });

  describe('of what does not run, although there is an entry', () => {
    const other = foreign.at(-1) as Architecture;
    // Asked for its version, it ends at once: waiting for that once more would show nothing.
    const hanging =
      '#include <stdlib.h>\n#include <unistd.h>\nint main(void) { return getenv("QEMU_VERSION") ? 0 : pause(); }';
    const replaced = ' (replaced an entry that did not work)';
    const cases = (
      [
        ['whose emulator crashes', 'replaces it', crashingEmulator, 'F', replaced],
        ['whose emulator hangs', 'replaces it', () => compile(hanging, ['-static']), 'F', replaced],
        ['whose emulator is dynamically linked', 'replaces it', dynamicEmulator, 'F', replaced],
        ['whose emulator does not exist', 'replaces it', () => '/nonexistent/emulator', '', replaced],
        ['that is disabled', 'replaces it', () => emulator, 'POCF', ' (replaced a disabled entry)'],
        ['of another name', 'registers in front of it', crashingEmulator, 'F', ''],
        [
          `that matches programs of ${other.name}`,
          'replaces it',
          () => path.join(EMULATORS, emulatorOf(other)),
          'F',
          replaced,
        ],
      ] as const
    ).map((each, i) => [...each, foreign[i] as Architecture] as const);
    let installed: Ended;

    before(() => {
      clearEntries();
      for (const [what, , file, flags, , architecture] of cases) {
        const registered = what === 'of another name' ? 'mine' : emulatorOf(architecture);
        registerForeign(registered, (what.includes('programs of') ? other : architecture).name, file(), flags);
        if (what === 'that is disabled') writeEntry(registered, '0');
      }
      installed = binfmt(['--install', cases.map(([, , , , , each]) => each.name).join()]);
    });

    for (const [what, does, , , note, architecture] of cases) {
      it(`${does}, an entry ${what}`, () => {
        expect(lineAbout(architecture, installed)).to.deep.equal([`installing: ${architecture.name} OK${note}`]);
        expect(statusIn(installed).supported.join()).to.match(new RegExp(`linux/${architecture.name}(,|/|$)`));
        expect(installed.exit).to.equal(0);
      });
    }
  });

  describe('of emulators of which only one can be used', () => {
    const cases = (
      [
        [
          'is dynamically linked',
          (file: string) => fs.copyFileSync(dynamicEmulator(), file),
          /is dynamically linked: .*keeps the emulator open .*, but not its loader \/lib.*; use a statically linked emulator/,
        ],
        [
          'is not ELF',
          (file: string) => fs.copyFileSync('/etc/passwd', file),
          /is not an ELF executable; fix or replace the emulator \//,
        ],
        [
          'is built for another machine',
          (file: string) => fs.writeFileSync(file, probeExecutable(guest.architecture), { mode: 0o755 }),
          /is built for a different CPU architecture; fix or replace the emulator \//,
        ],
        [
          'is not executable',
          (file: string) => {
            fs.copyFileSync(emulator, file);
            fs.chmodSync(file, 0o644);
          },
          /is not executable; sudo chmod \+x \//,
        ],
        ['is a FIFO', (file: string) => must('mkfifo', [file]), /not a regular file/],
        ['does not exist', () => undefined, /qemu-\S+ not found in \S+; set QEMU_BINARY_PATH to the directory/],
        [
          'crashes',
          (file: string) => fs.copyFileSync(crashingEmulator(), file),
          / does not run: the emulator crashes.* \(probe: SIG(ILL|TRAP)[^)]*\); use other emulators: set QEMU_BINARY_PATH /,
        ],
      ] as const
    ).map((each, i) => [...each, foreign[i] as Architecture] as const);
    const good = emulatorOf(foreign[cases.length] as Architecture);
    let installed: Ended;
    let left: readonly string[];

    before(() => {
      clearEntries();
      const dir = scratch();
      fs.copyFileSync(path.join(EMULATORS, good), path.join(dir, good));
      for (const [, prepare, , architecture] of cases) prepare(path.join(dir, emulatorOf(architecture)));
      const missing = cases.filter(([what]) => what === 'does not exist').map(([, , , { name: each }]) => each);
      installed = binfmt(['--install', ['all', ...missing].join()], { QEMU_BINARY_PATH: dir });
      left = entryNames();
    });

    for (const [what, , line, architecture] of cases) {
      it(`refuses one that ${what}, and names cause and remedy in one line`, () => {
        const [said = '', ...more] = lineAbout(architecture, installed);
        expect(said).to.match(line);
        expect(more).to.deep.equal([]);
      });
    }

    it('registers that one, prints it as the only entry that is left, and exits with 1', () => {
      expect(installed.exit).to.equal(1);
      expect(lastLine(installed.stderr)).not.to.contain(' OK');
      expect(statusIn(installed).emulators).to.deep.equal([good]);
      expect(left).to.deep.equal([good]);
    });
  });

  it('keeps a working entry if the newer emulator does not run', () => {
    registerForeign(entry, name, olderEmulator, 'POCF');
    const before = entryText(entry);
    const source = `#include <stdio.h>
      #include <stdlib.h>
      int main(void) { if (getenv("QEMU_VERSION")) { puts("${entry} version 99.0"); return 0; } return 3; }`;
    const installed = installing([], { QEMU_BINARY_PATH: directoryWith(compile(source, ['-static'])) });
    expect(installed.exit).to.equal(1);
    expect(installed.stderr).to.match(
      new RegExp(
        `^installing: ${name} kept the existing entry, because the new emulator does not run: the emulator exited with status 3 \\(probe: [^()]*\\); use other emulators: set QEMU_BINARY_PATH .*\n$`,
      ),
    );
    expect(statusIn(installed).supported).to.include(platform);
    expect(entryText(entry)).to.equal(before);
    expect(entryNames()).to.deep.equal([entry]);
  });

  it('leaves an entry whose emulator gets no time of the processor, and says so', async () => {
    const allowed = allowedProcessor();
    registerForeign(entry, name, starvedEmulator(allowed), 'F');
    const busy = await busyShells(allowed);
    try {
      const ended = installing();
      expect(ended.stderr).to.match(/could not be run, because .* \(processor time\)/);
      expect(ended.exit).to.equal(1);
      expect(entryText(entry)).to.contain('flags: F\n');
    } finally {
      for (const each of busy) each.kill();
    }
  });

  it('waits for an emulator that gets no time of the processor at first', async () => {
    const allowed = allowedProcessor();
    const emulator = starvedEmulator(allowed);
    registerForeign(entry, name, emulator, 'F');
    const busy = await busyShells(allowed);
    const calling = started(PROGRAM, ['--install', name], { QEMU_BINARY_PATH: EMULATORS });
    const tries = new Set<string>();
    const lookForTries = () => {
      const pids = shell(`find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname ${emulator} || true`).stdout;
      for (const pid of pids.split('\n').filter(Boolean)) tries.add(pid);
      return tries.size > 2;
    };
    try {
      await until(lookForTries, 'a third try');
    } finally {
      for (const each of busy) each.kill();
    }
    const { exit, stderr } = await calling;
    // It has been judged: it is no emulator.
    expect(stderr).to.equal(`installing: ${name} OK (replaced an entry that did not work)\n`);
    expect(exit).to.equal(0);
  });

  it('accepts a relative directory of emulators', () => {
    const relative = path.relative('/', EMULATORS);
    const ended = shell(`cd /; QEMU_BINARY_PATH=${relative} ${PROGRAM} --version`);
    expect(ended.stdout).to.contain(` qemu/${shippedVersion()} `);
  });

  it('continues after a failure, prints it last, and exits with 1', () => {
    const installed = binfmt(['--install', `nonsense,${name},${wantedVariant}`]);
    expect(installed.exit).to.equal(1);
    expect(installed.stderr.split('\n').slice(0, 2)).to.deep.equal([
      `installing: ${name} OK`,
      `installing: ${variantGuest.name} OK`,
    ]);
    expect(lastLine(installed.stderr)).to.contain('installing: nonsense unknown platform: "nonsense"');
    expect(statusIn(installed).supported).to.include.members([platform, wantedVariant]);
  });

  it('removes what a killed call has left, but not what another call may be using', () => {
    registerForeign(entry, name, path.join(EMULATORS, entry), 'POCF');
    registerForeign(`${entry}-trial-1`, name, path.join(EMULATORS, entry), 'F');
    registerForeign(`${guest2.emulator}-trial-2`, guest2.name, path.join(EMULATORS, guest2.emulator), 'F');
    writeEntry('register', ':binfmt-test-8-abc:E::binfmt-test-8-abc::/nonexistent:');
    const [left, used] = ['left', 'used'].map(() => fs.mkdtempSync(path.join(os.tmpdir(), 'binfmt-probe-')));
    fs.writeFileSync(path.join(left ?? '', guest.name), '');
    const longAgo = new Date(Date.now() - 600_000);
    for (const each of [path.join(MOUNT, `${entry}-trial-1`), path.join(MOUNT, 'binfmt-test-8-abc'), left ?? ''])
      fs.utimesSync(each, longAgo, longAgo);
    expect(installing().stderr).to.equal(`installing: ${name} OK (already registered, QEMU ${shippedVersion()})\n`);
    expect(entryNames()).to.have.members([entry, `${guest2.emulator}-trial-2`]);
    expect([left, used].map((each) => fs.existsSync(each ?? ''))).to.deep.equal([false, true]);
    fs.rmSync(used ?? '', { recursive: true });
  });

  for (const [ends, source, cause] of [
    [
      'by SIGILL',
      '#include <signal.h>\nint main(void) { raise(SIGILL); return 42; }',
      /the emulator crashes\. The processor may be older than this emulator needs/,
    ],
    ['with the exit status of SIGILL in a shell', 'int main(void) { return 128 + 4; }', /exit status 132/],
  ] as const) {
    it(`fails if the emulator ends ${ends}, whether it is registered already or not, and says why`, () => {
      const file = compile(source, ['-static']);
      const env = { QEMU_BINARY_PATH: directoryWith(file) };
      for (const prepare of [() => {}, () => registerForeign(entry, name, file, 'POCF')]) {
        prepare();
        const ended = installing([], env);
        expect(ended.exit).to.equal(1);
        expect(ended.stderr).not.to.contain(' OK');
        expect(lastLine(ended.stderr)).to.match(cause);
        expect(statusIn(ended).supported).not.to.include(platform);
      }
    });
  }

  it('fails if the emulator does not reach the variant that was asked for', () => {
    const { higher, lower, lowerStatus } = variantGuest;
    registerForeign('lesser', variantGuest.name, emulatorExiting(lowerStatus), 'F');
    const installed = binfmt(['--install', wantedVariant]);
    expect(installed.exit).to.equal(1);
    expect(lastLine(installed.stderr)).to.contain(
      `you asked for v${higher}, but the emulator only goes up to v${lower}`,
    );
    expect(statusIn(installed).supported).not.to.include(wantedVariant);
  });

  for (const [architecture, level] of native) {
    const more = Object.values(architecture.levels ?? {}).find((each) => level !== undefined && each > level);
    if (more === undefined) continue;
    it(`reports that this processor does not run linux/${architecture.name}/v${more}`, () => {
      const installed = binfmt(['--install', `${architecture.name}/v${more}`]);
      expect(installed.exit).to.equal(1);
      expect(lastLine(installed.stderr)).to.contain(
        `does not run: you asked for v${more}, but this machine's processor only goes up to v${level}`,
      );
    });
  }

  it('fails with a hint if there are no emulators at all', () => {
    const installed = binfmt(['--install', 'all'], { QEMU_BINARY_PATH: scratch() });
    expect(installed.exit).to.equal(1);
    expect(lastLine(installed.stderr)).to.match(
      /^installing: all there is no qemu-\* emulator in \/.*; set QEMU_BINARY_PATH /,
    );
  });

  it('uses the prefix in the names of entry and file, in a directory with unusual characters', () => {
    const dir = path.join(scratch(), 'a:b|c d');
    fs.mkdirSync(dir);
    fs.copyFileSync(emulator, path.join(dir, `my-${entry}`));
    const env = { QEMU_BINARY_PATH: dir, QEMU_BINARY_PREFIX: 'my-' };
    expect(installing([], env)).to.include({ stderr: `installing: ${name} OK\n`, exit: 0 });
    expect(entryNames()).to.deep.equal([`my-${entry}`]);
    expect(entryText(`my-${entry}`)).to.contain(`interpreter ${dir}/my-${entry}\n`);
    expect(binfmt(['--uninstall', name], env).stderr).to.equal(`uninstalling: my-${entry} OK\n`);
  });

  const calls = long ? 6 : 3;
  it(`succeeds if ${calls} installations run at the same time`, async () => {
    const wanted = [guest, guest2, guest3];
    const args = ['--install', wanted.map((each) => each.name).join()];
    const one = () => started(PROGRAM, args, { QEMU_BINARY_PATH: EMULATORS });
    for (const { exit, stderr } of await Promise.all(Array.from({ length: calls }, one))) {
      expect(stderr).to.match(/^(installing: \w+ OK.*\n){3}$/);
      expect(exit).to.equal(0);
    }
    expect(entryNames()).to.have.members(wanted.map((each) => each.emulator));
  });
});

describe('install when the machine is short of something', function () {
  this.timeout(120_000);
  beforeEach(clearEntries);
  after(clearEntries);
  const installingWith = (limit: string, list: string) =>
    shell(`exec unshare --mount bash -euc '${limit}; exec ${PROGRAM} --install ${list}'`, {
      ...{ TMPDIR: scratch(), QEMU_BINARY_PATH: EMULATORS },
    });

  it('probes in memory when every place for temporary files is full', () => {
    const fill = `for dir in $TMPDIR /dev/shm /run; do
        mount -t tmpfs -o size=8k full $dir; head -c 8192 /dev/zero >$dir/fill
        if echo >$dir/more; then exit 99; fi
      done 2>/dev/null`;
    const ended = installingWith(fill, `${name},${guest2.name}`);
    expect(ended).to.include({ stderr: `installing: ${name} OK\ninstalling: ${guest2.name} OK\n`, exit: 0 });
    expect(statusIn(ended).supported).to.include.members([platform, guest2.platform]);
  });

  it('makes do with 24 file descriptors, and finds nothing left to do where all are registered', () => {
    for (const each of foreign)
      registerForeign(emulatorOf(each), each.name, path.join(EMULATORS, emulatorOf(each)), 'POCF');
    const ended = installingWith('ulimit -n 24', 'all');
    for (const each of foreign) {
      const line = `installing: ${each.name} OK (already registered, QEMU ${shippedVersion()})`;
      expect(lineAbout(each, ended)).to.deep.equal([line]);
    }
    expect(ended.exit, ended.stderr).to.equal(0);
  });

  it('fails, and leaves all entries, when it may write no file at all', () => {
    for (const each of [guest, guest2])
      registerForeign(each.emulator, each.name, path.join(EMULATORS, each.emulator), 'POCF');
    const before = entryNames();
    const ended = installingWith('ulimit -f 0', 'all');
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.contain('EFBIG');
    expect(entryNames()).to.deep.equal(before);
  });
});

/** `--install LIST --after NAME`: another entry stays in front. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { probeExecutable } from '../../src/core/binfmt/probe-executable.js';
import { PROBE_SUCCESS } from '../../src/core/platform/architectures.js';
import { parseQemuVersion } from '../../src/core/version.js';
import { commandsIn, pasted, problemIn, reportIn } from '../support/doctor.js';
import { clearEntries, entryNames, entryText, MOUNT, registerForeign, writeEntry } from '../support/kernel.js';
import { long } from '../support/long.js';
import { guest, guest2, guest3 } from '../support/machine.js';
import {
  binfmt,
  binfmtAlone,
  EMULATORS,
  lastLine,
  OLDER_EMULATORS,
  olderVersion,
  PROGRAM,
  run,
  shell,
  shippedVersion,
  statusIn,
} from '../support/program.js';
import { crashingEmulator, dynamicEmulator } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const { name, platform, emulator: entry } = guest;
const shipped = path.join(EMULATORS, entry);
const older = path.join(OLDER_EMULATORS, entry);
const behind = (front: string) => binfmt(['--install', name, '--after', front]);

const program = path.join(scratch(), 'program');
fs.writeFileSync(program, probeExecutable(guest.architecture), { mode: 0o755 });
/** The version of QEMU in the entry that the kernel takes; undefined if the emulator there is not QEMU. */
const winner = () => parseQemuVersion(run(program, [], { QEMU_VERSION: '1' }).stdout);

describe('install --after', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  it('registers behind an entry, leaves that as it was, and installs the rest of the list as usual', () => {
    registerForeign('rosetta', name, older, 'PF');
    const before = entryText('rosetta');
    const installed = binfmt(['--install', `${name},${guest2.name}`, '--after', 'rosetta']);
    expect(installed).to.include({
      stderr: `installing: ${name} OK (rosetta takes precedence)\ninstalling: ${guest2.name} OK\n`,
      exit: 0,
    });
    expect(statusIn(installed).emulators).to.have.members(['rosetta', entry, guest2.emulator]);
    expect(statusIn(installed).supported).to.include.members([platform, guest2.platform]);
    expect(entryText('rosetta')).to.equal(before);
    expect(entryNames()).to.have.members(['rosetta', entry, guest2.emulator]);
    expect(winner()).to.equal(olderVersion());
  });

  it('gives the same when it is repeated', () => {
    registerForeign(entry, name, shipped, 'POCF');
    registerForeign('rosetta', name, older, 'OCF');
    const before = entryText('rosetta');
    expect(behind('rosetta')).to.include({ stderr: `installing: ${name} OK (rosetta takes precedence)\n`, exit: 0 });
    expect(winner()).to.equal(olderVersion());
    expect(entryText('rosetta')).to.equal(before);
    expect(entryNames()).to.have.members(['rosetta', entry]);
  });

  it('is what doctor advises for an entry that is behind, and what doctor advises then gives the other one', () => {
    registerForeign('rosetta', name, older, 'F');
    registerForeign(entry, name, shipped, 'POCF');
    expect(winner()).to.equal(shippedVersion());
    const advised = () => commandsIn(problemIn('shadowed', reportIn(binfmt(['doctor', '--json', name]))));
    const [command = ''] = advised();
    expect(command).to.contain(`--install ${name} --after rosetta`);
    expect(pasted(command).exit).to.equal(0);
    expect(winner()).to.equal(olderVersion());
    const [force = ''] = advised();
    expect(pasted(force).exit).to.equal(0);
    expect(winner()).to.equal(shippedVersion());
  });

  describe('refuses, and changes nothing, if the entry', () => {
    const dir = scratch();
    const copy = path.join(dir, 'emulator');
    const cases: readonly (readonly [string, () => void, RegExp])[] = [
      ['does not exist', () => undefined, /there is no entry of that name/],
      [
        'is disabled',
        () => {
          registerForeign('front', name, older, 'F');
          writeEntry('front', '0');
        },
        /it is disabled/,
      ],
      [
        'takes no such programs',
        () => registerForeign('front', guest3.name, older, 'F'),
        /does not match programs of the platforms/,
      ],
      [
        'matches by extension',
        () => writeEntry('register', `:front:E::xyz::${older}:F`),
        /does not match programs by magic bytes/,
      ],
      [
        'has an emulator that is not there any more',
        () => {
          fs.copyFileSync(older, copy);
          registerForeign('front', name, copy, 'F');
          fs.rmSync(copy);
        },
        /cannot be reached from here: /,
      ],
      [
        'has an emulator that is another file by now',
        () => {
          fs.copyFileSync(older, copy);
          registerForeign('front', name, copy, 'F');
          fs.rmSync(copy);
          fs.copyFileSync(path.join(EMULATORS, entry), copy);
        },
        /no longer the one that the kernel keeps open/,
      ],
    ];
    for (const [what, prepare, reason] of cases) {
      it(what, () => {
        prepare();
        const before = entryNames().map((each) => [each, entryText(each)]);
        const ended = behind('front');
        expect(lastLine(ended.stderr))
          .to.match(/^installing: front "front" cannot take precedence: /)
          .and.match(reason);
        expect(ended.exit).to.equal(1);
        expect(entryNames().map((each) => [each, entryText(each)])).to.deep.equal(before);
      });
    }

    it('is hidden, and its emulator does not run', () => {
      registerForeign('front', name, crashingEmulator(), 'F');
      registerForeign(entry, name, shipped, 'POCF');
      const ended = behind('front');
      expect(lastLine(ended.stderr)).to.contain('does not run when it is registered again');
      expect(winner()).to.equal(shippedVersion());
      expect(entryNames()).to.have.members(['front', entry]);
    });
  });

  it('says how a container can reach an emulator that only the host has', () => {
    const dir = scratch();
    fs.copyFileSync(older, path.join(dir, 'rosetta'));
    registerForeign('rosetta', name, path.join(dir, 'rosetta'), 'F');
    // What a container would see of that directory: nothing.
    const inside = (prepare: string) =>
      shell(
        `exec unshare --mount bash -euc '${prepare}; exec ${PROGRAM} --install ${name} --after rosetta >/dev/null'`,
        { QEMU_BINARY_PATH: EMULATORS, BINFMT_IMAGE: 'binfmt' },
      );
    const refused = inside(`mount -t tmpfs none ${dir}`);
    expect(refused.exit).to.equal(1);
    expect(lastLine(refused.stderr)).to.match(
      new RegExp(
        `; with its directory: docker run --privileged -v ${dir}:${dir}:ro .*--install ${name} --after rosetta$`,
      ),
    );
    const reached = inside(`mount --bind ${dir} ${dir}; mount -o remount,bind,ro ${dir}`);
    expect(reached).to.include({ exit: 0, stderr: `installing: ${name} OK (rosetta takes precedence)\n` });
    // The mount through which the kernel opened it is gone by now.
    expect(winner()).to.equal(olderVersion());
    expect(run(program, []).exit).to.equal(PROBE_SUCCESS);
  });

  it('keeps an entry in front whose emulator only the host can run, as before', () => {
    registerForeign('front', name, dynamicEmulator(), 'F');
    expect(behind('front').exit).to.equal(0);
    expect(winner()).to.equal(undefined);
    expect(run(program, []).exit).to.equal(PROBE_SUCCESS);
  });

  it('keeps an entry without flag F in front, whose emulator need not be reached', () => {
    registerForeign('front', name, '/nonexistent/emulator', '');
    const before = entryText('front');
    expect(behind('front').exit).to.equal(0);
    expect(entryText('front')).to.equal(before);
  });

  it('does not register the emulator if it does not run, and leaves the order', () => {
    registerForeign('front', name, older, 'F');
    const dir = scratch();
    fs.copyFileSync(crashingEmulator(), path.join(dir, entry));
    const ended = binfmt(['--install', name, '--after', 'front'], { QEMU_BINARY_PATH: dir });
    expect(ended.exit).to.equal(1);
    expect(entryNames()).to.deep.equal(['front']);
  });

  it('gives an entry its name back that a killed call has left under another one', () => {
    registerForeign('front-binfmt-copy-7', name, older, 'POCF');
    registerForeign('used-binfmt-copy-8', guest2.name, path.join(OLDER_EMULATORS, guest2.emulator), 'F');
    const longAgo = new Date(Date.now() - 600_000);
    fs.utimesSync(path.join(MOUNT, 'front-binfmt-copy-7'), longAgo, longAgo);
    expect(binfmt(['--install', name]).stderr).to.equal(
      `installing: ${name} OK (already runs through front, left alone)\n`,
    );
    expect(entryNames()).to.have.members(['front', 'used-binfmt-copy-8']);
    expect(entryText('front')).to.contain(`interpreter ${older}\nflags: POCF\n`);
  });

  it('uses no name that a call in another PID namespace may have, where processes have the same ids', () => {
    registerForeign('rosetta', name, older, 'PF');
    const used = Array.from({ length: 30 }, (_, id) => `rosetta-binfmt-copy-${id}`);
    for (const each of used) writeEntry('register', `:${each}:E::${each}::/nonexistent:`);
    const installed = binfmtAlone(['--install', name, '--after', 'rosetta']);
    expect(installed).to.include({ stderr: `installing: ${name} OK (rosetta takes precedence)\n`, exit: 0 });
    expect(entryNames()).to.have.members(['rosetta', entry, ...used]);
  });

  it('loses nothing if it is killed at any moment', () => {
    const started = performance.now();
    registerForeign('front', name, older, 'F');
    behind('front');
    const duration = performance.now() - started;
    // At first it only starts.
    const tries = long ? 24 : 3;
    for (let i = 0; i < tries; i++) {
      clearEntries();
      registerForeign('front', name, older, 'F');
      const delay = duration * (0.4 + (0.6 * (i + Math.random())) / tries);
      spawnSync('timeout', ['--signal=KILL', `${delay / 1000}`, PROGRAM, '--install', name, '--after', 'front'], {
        env: { ...process.env, QEMU_BINARY_PATH: EMULATORS },
      });
      const left = entryNames().filter((each) => each === 'front' || each.startsWith('front-binfmt-copy-'));
      expect(left, `after ${delay} ms`).not.to.deep.equal([]);
      for (const each of left) expect(entryText(each)).to.contain(`interpreter ${older}\nflags: F\n`);
    }
  }).timeout(300_000);
});

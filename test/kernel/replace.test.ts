/** An entry that works is replaced, and the kernel refuses the new one when the old one is gone already. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { registerProblem } from '../../src/core/doctor/mount-errors.js';
import type { InstallResult } from '../../src/core/install/plan.js';
import { renderLine, reportBatch } from '../../src/core/report/render.js';
import { register } from '../../src/system/binfmt/entries.js';
import { undoAll } from '../../src/system/cleanup.js';
import { installPlatforms } from '../../src/system/install/install.js';
import type { System } from '../../src/system/system.js';
import { takeSnapshot } from '../../src/system/take-snapshot.js';
import { clearEntries, entryNames, entryText, MOUNT, registerForeign } from '../support/kernel.js';
import { guest } from '../support/machine.js';
import { binfmt, EMULATORS, OLDER_EMULATORS, olderVersion, shippedVersion, statusIn } from '../support/program.js';
import { scratch } from '../support/scratch.js';
import { withSystem } from '../support/system.js';

const { architecture, name, platform, emulator: entry } = guest;
const emulator = path.join(EMULATORS, entry);
const older = path.join(OLDER_EMULATORS, entry);
const OPTIONS = { credentials: true, preserveArgv0: true, force: false, keep: false };
const TRIAL = new RegExp(`^${entry}-trial-\\d+-\\w+$`);

interface Upgrade {
  readonly result?: InstallResult;
  /** What the user would see. */
  readonly line: string;
  readonly exit: number;
  readonly entries: readonly string[];
}

/** Installs while the kernel refuses the entry under its own name, so many times. */
function upgradeRefused(times: number, whileRefused = () => {}): Promise<Upgrade> {
  return withSystem(async (system: System) => {
    let left = times;
    const before = await takeSnapshot(system, { probes: [architecture], emulators: true });
    const request = { platforms: [{ architecture }], options: OPTIONS, before, lasting: 'yes' } as const;
    const { results, after } = await installPlatforms(
      {
        ...request,
        register: async (registration) => {
          if (registration.name !== entry || left-- <= 0) {
            return register(MOUNT, registration, system.host.ownPrograms);
          }
          whileRefused();
          return registerProblem(registration, 'ENFILE');
        },
      },
      system,
    );
    // As at the end of each call.
    undoAll();
    const [result] = results;
    const { lines, exit } = reportBatch('installing', [{ subject: name, ...result }]);
    const line = lines.map((each) => renderLine(each, system.invocation)).join('\n');
    return { result, line, exit, entries: after.entries.map((each) => each.name) };
  });
}

describe('install when the kernel refuses an entry whose place is free already', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  it('registers the old entry again, as it was, and fails', async () => {
    registerForeign(entry, name, older, 'PF');
    const before = entryText(entry);
    const { line, exit, entries } = await upgradeRefused(1);
    expect(line).to.match(
      new RegExp(`^installing: ${name} kept the existing entry: cannot register ${entry} .*ENFILE`),
    );
    expect(exit).to.equal(1);
    expect(entryNames()).to.deep.equal([entry]);
    expect(entries).to.deep.equal([entry]);
    expect(entryText(entry)).to.equal(before);
    expect(statusIn(binfmt([])).supported).to.include(platform);
  });

  it('leaves the entry of the trial if that is refused too, and the next call gives it its name', async () => {
    registerForeign(entry, name, older, 'POCF');
    const { line, exit, entries } = await upgradeRefused(Number.POSITIVE_INFINITY);
    const [trial = '', ...more] = entryNames();
    expect(trial).to.match(TRIAL);
    expect(more).to.deep.equal([]);
    expect(entries).to.deep.equal([trial]);
    expect(line).to.equal(
      `installing: ${name} "${entry}" could not be registered (ENFILE); the same entry works under the name "${trial}", and the next call with --install or --uninstall gives it its own name back`,
    );
    expect(exit).to.equal(1);
    expect(statusIn(binfmt([])).supported).to.include(platform);
    expect(binfmt(['--install', name])).to.include({
      stderr: `installing: ${name} OK (already registered, QEMU ${shippedVersion()})\n`,
      exit: 0,
    });
    expect(entryNames()).to.deep.equal([entry]);
    expect(entryText(entry)).to.contain(`interpreter ${emulator}\nflags: POCF\n`);
  });

  it('leaves the entry of the trial if the old one does not run when it is registered again', async () => {
    const file = path.join(scratch(), entry);
    fs.copyFileSync(older, file);
    registerForeign(entry, name, file, 'POCF');
    const { exit } = await upgradeRefused(1, () => {
      fs.rmSync(file);
      fs.copyFileSync('/bin/false', file);
    });
    expect(exit).to.equal(1);
    const [left = '', ...more] = entryNames();
    expect(left).to.match(TRIAL);
    expect(more).to.deep.equal([]);
    expect(statusIn(binfmt([])).supported).to.include(platform);
    expect(binfmt(['--uninstall', name]).stderr).to.equal(`uninstalling: ${entry} OK\n`);
    expect(entryNames()).to.deep.equal([]);
  });

  it('leaves the entry of the trial if a signal ends the program then', async () => {
    registerForeign(entry, name, older, 'POCF');
    let left: readonly string[] = [];
    await upgradeRefused(1, () => {
      undoAll();
      left = entryNames();
    });
    expect(left.join()).to.match(TRIAL);
  });

  it('leaves what another process has registered in that place meanwhile', async () => {
    registerForeign(entry, name, older, 'POCF');
    const { result } = await upgradeRefused(1, () => registerForeign(entry, name, older, 'PF'));
    expect(result).to.have.nested.property('note.kind', 'runs-anyway');
    expect(entryNames()).to.deep.equal([entry]);
    expect(entryText(entry)).to.contain('flags: PF\n');
  });
});

describe('an entry that a killed call was trying', () => {
  const left = `${entry}-trial-7-abc`;
  const makeOld = (file: string) => {
    const longAgo = new Date(Date.now() - 600_000);
    fs.utimesSync(path.join(MOUNT, file), longAgo, longAgo);
  };
  beforeEach(clearEntries);
  after(clearEntries);

  it('gets its own name if that is free: the old entry is gone', () => {
    registerForeign(left, name, emulator, 'POCF');
    makeOld(left);
    expect(binfmt(['--install', name]).stderr).to.contain(`already registered, QEMU ${shippedVersion()}`);
    expect(entryNames()).to.deep.equal([entry]);
  });

  it('is removed if its name is taken', () => {
    registerForeign(entry, name, older, 'POCF');
    registerForeign(left, name, emulator, 'POCF');
    makeOld(left);
    expect(binfmt(['--install', name, '--keep']).stderr).to.contain(`kept QEMU ${olderVersion()}`);
    expect(entryNames()).to.deep.equal([entry]);
  });

  it('stays if its emulator would not run under that name', () => {
    const file = path.join(scratch(), entry);
    fs.copyFileSync(emulator, file);
    registerForeign(left, name, file, 'POCF');
    fs.rmSync(file);
    fs.copyFileSync('/bin/false', file);
    makeOld(left);
    expect(binfmt(['--install', name]).stderr).to.contain(`already runs through ${left}`);
    expect(entryNames()).to.deep.equal([left]);
  });

  it('is removed if its file had not got its own name on the host yet', () => {
    const file = path.join(scratch(), '.binfmt-0123456789abcdef.new');
    fs.copyFileSync(emulator, file);
    registerForeign(left, name, file, 'POCF');
    makeOld(left);
    expect(binfmt(['--install', name]).stderr).to.equal(`installing: ${name} OK\n`);
    expect(entryNames()).to.deep.equal([entry]);
    expect(entryText(entry)).to.contain(`interpreter ${emulator}\n`);
  });
});

/**
 * The machine on which a fault is tried: a private binfmt_misc (test/run), with entries of others, and emulators of an
 * earlier installation. What is looked at before and after a try is here; what must hold is in promises.ts.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Architecture, PROBE_SUCCESS } from '../../src/core/platform/architectures.js';
import { clearEntries, entryNames, entryText, writeEntry } from '../support/kernel.js';
import { foreign } from '../support/machine.js';
import { binfmt, EMULATORS, OLDER_EMULATORS, PROGRAM, ROOT, run } from '../support/program.js';

/** Emulated here, and in the image: what a try installs is chosen from these. */
export const candidates = foreign.filter(({ inImage }) => inImage).slice(0, 6);

/** Entries of others: one that matches by extension, one with blanks in its name, and a disabled one. */
const OTHERS = [
  ':others-jar:E::binfmt-campaign-jar::/bin/true:',
  ':others name (1)+:M::BinfmtCampaign::/bin/true:POC',
  ':others-disabled:E::binfmt-campaign-off::/bin/false:',
];

export interface Picture {
  /** Text by name: every entry that is not an emulator's. */
  readonly others: ReadonlyMap<string, string>;
  readonly entries: readonly string[];
  readonly mounts: readonly string[];
  /** Command lines of binfmt, of its launcher, and of emulators. */
  readonly processes: readonly string[];
  /** Directories and files that binfmt makes. */
  readonly files: readonly string[];
}

/** Before each try. `earlier`: an older QEMU is registered for each candidate, as an upgrade finds it. */
export function prepare({ earlier }: { readonly earlier: boolean }): void {
  clearEntries();
  for (const line of OTHERS) writeEntry('register', line);
  writeEntry('others-disabled', '0');
  if (!earlier) return;
  const { exit, stderr } = binfmt(['--install', candidates.map(({ name }) => name).join()], {
    QEMU_BINARY_PATH: OLDER_EMULATORS,
  });
  if (exit !== 0) throw new Error(stderr);
}

export function look(): Picture {
  const entries = entryNames();
  const others = entries.filter((name) => name.startsWith('others'));
  return {
    entries,
    others: new Map(others.map((name) => [name, entryText(name)])),
    // The engine's own come and go.
    mounts: fs
      .readFileSync('/proc/self/mountinfo', 'utf8')
      .trim()
      .split('\n')
      .filter((line) => !line.includes('/docker/')),
    processes: processes(),
    files: [os.tmpdir(), '/dev/shm', '/run'].flatMap(filesIn),
  };
}

function filesIn(dir: string): string[] {
  if (!fs.existsSync(dir)) return [];
  const names = fs.readdirSync(dir).filter((name) => /^binfmt(-probe|\.sock)/.test(name));
  return names.map((name) => path.join(dir, name));
}

function processes(): string[] {
  const pattern = `^(${PROGRAM}|${ROOT}/dist/|${EMULATORS}|${OLDER_EMULATORS}|${os.tmpdir()}/binfmt-test-|node .*${ROOT}/dist)`;
  return run('pgrep', ['--list-full', '--full', pattern]).stdout.trim().split('\n').filter(Boolean);
}

/** Does a program of this architecture run, now? Asked without the program under test. */
export function runsNow({ name, levels }: Architecture): boolean {
  const { status } = spawnSync(path.join(ROOT, 'dist/probes', name), { timeout: 10_000 });
  return levels ? Object.hasOwn(levels, status ?? '') : status === PROBE_SUCCESS;
}

/**
 * Removes what calls of binfmt have left that were killed with SIGKILL: an entry that was being tried, or
 * showed whether entries last, and the directory of test programs. An entry that is needed gets its own name instead. What is
 * not older than a call can take stays: another call may be working with it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { isTestEntry } from '../../core/install/temporary-names.js';
import { unregister } from '../binfmt/entries.js';
import { isDirectory } from '../host/files.js';
import { PROBE_DIRECTORY } from '../probing/probe-directory.js';
import { PARENTS } from '../probing/prober.js';
import type { System } from '../system.js';
import { finishLeft } from './stand-in.js';

const OLD = 5 * 60_000; // milliseconds

export async function removeLeftovers(system: System): Promise<void> {
  const { binfmt, prober } = system;
  if (binfmt.kind !== 'writable') return;
  const { dir } = binfmt;
  const isLeft = (name: string) => isOld(path.join(dir, name));
  const left = namesIn(dir).filter((name) => isTestEntry(name) && isLeft(name));
  for (const name of left) unregister(dir, name);
  const finished = await finishLeft(system, isLeft);
  // The first test programs may have run through one of them.
  if (left.length > 0 || finished) await prober.forget();
  for (const parent of PARENTS) {
    const directories = namesIn(parent).filter((name) => PROBE_DIRECTORY_NAME.test(name));
    for (const name of directories) removeDirectory(path.join(parent, name));
  }
}

/** mkdtemp(3) makes the last six characters. */
const PROBE_DIRECTORY_NAME = new RegExp(`^${PROBE_DIRECTORY}\\w{6}$`);

/** It may be on a file system that cannot be written any more. Then it stays, and is no obstacle. */
function removeDirectory(directory: string): void {
  try {
    if (isDirectory(directory) && isOld(directory)) fs.rmSync(directory, { recursive: true, force: true });
  } catch {
    // The next call tries again.
  }
}

function namesIn(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
}

/** And this user's own: in a directory for all, another user may have made another one of that name. */
function isOld(file: string): boolean {
  const found = fs.lstatSync(file, { throwIfNoEntry: false });
  return found !== undefined && found.uid === process.geteuid?.() && Date.now() - found.mtimeMs > OLD;
}

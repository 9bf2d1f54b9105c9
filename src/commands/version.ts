/** `binfmt --version`: the revision of this program, and the versions of QEMU and Node.js. */
import { type EmulatorFolder, findEmulators } from '../system/emulators.js';
import type { Launcher } from '../system/launcher.js';
import { lookAtMachine } from '../system/machine.js';
import { askVersions } from '../system/snapshot.js';
import type { Report } from './report.js';

/** Replaced by the build (see package.json, script "build"). */
declare const REVISION: string;

export async function version(folder: EmulatorFolder, launcher: Launcher): Promise<Report> {
  const [first] = findEmulators(folder, lookAtMachine()).values();
  const [qemu = 'none'] = await askVersions(first ? [first.path] : [], launcher);
  return { stdout: `binfmt/${REVISION} qemu/${qemu} node/${process.versions.node}\n`, lines: [], exit: 0 };
}

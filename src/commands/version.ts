/** `binfmt --version`: the revision of this program, and the versions of QEMU and Node.js. */
import { type EmulatorFolder, findEmulators } from '../system/emulators.js';
import type { Launcher } from '../system/launcher.js';
import { lookAtMachine } from '../system/machine.js';
import { askVersions } from '../system/snapshot.js';
import type { Report } from './report.js';

export async function version(revision: string, folder: EmulatorFolder, launcher: Launcher): Promise<Report> {
  const machine = lookAtMachine();
  const [first] = findEmulators(folder, machine).values();
  const [qemu = 'none'] = await askVersions(first ? [first.path] : [], { launcher, machine });
  return { stdout: `binfmt/${revision} qemu/${qemu} node/${process.versions.node}\n`, lines: [], exit: 0 };
}

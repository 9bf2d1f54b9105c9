/** `binfmt --version`. */
import type { Emulator } from '../../core/binfmt/snapshot.js';
import { architectures } from '../../core/platform/architectures.js';
import type { Report } from '../../core/report/report-lines.js';
import { findEmulator, readVersions } from '../../system/host/emulators.js';
import type { Setup } from '../../system/system.js';
import { askVersions } from '../../system/take-snapshot.js';
import type { Context } from '../command.js';

export async function version({ build, setup }: Context): Promise<Report> {
  const first = firstEmulator(setup);
  const [qemu = 'none'] = first?.version ? [first.version] : await askVersions(first ? [first.path] : [], setup);
  const { version, revision, node } = build;
  return { stdout: `binfmt/${version} (${revision}) qemu/${qemu} node/${node}\n`, lines: [], exit: 0 };
}

/** All have the same version. */
function firstEmulator({ emulatorDirectory, host }: Setup): Emulator | undefined {
  const versions = readVersions(emulatorDirectory.path);
  for (const architecture of architectures) {
    const emulator = findEmulator(architecture, emulatorDirectory, host, versions);
    if (emulator) return emulator;
  }
  return undefined;
}

/**
 * Lets every container read the emulators. SELinux keeps the files of a container from other containers, and the kernel looks at
 * the label of an emulator whenever it starts one, with flag F too.
 */
import fs from 'node:fs';
import path from 'node:path';
import { isPrivateDirectory } from '../../core/binfmt/procfs.js';
import { categoriesOf, withoutCategories } from '../../core/binfmt/selinux-label.js';
import type { EmulatorDirectory } from '../host/emulators.js';
import { besideProgram, readText } from '../host/files.js';
import { selinuxEnforces } from '../host/selinux.js';
import type { System } from '../system.js';

/** An empty directory beside the program (src/build.ts). */
const EMPTY = 'empty';

/**
 * Mounts the directory of the emulators over itself with another label, in the mount namespace of this container. The entries
 * keep that mount when the container has ended. If it cannot be done, the label that a probe reports shows that.
 */
export async function openToContainers({ launcher, emulatorDirectory, invocation }: System): Promise<void> {
  if (invocation.kind !== 'image' || !selinuxEnforces()) return;
  const { path: directory } = emulatorDirectory;
  const label = await launcher.labelOf(someEmulator(emulatorDirectory));
  if (categoriesOf(label) === undefined) return;
  // Such characters end a field of the launcher's protocol or of the mount's options.
  if (/[\s:,"\\]/.test(directory) || !isPrivateDirectory(directory, readText('/proc/self/mountinfo'))) return;
  await launcher.relabel(directory, besideProgram(EMPTY), withoutCategories(label));
}

function someEmulator({ path: directory, prefix }: EmulatorDirectory): string {
  try {
    const found = fs.readdirSync(directory).find((name) => name.startsWith(`${prefix}qemu-`));
    return path.join(directory, found ?? '');
  } catch {
    return directory;
  }
}

/**
 * Lets every container read the emulators. SELinux keeps the files of a container from other containers, and the kernel looks at
 * the label of an emulator whenever it starts one, with flag F too.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { categoriesOf, withoutCategories } from '../../core/selinux-label.js';
import type { EmulatorDirectory } from '../host/emulators.js';
import { selinuxEnforces } from '../host/selinux.js';
import type { System } from '../system.js';

/**
 * Mounts the directory of the emulators over itself with another label, in the mount namespace of this container. The entries
 * keep that mount when the container has ended. If it is not permitted, the label that a probe reports shows that.
 */
export async function openToContainers({ launcher, emulatorDirectory, invocation }: System): Promise<void> {
  // Anywhere else the mount would be seen by others.
  if (invocation.kind !== 'image') return;
  const label = selinuxEnforces() ? await launcher.labelOf(someEmulator(emulatorDirectory)) : '';
  // These characters end a field of the launcher's protocol or of the mount's options.
  if (categoriesOf(label) === undefined || /[\s:,"\\]/.test(emulatorDirectory.path)) return;
  let empty: string;
  try {
    empty = fs.mkdtempSync(path.join(os.tmpdir(), 'binfmt-empty-'));
  } catch {
    return;
  }
  await launcher.relabel(emulatorDirectory.path, empty, withoutCategories(label));
  fs.rmdirSync(empty);
}

function someEmulator({ path: directory, prefix }: EmulatorDirectory): string {
  const found = fs.readdirSync(directory).find((name) => name.startsWith(`${prefix}qemu-`));
  return path.join(directory, found ?? '');
}

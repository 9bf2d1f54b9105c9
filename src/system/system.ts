/** What the rest of src/system needs to look at the machine and to change it. */
import path from 'node:path';
import { BINFMT_MISC } from '../core/binfmt/procfs.js';
import type { BinfmtMount } from '../core/binfmt/snapshot.js';
import type { Invocation } from '../core/invocation.js';
import type { Engine } from '../core/namespaces/rootless-engine.js';
import { type MountOptions, openBinfmt } from './binfmt/mount.js';
import type { EmulatorDirectory } from './host/emulators.js';
import { readText } from './host/files.js';
import type { Host } from './host/host.js';
import { inInitialUserNamespace } from './host/namespaces.js';
import type { Launcher } from './probing/launcher.js';
import { createProber, type Prober } from './probing/prober.js';

/** The machine without binfmt_misc. */
export interface Machine {
  readonly host: Host;
  readonly launcher: Launcher;
  readonly prober: Prober;
  readonly emulatorDirectory: EmulatorDirectory;
  readonly invocation: Invocation;
}

export interface System extends Machine {
  readonly binfmt: BinfmtMount;
}

/** What is known before the machine is asked for anything else. */
export type Setup = Omit<Machine, 'prober'>;

export function openMachine(setup: Setup): Machine {
  return { ...setup, prober: createProber(setup.launcher, setup.host.own) };
}

export interface OpenOptions extends MountOptions {
  /** In the namespaces of the user's rootless engine; undefined: in those of binfmt. */
  readonly rootless?: Engine | 'any';
}

/** Also finds or mounts binfmt_misc. `dir` may be relative. */
export async function openSystem(setup: Setup, { dir, rootless, ...options }: OpenOptions): Promise<System> {
  const absolute = dir === undefined ? undefined : path.resolve(dir);
  const sameEntries = rootless === undefined && mountKeepsEntries();
  const binfmt =
    rootless === undefined
      ? await openBinfmt({ dir: absolute, ...options }, setup.launcher)
      : await (await import('./namespaces/rootless.js')).openInEngine(rootless, options, setup.launcher);
  if (binfmt.kind === 'writable' && binfmt.mountedHere && !sameEntries) await setup.launcher.takeFirstOutcomes();
  return { ...openMachine(setup), binfmt };
}

/**
 * Does execve(2) go by the same entries before and after binfmt mounts binfmt_misc? Then what ran while Node.js started is
 * still true, and no emulator is started again. The machine's own user namespace has one list of entries, which is used whether
 * or not it is mounted here; so it was for all namespaces before Linux 6.7. Since then any other user namespace goes by the list
 * of the one around it, until it mounts one of its own. And a mount that loads the kernel module may have been what the
 * machine's configuration waited for, to register entries.
 */
function mountKeepsEntries(): boolean {
  return inInitialUserNamespace() && readText('/proc/filesystems').includes(BINFMT_MISC);
}

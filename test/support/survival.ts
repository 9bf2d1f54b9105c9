/**
 * Do entries of the host end with its last mount, as far as this process can see? Another process that holds a mount
 * of the same binfmt_misc in a mount namespace of its own (rootless podman's pause process, say) keeps them alive.
 * Found out as src/system/binfmt/persistence.ts does: a marker is registered, the mount is undone and made again.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Context } from 'mocha';
import { MOUNT, writeEntry } from './kernel.js';
import { must } from './program.js';
import { skipBecause } from './skip.js';

/** Who keeps entries alive on a host that has not mounted binfmt_misc; undefined if they vanish. */
export function keeperOfEntries(): string | undefined {
  const mount = () => must('mount', ['-t', 'binfmt_misc', 'binfmt_misc', MOUNT]);
  const marker = `binfmt-test-marker-${process.pid}`;
  mount();
  try {
    writeEntry('register', `:${marker}:E::${marker}::/nonexistent:`);
    must('umount', [MOUNT]);
    mount();
    if (!fs.existsSync(path.join(MOUNT, marker))) return undefined;
    writeEntry(marker, '-1');
    return holders().join(', ') || 'nothing that can be seen from here; before Linux 6.7 they stay without a mount';
  } finally {
    must('umount', [MOUNT]);
  }
}

/** For tests of entries that vanish: skips them, with the reason, while another process keeps entries alive. */
export function skipWhereEntriesAreKept(this: Context): void {
  const keeper = keeperOfEntries();
  if (keeper !== undefined) skipBecause(this, `entries of this host do not vanish, they are kept by ${keeper}`);
}

/** Processes of other mount namespaces that have this binfmt_misc mounted, one of each namespace. */
function holders(): string[] {
  const own = fs.readlinkSync('/proc/self/ns/mnt');
  const device = deviceOf('self');
  const found = new Map<string, string>();
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const namespace = fs.readlinkSync(`/proc/${pid}/ns/mnt`);
      if (namespace === own || found.has(namespace) || deviceOf(pid) !== device) continue;
      found.set(namespace, `process ${pid} (${fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim()})`);
    } catch {
      // It has ended meanwhile.
    }
  }
  return [...found.values()];
}

/** The device number of the binfmt_misc that a process has mounted: another number is another instance. */
function deviceOf(pid: string): string | undefined {
  const lines = fs.readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n');
  return lines.find((line) => / - binfmt_misc /.test(line))?.split(' ')[2];
}

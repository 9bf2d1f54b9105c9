/** The host's own binfmt_misc, in tests about hosts that keep it mounted or do not. */
import fs from 'node:fs';
import path from 'node:path';
import { mountOnHost } from './docker.js';
import { MOUNT } from './kernel.js';
import { must } from './program.js';

export const mounted = () => fs.existsSync(path.join(MOUNT, 'register'));

/** Looks at the entries from the host for a moment; the mount goes, and what else keeps them stays. */
export function onHost<T>(look: () => T): T {
  const restore = mountOnHost();
  try {
    return look();
  } finally {
    restore();
  }
}

/** Unmounts the host's, where a test made the image mount it. */
export function unmountHost(): void {
  while (mounted()) must('umount', [MOUNT]);
}

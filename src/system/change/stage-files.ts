/** Files for a host, which go again if this program is ended by a signal before they have their names. */
import { undoAtEnd } from '../cleanup.js';
import type { HostTree } from '../host/host-tree.js';
import type { StagedFiles, WantedFile } from './host-files.js';
import type { HostFailure } from './host-write.js';

/** src/system/change/host-files.ts, which is a bundle of its own. */
export type HostFiles = typeof import('./host-files.js');

export interface WritableHost {
  readonly tree: HostTree;
  readonly files: HostFiles;
}

/** Discard the result at the end, also after a commit. `force`: see StageOptions. */
export async function stageFiles(
  { tree, files }: WritableHost,
  wanted: readonly WantedFile[],
  force: boolean,
): Promise<StagedFiles | HostFailure> {
  let forget = () => {};
  // The other bundle has a cleanup.ts of its own, which nobody calls at the end.
  const begin = (discard: () => void) => {
    forget = undoAtEnd(discard);
  };
  const staged = await files.stageFiles(tree, wanted, { force, begin });
  if ('kind' in staged) {
    forget();
    return staged;
  }
  return {
    ...staged,
    discard() {
      staged.discard();
      forget();
    },
  };
}

/** Writes all of them, or none. */
export async function writeFiles(
  host: WritableHost,
  wanted: readonly WantedFile[],
  force: boolean,
): Promise<HostFailure | undefined> {
  const staged = await stageFiles(host, wanted, force);
  if ('kind' in staged) return staged;
  try {
    return await staged.commit(wanted.map(({ file }) => file.path));
  } finally {
    staged.discard();
  }
}

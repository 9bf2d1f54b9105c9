/** What the user should know about the next boot of the host. */
import { byteString } from '../../core/bytes.js';
import type { Note } from '../../core/note.js';
import { DATABASE } from '../../core/persist/binfmts-record.js';
import { inFrontAtBoot, recordLike } from '../../core/persist/boot-order.js';
import { bootOf, type PersistFormat } from '../../core/persist/formats.js';
import type { Architecture } from '../../core/platform/architectures.js';
import { type HostTree, readConfigurationFiles, readThroughLinks } from '../host/host-tree.js';

/** An entry that is on the host now. */
export interface BootEntry {
  readonly architecture: Architecture;
  readonly name: string;
}

export interface BootFormat {
  readonly format: PersistFormat;
  /** The user has chosen it; otherwise it was found out. */
  readonly chosen: boolean;
}

export async function bootNotes(
  tree: HostTree,
  { format, chosen }: BootFormat,
  entries: readonly BootEntry[],
): Promise<Note[]> {
  const { registers, service, maskedBy, others } = bootOf(format);
  const masked = maskedBy === undefined ? undefined : await tree.contents(maskedBy);
  const off = masked?.kind === 'link' && masked.target === '/dev/null';
  return [
    { kind: 'persisted', registers, chosen },
    ...(off ? [{ kind: 'boot-service-off', service, file: `/${maskedBy}` } as const] : []),
    ...(others === 'database' ? await clashes(tree, entries) : []),
    ...(others === 'binfmt.d' ? await entriesInFront(tree, entries) : []),
  ];
}

async function entriesInFront(tree: HostTree, entries: readonly BootEntry[]): Promise<Note[]> {
  const files = await readConfigurationFiles(tree);
  return entries.flatMap(({ architecture, name }): Note[] => {
    const other = inFrontAtBoot(architecture, name, files);
    return other ? [{ kind: 'in-front-at-boot', entry: name, other: other.entry.name, file: other.file }] : [];
  });
}

async function clashes(tree: HostTree, entries: readonly BootEntry[]): Promise<Note[]> {
  const records = new Map<string, string>();
  for (const name of await tree.names(DATABASE)) {
    records.set(name, byteString((await readThroughLinks(tree, `${DATABASE}/${name}`))?.bytes ?? ''));
  }
  return entries.flatMap(({ name }): Note[] => {
    const other = recordLike(name, records);
    return other === undefined ? [] : [{ kind: 'record-clash', entry: name, other }];
  });
}

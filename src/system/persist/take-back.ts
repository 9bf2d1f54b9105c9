/**
 * Takes emulators back from the host: exactly what binfmt has written, if it is unchanged. If the host's own
 * configuration has an entry of that name, it is registered again.
 */
import path from 'node:path';
import { parseRegisterLine } from '../../core/binfmt/entry.js';
import type { WritableMount } from '../../core/binfmt/snapshot.js';
import { byteString } from '../../core/bytes.js';
import { planRemoval, splitRemovals } from '../../core/install/removal.js';
import type { Note } from '../../core/note.js';
import { configuredLine } from '../../core/persist/binfmt-d.js';
import { lineOfRecord, recordOf } from '../../core/persist/binfmts-record.js';
import { MANIFEST, persistedEntries, removalOrder } from '../../core/persist/entry-files.js';
import { EMULATOR_DIRECTORY, serviceLinks } from '../../core/persist/formats.js';
import { EMPTY_MANIFEST } from '../../core/persist/host-manifest.js';
import type { Problem } from '../../core/problem.js';
import type { Item } from '../../core/report/report-lines.js';
import { readEntries, unregister } from '../binfmt/entries.js';
import { type HostTree, readConfigurationFiles, readThroughLinks } from '../host/host-tree.js';
import type { System } from '../system.js';
import { registerLineFrom } from './host-register.js';
import { changedFiles, removeEmptyManifest, removeFiles, removeRecordOf, unlistedFiles } from './host-removal.js';
import { readManifest, removeUnfinished } from './host-write.js';
import { keptProblem, problemWith, unknownProblem } from './persist.js';

type WritableSystem = System & { readonly binfmt: WritableMount };

/** `list`: names, patterns and architectures, of entries that are registered or on the host. */
export async function takeBack(list: string, tree: HostTree, system: System): Promise<Item[]> {
  const { binfmt } = system;
  if (binfmt.kind !== 'writable') return [{ subject: list, problem: binfmt.problem }];
  return takeBackEntries(list, tree, { ...system, binfmt });
}

async function takeBackEntries(list: string, tree: HostTree, system: WritableSystem): Promise<Item[]> {
  await removeUnfinished(tree);
  const emulators = async () => [...(await persistedOn(tree)), ...(await emulatorsOn(tree))];
  const onHost = await emulators();
  const known = () => [...readEntries(system.binfmt), ...onHost.map((name) => ({ name }))];
  const items: Item[] = [];
  for (const word of splitRemovals(list, known())) {
    const removal = planRemoval(word, known(), system.emulatorDirectory.prefix);
    if (removal.kind === 'unknown') items.push({ subject: word, problem: removal.problem });
    else if (removal.names.length === 0) items.push({ subject: word, note: { kind: 'not-registered' } });
    else for (const name of new Set(removal.names)) items.push(await takeBackEntry(name, tree, system));
  }
  // Also what an interrupted call has left.
  if ((await emulators()).length > 0) return items;
  const problem = await takeBackService(tree, rootAsSeen(tree, system));
  return problem ? [...items, { subject: list, problem }] : items;
}

/** For commands that the user pastes on the host. */
const rootAsSeen = ({ root }: HostTree, { invocation }: System) => (invocation.kind === 'file' ? root : '/');

/** No entry of binfmt is left on the host: its service need not register them at boot. */
async function takeBackService(tree: HostTree, root: string): Promise<Problem | undefined> {
  const { kept, failure } = await removeFiles(tree, serviceLinks);
  await removeEmptyManifest(tree);
  if (failure) return problemWith(failure);
  return kept.length > 0 ? keptProblem('machine', { root, files: kept, whole: false }) : undefined;
}

async function persistedOn(tree: HostTree): Promise<string[]> {
  const { files: written, unfinished } = (await readManifest(tree)) ?? EMPTY_MANIFEST;
  return persistedEntries({ ...written, ...unfinished });
}

/** The names of all emulators in binfmt's directory, in the manifest or not. */
async function emulatorsOn(tree: HostTree): Promise<string[]> {
  return (await tree.names(EMULATOR_DIRECTORY)).filter((name) => name !== path.basename(MANIFEST));
}

async function takeBackEntry(subject: string, tree: HostTree, system: WritableSystem): Promise<Item> {
  const root = rootAsSeen(tree, system);
  const order = removalOrder(subject);
  const { configurations, emulator } = order;
  const unlisted = await unlistedFiles(tree, subject, order);
  if (unlisted.files.length > 0) return { subject, problem: unknownProblem(subject, root, unlisted) };
  // Without its emulator, a configuration that was changed would be broken.
  const changed = await changedFiles(tree, configurations);
  if (changed.length > 0) return { subject, problem: keptProblem(subject, { root, files: changed, whole: true }) };
  const configured = await removeFiles(tree, configurations);
  const unremoved = configured.failure ?? (await removeRecordOf(tree, subject));
  if (unremoved) return { subject, problem: problemWith(unremoved) };
  const registered = unregister(system.binfmt.dir, subject);
  if (registered) return { subject, problem: registered };
  const restored = await restoreOwnEntry(subject, tree, system);
  // The last one, so that the manifest has the entry until everything else is done.
  const { kept, failure } = await removeFiles(tree, [emulator]);
  if (failure) return { subject, problem: problemWith({ ...failure, half: true }) };
  if (kept.length > 0) return { subject, problem: keptProblem(subject, { root, files: kept, whole: false }) };
  return 'kind' in restored ? { subject, note: restored } : { subject, problem: restored.problem };
}

type Restored = Note | { readonly problem?: Problem };

async function restoreOwnEntry(name: string, tree: HostTree, system: WritableSystem): Promise<Restored> {
  const line = (await lineOfConfiguration(name, tree)) ?? (await lineOfDatabase(name, tree));
  const entry = line === undefined ? undefined : parseRegisterLine(line);
  if (line === undefined || entry === undefined) return {};
  const problem = await registerLineFrom(tree.root, entry, Buffer.from(line, 'latin1'), system);
  return problem ? { problem } : { kind: 'own-entry-restored', interpreter: entry.interpreter };
}

/** One character a byte. */
async function lineOfConfiguration(name: string, tree: HostTree): Promise<string | undefined> {
  return configuredLine(await readConfigurationFiles(tree), name);
}

async function lineOfDatabase(name: string, tree: HostTree): Promise<string | undefined> {
  const record = await readThroughLinks(tree, recordOf(name));
  return record && lineOfRecord(name, byteString(record.bytes));
}

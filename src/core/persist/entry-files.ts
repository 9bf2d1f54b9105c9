/** The files that a host needs to have emulators at every boot, without a container. */
import { type Registration, registrationOf } from '../binfmt/entry.js';
import { type Architecture, emulatorName } from '../platform/architectures.js';
import { interpreterOfRecord } from './binfmts-record.js';
import { configurationsOf, EMULATOR_DIRECTORY, type ExportFormat, formatOf, type PersistFormat } from './formats.js';

export const MANIFEST = `${EMULATOR_DIRECTORY}/manifest.json`;

/** A file to write; its path is relative to the host's root directory. */
export type ExportedFile =
  | { readonly path: string; readonly mode: 0o755; readonly source: string }
  | { readonly path: string; readonly mode: 0o644; readonly text: string };

/** A file of the host; its path is relative to the host's root directory. `bytes`: one character a byte. */
export type HostFile =
  | ExportedFile
  | { readonly path: string; readonly mode: 0o644; readonly bytes: string }
  | { readonly path: string; readonly link: string };

/** An emulator to export: its file, and the flags of its entry. */
export interface ExportedEmulator {
  readonly architecture: Architecture;
  readonly source: string;
  readonly flags: string;
}

/** The path of an emulator on the host, as its entry names it. */
export const hostInterpreter = (name: string) => `/${EMULATOR_DIRECTORY}/${name}`;

/** The files of one entry, the emulator first: a configuration must never name a file that is not there. */
export function filesOfEntry(
  format: ExportFormat | PersistFormat,
  registration: Registration,
  source: string,
): ExportedFile[] {
  const { name } = registration;
  const { configuration } = formatOf(format);
  const emulator = { path: hostInterpreter(name).slice(1), mode: 0o755, source } as const;
  if (configuration === undefined) return [emulator];
  const path = `${configuration.directory}/${name}${configuration.ending}`;
  return [emulator, { path, mode: 0o644, text: configuration.text(registration) }];
}

/** All emulators first. */
export function exportedFiles(format: ExportFormat, emulators: readonly ExportedEmulator[]): ExportedFile[] {
  const files = emulators.flatMap(({ architecture, source, flags }) => {
    const name = emulatorName(architecture);
    return filesOfEntry(
      format,
      registrationOf(architecture, { name, interpreter: hostInterpreter(name), flags }),
      source,
    );
  });
  const order = (file: ExportedFile) => `${'source' in file ? 0 : 1}${file.path}`;
  return files.sort((one, other) => (order(one) < order(other) ? -1 : 1));
}

/** The names of the entries whose emulators a manifest has. */
export function persistedEntries(files: Readonly<Record<string, unknown>>): string[] {
  const directory = `${EMULATOR_DIRECTORY}/`;
  return Object.keys(files)
    .filter((file) => file.startsWith(directory) && file !== MANIFEST)
    .map((file) => file.slice(directory.length));
}

/** The files that an entry may have, in the order in which they are removed: what names the emulator goes before it. */
export interface RemovalOrder {
  readonly configurations: readonly string[];
  readonly emulator: string;
}

export function removalOrder(name: string): RemovalOrder {
  return { configurations: configurationsOf(name), emulator: hostInterpreter(name).slice(1) };
}

/** Is the emulator of a record binfmt's? update-binfmts makes such a record from an exported file. */
export function isRecordOf(name: string, record: string): boolean {
  return interpreterOfRecord(record) === hostInterpreter(name);
}

/**
 * Where hosts read, at every boot, which emulators to register, and how this program recognises each kind of host.
 * Sources: binfmt.d(5); OpenRC's sh/binfmt.sh, which knows no /usr/local/lib/binfmt.d; binfmt-support's src/format.c and
 * src/update-binfmts.c.
 */
import { escapedBytes, type Registration, registerLine } from '../binfmt/entry.js';
import { EMULATOR_DIRECTORY, type ExportedFile, MANIFEST } from './export-files.js';

/** A file of the host; its path is relative to the host's root directory. `bytes`: one character a byte. */
export type HostFile =
  | ExportedFile
  | { readonly path: string; readonly mode: 0o644; readonly bytes: string }
  | { readonly path: string; readonly link: string };

interface PersistFormatDefinition {
  /** A host of this kind has one of these files. */
  readonly evidence: readonly string[];
  /** A host that was booted in this way has it, until it is shut down. */
  readonly booted?: string;
  readonly configure: (registration: Registration) => { readonly path: string; readonly text: string };
  /** The directory may hold no unfinished file: this one, on the same file system, does instead. */
  readonly unfinishedIn?: string;
  /** Files of packages are in the same directory, and this program's take their place until they are taken back. */
  readonly shared?: true;
  /** What makes the host read the configuration at boot; without it nothing has to be done. */
  readonly enabledBy?: { readonly oneOf: readonly string[]; readonly link: Extract<HostFile, { link: string }> };
  /** If this is a link to /dev/null, the host does not read it. */
  readonly maskedBy?: string;
}

const binfmtD = (registration: Registration) => ({
  path: `etc/binfmt.d/${registration.name}.conf`,
  text: `${registerLine(registration)}\n`,
});

/** In the order in which they are looked for. */
export const persistFormats = {
  systemd: {
    evidence: ['usr/lib/systemd/systemd-binfmt', 'lib/systemd/systemd-binfmt'],
    booted: 'run/systemd/system',
    configure: binfmtD,
    maskedBy: 'etc/systemd/system/systemd-binfmt.service',
  },
  openrc: {
    evidence: ['etc/init.d/binfmt'],
    booted: 'run/openrc',
    configure: binfmtD,
    enabledBy: {
      oneOf: ['sysinit', 'boot', 'default'].map((level) => `etc/runlevels/${level}/binfmt`),
      link: { path: 'etc/runlevels/boot/binfmt', link: '/etc/init.d/binfmt' },
    },
  },
  'binfmt-support': {
    evidence: ['usr/sbin/update-binfmts'],
    configure: (registration) => ({ path: `${DATABASE}/${registration.name}`, text: databaseRecord(registration) }),
    unfinishedIn: 'var/lib',
    shared: true,
  },
} as const satisfies Readonly<Record<string, PersistFormatDefinition>>;

export type PersistFormat = keyof typeof persistFormats;

export const persistFormatNames = Object.keys(persistFormats) as PersistFormat[];

export function definitionOfFormat(format: PersistFormat): PersistFormatDefinition {
  return persistFormats[format];
}

/** update-binfmts reads every file in it, and does nothing at all if one is not complete. */
export const DATABASE = 'var/lib/binfmts';

/** Where files of this program are that are not complete yet. */
export const UNFINISHED_IN = [EMULATOR_DIRECTORY, 'etc/binfmt.d', 'etc/runlevels/boot', 'var/lib', 'usr/share/binfmts'];

/** A record of binfmt-support's database: values without names, a line each. A colon is the package of the administrator. */
function databaseRecord({ interpreter, magic, mask, flags }: Registration): string {
  const has = (letter: string) => (flags.includes(letter) ? 'yes' : '');
  const detector = '';
  const values = [':', 'magic', '0', escapedBytes(magic), escapedBytes(mask), interpreter, detector];
  return [...values, has('C'), has('P'), has('F')].map((value) => `${value}\n`).join('');
}

/** The line that update-binfmts would register for a record; undefined if it is no record. */
export function lineOfRecord(name: string, record: string): string | undefined {
  const [, type, offset = '', magic = '', mask = '', interpreter, detector, ...flags] = record.split('\n');
  if (type !== 'magic' || !interpreter) return undefined;
  const [credentials, preserve, fixed] = flags.map((value) => value.trim() === 'yes');
  const letters = `${credentials ? 'C' : ''}${preserve ? 'P' : ''}${fixed ? 'F' : ''}`;
  return `:${name}:M:${offset}:${magic}:${mask}:${detector ? RUN_DETECTORS : interpreter}:${letters}`;
}

/** Does a record name this program's emulator? update-binfmts makes such a record of an exported file. */
export function isRecordOf(name: string, record: string): boolean {
  return record.split('\n')[5] === hostInterpreter(name);
}

const RUN_DETECTORS = '/usr/lib/binfmt-support/run-detectors';

export const recordOf = (name: string) => `${DATABASE}/${name}`;

/** The path of an emulator on the host, as its entry names it. */
export const hostInterpreter = (name: string) => `/${EMULATOR_DIRECTORY}/${name}`;

/** The files of one entry, the emulator first: a configuration must never name a file that is not there. */
export function filesOfEntry(format: PersistFormat, registration: Registration, source: string): HostFile[] {
  const emulator = { path: hostInterpreter(registration.name).slice(1), mode: 0o755, source } as const;
  return [emulator, { ...definitionOfFormat(format).configure(registration), mode: 0o644 }];
}

/** What was found on a host. */
export interface FoundFormat {
  readonly format: PersistFormat;
  readonly booted: boolean;
}

/** The one that the host was booted with, or else the first one that it has. */
export function chooseFormat(found: readonly FoundFormat[]): PersistFormat | undefined {
  return (found.find(({ booted }) => booted) ?? found[0])?.format;
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
  const exported = `usr/share/binfmts/${name}`;
  const configurations = [`etc/binfmt.d/${name}.conf`, recordOf(name), exported];
  return { configurations, emulator: hostInterpreter(name).slice(1) };
}

/**
 * How hosts register emulators at boot: a row for each way. `export` writes files for it, and `--persist` finds out which one
 * the host has. Sources: binfmt.d(5); OpenRC's sh/binfmt.sh, which reads the same files and knows no
 * /usr/local/lib/binfmt.d; update-binfmts(8), "FORMAT FILES"; binfmt-support's src/format.c and src/update-binfmts.c.
 */
import { escapedBytes, type Registration, registerLine } from '../binfmt/entry.js';
import { DATABASE, databaseRecord } from './binfmts-record.js';

/** The directory of the emulators. No distribution puts anything there. */
export const EMULATOR_DIRECTORY = 'usr/local/lib/binfmt';

/** All paths are relative to the host's root directory. */
interface Format {
  /** The file that configures an entry, with the entry's name and this ending; undefined: there is none. */
  readonly configuration?: {
    readonly directory: string;
    readonly ending: string;
    readonly text: (registration: Registration) => string;
    /** The directory may hold no unfinished file: this one, on the same file system, does instead. */
    readonly unfinishedIn?: string;
    /** Files of packages are in the same directory. binfmt's take their place, until they are taken back. */
    readonly shared?: true;
  };
  /** What to do on the host after `export`; without it, `export` does not take the format. */
  readonly nextStep?: (entries: readonly string[]) => string;
  /** How `--persist` recognises such a host; without it, `--persist` does not take the format. */
  readonly boot?: Boot;
}

interface Boot {
  readonly service: string;
  /** What it does at every boot, in words. */
  readonly registers: string;
  /** A host of this kind has one of these files. */
  readonly evidence: readonly string[];
  /** A host that was booted in this way has it, until it is shut down. */
  readonly booted?: string;
  /** Where the host has the entries of others, which it registers too. Undefined: that is not known. */
  readonly others?: 'binfmt.d' | 'database';
  /** What makes the host read the configuration at boot; without it nothing has to be done. */
  readonly enabledBy?: {
    readonly oneOf: readonly string[];
    readonly link: { readonly path: string; readonly link: string };
  };
  /** If this is a link to /dev/null, the host does not read it. */
  readonly maskedBy?: string;
}

const binfmtD = {
  directory: 'etc/binfmt.d',
  ending: '.conf',
  text: (registration: Registration) => `${registerLine(registration)}\n`,
} as const;
const asYourSystemDoes = () =>
  `register the emulators in /${EMULATOR_DIRECTORY} as your system does it, with the flags F, P, O and C`;

/** `--persist` looks for them in this order. */
const formats = {
  systemd: {
    configuration: binfmtD,
    nextStep: () => 'sudo systemctl restart systemd-binfmt',
    boot: {
      service: 'systemd-binfmt',
      registers: 'systemd-binfmt registers what is in /etc/binfmt.d',
      evidence: ['usr/lib/systemd/systemd-binfmt', 'lib/systemd/systemd-binfmt'],
      booted: 'run/systemd/system',
      others: 'binfmt.d',
      maskedBy: 'etc/systemd/system/systemd-binfmt.service',
    },
  },
  openrc: {
    configuration: binfmtD,
    nextStep: () => 'sudo rc-update add binfmt boot && sudo rc-service binfmt restart',
    boot: {
      service: 'the service binfmt of OpenRC',
      registers: "OpenRC's service binfmt registers what is in /etc/binfmt.d",
      evidence: ['etc/init.d/binfmt'],
      booted: 'run/openrc',
      others: 'binfmt.d',
      enabledBy: {
        oneOf: ['sysinit', 'boot', 'default'].map((level) => `etc/runlevels/${level}/binfmt`),
        link: { path: 'etc/runlevels/boot/binfmt', link: '/etc/init.d/binfmt' },
      },
    },
  },
  'binfmt-support': {
    configuration: { directory: DATABASE, ending: '', text: databaseRecord, unfinishedIn: 'var/lib', shared: true },
    boot: {
      service: 'binfmt-support',
      registers: 'update-binfmts registers what is in /var/lib/binfmts',
      evidence: ['usr/sbin/update-binfmts'],
      others: 'database',
    },
  },
  debian: {
    configuration: { directory: 'usr/share/binfmts', ending: '', text: formatFile },
    nextStep: importFormatFiles,
  },
  nixos: { nextStep: asYourSystemDoes },
  none: { nextStep: asYourSystemDoes },
} as const satisfies Readonly<Record<string, Format>>;

type Name = keyof typeof formats;
type With<Field extends keyof Format> = {
  [N in Name]: (typeof formats)[N] extends Record<Field, unknown> ? N : never;
}[Name];
export type ExportFormat = With<'nextStep'>;
export type PersistFormat = With<'boot'>;

export const formatOf = (name: Name): Format => formats[name];
export const bootOf = (name: PersistFormat): Boot => formats[name].boot;
export const nextStep = (name: ExportFormat, entries: readonly string[]): string => formats[name].nextStep(entries);

const names = Object.keys(formats) as Name[];
export const exportFormatNames = names.filter((name): name is ExportFormat => 'nextStep' in formats[name]);
export const persistFormatNames = names.filter((name): name is PersistFormat => 'boot' in formats[name]);

const configurations = [...new Set(names.flatMap((name) => formatOf(name).configuration ?? []))];

/** Every configuration that an entry of this name may have, in whatever format. */
export function configurationsOf(name: string): string[] {
  return configurations.map(({ directory, ending }) => `${directory}/${name}${ending}`);
}

/** What is special about the directory of a configuration; undefined for every other file. */
export function directoryOf(file: string): Format['configuration'] {
  return configurations.find(({ directory }) => file.startsWith(`${directory}/`));
}

/** The links that make hosts read their configuration. */
export const serviceLinks: readonly string[] = persistFormatNames.flatMap(
  (name) => bootOf(name).enabledBy?.link.path ?? [],
);

/** The directories in which binfmt writes files that are not complete yet. */
export const UNFINISHED_IN: readonly string[] = [
  EMULATOR_DIRECTORY,
  ...configurations.map((each) => each.unfinishedIn ?? each.directory),
  ...serviceLinks.map((link) => link.replace(/\/[^/]*$/, '')),
];

/** What was found on a host. */
export interface FoundFormat {
  readonly format: PersistFormat;
  readonly booted: boolean;
}

/** The one that the host was booted with, or else the first one that it has. */
export function chooseFormat(found: readonly FoundFormat[]): PersistFormat | undefined {
  return (found.find(({ booted }) => booted) ?? found[0])?.format;
}

/** A format file of binfmt-support, which does not take one without the line `package`. */
function formatFile({ interpreter, magic, mask, flags }: Registration): string {
  const has = (letter: string) => (flags.includes(letter) ? 'yes' : 'no');
  return `package binfmt
interpreter ${interpreter}
magic ${escapedBytes(magic)}
offset 0
mask ${escapedBytes(mask)}
credentials ${has('C')}
preserve ${has('P')}
fix_binary ${has('F')}
`;
}

function importFormatFiles(entries: readonly string[]): string {
  return [
    entries.map((name) => `sudo update-binfmts --import ${name}`).join(' && '),
    'If update-binfmts warns that another package owns the entry, remove that entry first:',
    ...entries.map(
      (name) => `  sudo update-binfmts --package qemu-user-static --remove ${name} /usr/bin/${name}-static`,
    ),
    '  (use the package and the path that update-binfmts --display shows)',
  ].join('\n');
}

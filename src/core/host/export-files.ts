/**
 * The files that a host needs to have emulators at every boot, without a container. Sources: binfmt.d(5);
 * update-binfmts(8), "FORMAT FILES"; OpenRC's sh/binfmt.sh, which reads the same files as binfmt.d(5).
 */

import { escapedBytes, type Registration, registerLine, registrationOf } from '../binfmt/entry.js';
import type { Note } from '../note.js';
import { type Architecture, emulatorName } from '../platform/architectures.js';

/** The directory of the emulators. No distribution puts anything there. */
export const EMULATOR_DIRECTORY = 'usr/local/lib/binfmt';
export const MANIFEST = `${EMULATOR_DIRECTORY}/manifest.json`;

/** A file to write; its path is relative to the host's root directory. */
export type ExportedFile =
  | { readonly path: string; readonly mode: 0o755; readonly source: string }
  | { readonly path: string; readonly mode: 0o644; readonly text: string };

/** An emulator to export: its file, and the flags of its entry. */
export interface ExportedEmulator {
  readonly architecture: Architecture;
  readonly source: string;
  readonly flags: string;
}

interface Format {
  /** Where the configuration of an entry goes, and what it says; undefined: the format has none. */
  readonly configure?: (registration: Registration) => { readonly path: string; readonly text: string };
  readonly nextStep: (entries: readonly string[]) => Note;
}

const directory = `/${EMULATOR_DIRECTORY}`;

const binfmtD = (registration: Registration) => ({
  path: `etc/binfmt.d/${registration.name}.conf`,
  text: `${registerLine(registration)}\n`,
});

export const exportFormats = {
  systemd: { configure: binfmtD, nextStep: () => ({ kind: 'next-step', format: 'systemd', directory }) },
  openrc: { configure: binfmtD, nextStep: () => ({ kind: 'next-step', format: 'openrc', directory }) },
  debian: {
    configure: (registration) => ({ path: `usr/share/binfmts/${registration.name}`, text: debianFormat(registration) }),
    nextStep: (entries) => ({ kind: 'next-step', format: 'debian', entries }),
  },
  nixos: { nextStep: () => ({ kind: 'next-step', format: 'none', directory }) },
  none: { nextStep: () => ({ kind: 'next-step', format: 'none', directory }) },
} as const satisfies Readonly<Record<string, Format>>;

export type ExportFormat = keyof typeof exportFormats;

export const exportFormatNames = Object.keys(exportFormats) as ExportFormat[];

/** The emulators first, because a configuration must never name one that is not there. The manifest needs their contents. */
export function exportedFiles(format: ExportFormat, emulators: readonly ExportedEmulator[]): ExportedFile[] {
  const { configure }: Format = exportFormats[format];
  const files = emulators.flatMap(({ architecture, source, flags }): ExportedFile[] => {
    const name = emulatorName(architecture);
    const path = `${EMULATOR_DIRECTORY}/${name}`;
    const configuration = configure?.(registrationOf(architecture, { name, interpreter: `/${path}`, flags }));
    return [{ path, mode: 0o755, source }, ...(configuration ? [{ ...configuration, mode: 0o644 } as const] : [])];
  });
  const order = (file: ExportedFile) => `${'source' in file ? 0 : 1}${file.path}`;
  return files.sort((one, other) => (order(one) < order(other) ? -1 : 1));
}

/** What to do on the host next. */
export function nextStep(format: ExportFormat, emulators: readonly ExportedEmulator[]): Note {
  return exportFormats[format].nextStep(emulators.map(({ architecture }) => emulatorName(architecture)));
}

/** A format file of binfmt-support, which does not take one without the line `package`. */
function debianFormat({ interpreter, magic, mask, flags }: Registration): string {
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

/**
 * The files that a host needs to have emulators at every boot, without any container. Sources: binfmt.d(5),
 * update-binfmts(8) "FORMAT FILES", OpenRC's sh/binfmt.sh (reads what binfmt.d(5) says).
 */
import type { Architecture } from './architectures.js';
import { type Registration, registerLine, registrationOf } from './entry.js';

/** Where the emulators go: nothing of a distribution's lies there. */
const FOLDER = 'usr/local/lib/binfmt';
export const MANIFEST = `${FOLDER}/manifest.json`;

/** A file to be written; paths are relative to the root directory of the host. */
export type ExportedFile =
  | { readonly path: string; readonly mode: 0o755; readonly source: string }
  | { readonly path: string; readonly mode: 0o644; readonly text: string };

/** An emulator to be exported: where it is, and the flags of its entry. */
export interface Exported {
  readonly architecture: Architecture;
  readonly source: string;
  readonly flags: string;
}

interface Format {
  /** The configuration of one emulator. */
  readonly configure: (registration: Registration) => readonly { readonly path: string; readonly text: string }[];
  /** What to run on the host next; `names`: of the entries. */
  readonly next: (names: readonly string[]) => readonly string[];
}

const binfmtD: Format['configure'] = (registration) => [
  { path: `etc/binfmt.d/${registration.name}.conf`, text: `${registerLine(registration)}\n` },
];

export const exportFormats: Readonly<Record<string, Format>> = {
  systemd: {
    configure: binfmtD,
    next: () => ['next: sudo systemctl restart systemd-binfmt'],
  },
  openrc: {
    configure: binfmtD,
    next: () => ['next: sudo rc-update add binfmt boot && sudo rc-service binfmt restart'],
  },
  debian: {
    configure: (registration) => [{ path: `usr/share/binfmts/${registration.name}`, text: debianFormat(registration) }],
    next: (names) => [
      `next: ${names.map((name) => `sudo update-binfmts --import ${name}`).join(' && ')}`,
      'where update-binfmts warns that a package has the entry already, it stays in force; to give ours way, first:',
      ...names.map(
        (name) => `  sudo update-binfmts --package qemu-user-static --remove ${name} /usr/bin/${name}-static`,
      ),
      '  (the package and the path that update-binfmts --display shows)',
    ],
  },
  nixos: { configure: () => [], next: () => [NO_CONFIGURATION] },
  none: { configure: () => [], next: () => [NO_CONFIGURATION] },
};

const NO_CONFIGURATION = `next: register the emulators in /${FOLDER} in the way of your system, with the flags F, P, O and C`;

/** Sorted by path; the manifest is not among them, as it needs their contents. */
export function exportedFiles(format: string, emulators: readonly Exported[]): ExportedFile[] {
  const { configure } = exportFormats[format] ?? { configure: () => [] };
  const files = emulators.flatMap(({ architecture, source, flags }): ExportedFile[] => {
    const name = `qemu-${architecture.target}`;
    const path = `${FOLDER}/${name}`;
    const registration = registrationOf(architecture, { name, interpreter: `/${path}`, flags });
    const configuration = configure(registration).map((file) => ({ ...file, mode: 0o644 as const }));
    return [{ path, mode: 0o755, source }, ...configuration];
  });
  return files.sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** A format file of binfmt-support. The line `package` is mandatory. */
function debianFormat({ interpreter, magic, mask, flags }: Registration): string {
  const bytes = (hex: string) => hex.replace(/../g, '\\x$&');
  const asked = (letter: string) => (flags.includes(letter) ? 'yes' : 'no');
  return `package binfmt
interpreter ${interpreter}
magic ${bytes(magic)}
offset 0
mask ${bytes(mask)}
credentials ${asked('C')}
preserve ${asked('P')}
fix_binary ${asked('F')}
`;
}

/** What was exported: path → SHA-256, hexadecimal. */
export interface Manifest {
  readonly files: Readonly<Record<string, string>>;
}

/** `previous`: of an earlier export to the same place, whose other files stay ours. */
export function formatManifest(files: ReadonlyMap<string, string>, previous: Manifest = { files: {} }): string {
  const all = Object.entries({ ...previous.files, ...Object.fromEntries(files) }).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify({ files: Object.fromEntries(all) }, null, 2)}\n`;
}

/** Undefined for what is no manifest. */
export function parseManifest(text: string): Manifest | undefined {
  try {
    const { files } = JSON.parse(text) as Manifest;
    return typeof files === 'object' && files !== null ? { files } : undefined;
  } catch {
    return undefined;
  }
}

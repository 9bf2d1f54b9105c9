/** The emulators that come with binfmt: which there are, and whether each can be registered. */
import fs from 'node:fs';
import path from 'node:path';
import type { Advice } from '../../core/advice.js';
import { type Elf, parseElf, sameMachine } from '../../core/binfmt/elf.js';
import type { Emulator } from '../../core/binfmt/snapshot.js';
import { emulatorUnusable } from '../../core/install/emulator-problems.js';
import type { Note } from '../../core/note.js';
import { type Architecture, architectures, emulatorName } from '../../core/platform/architectures.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { BEGINNING } from '../probing/launcher.js';
import { readStart, readText } from './files.js';
import type { Host } from './host.js';

export interface EmulatorDirectory {
  readonly path: string;
  /** What stands before `qemu-TARGET` in the names of files and entries, usually nothing. */
  readonly prefix: string;
}

/** Every emulator in the directory. An architecture without one is not in the map. `versions`: see readVersions. */
export function findEmulators(
  directory: EmulatorDirectory,
  host: Host,
  versions: Versions,
): Map<Architecture, Emulator> {
  return new Map(
    architectures.flatMap((architecture): [Architecture, Emulator][] => {
      const emulator = findEmulator(architecture, directory, host, versions);
      return emulator ? [[architecture, emulator]] : [];
    }),
  );
}

/** The emulator of one architecture; undefined if there is no such file. */
export function findEmulator(
  architecture: Architecture,
  { path: directory, prefix }: EmulatorDirectory,
  host: Host,
  versions: Versions,
): Emulator | undefined {
  const name = `${prefix}${emulatorName(architecture)}`;
  const file = path.join(directory, name);
  if (!fs.existsSync(file)) return undefined;
  const bytes = readStart(file, BEGINNING);
  const elf = bytes && parseElf(bytes);
  const unusable = bytes ? checkEmulator(file, elf, host) : unusableFile(file, 'unreadable');
  const known = unusable ? undefined : versions.get(elf?.buildId ?? '');
  // The build ID says nothing about a file that was cut off behind it.
  const version = known && fs.statSync(file).size === known.size ? known.version : undefined;
  return { name, path: file, unusable, version };
}

/**
 * Files such as qemu-aarch64-static, the name in other tools and in old packages of Debian. A link is only another name of a
 * file: Debian 13 has such links.
 */
export function findOtherNames(
  wanted: readonly Architecture[],
  { path: directory, prefix }: EmulatorDirectory,
): Note | undefined {
  const paths = wanted.map((architecture) => path.join(directory, `${prefix}${emulatorName(architecture)}`));
  const others = paths.filter((each) => fs.lstatSync(`${each}-static`, { throwIfNoEntry: false })?.isFile());
  const [instead] = others;
  return instead === undefined
    ? undefined
    : { kind: 'other-names', files: others.map((each) => `${each}-static`), instead };
}

/** What the manifest says about a build of an emulator. */
interface KnownBuild {
  /** QEMU's: `11.1.3` */
  readonly version: string;
  /** Of the file, in bytes. */
  readonly size: number;
}

/** By build ID. */
export type Versions = ReadonlyMap<string, KnownBuild>;

/**
 * Emulators by build ID, out of the manifest (qemu/manifest.ts), which lies beside their directory in the image. Empty if
 * there is none that can be read: then an emulator is asked for its version.
 */
export function readVersions(directory: string): Versions {
  const text = readText(path.join(directory, '../share/binfmt/manifest.json'));
  try {
    const { emulators } = JSON.parse(text) as { emulators: { buildId: unknown; version: unknown; size: unknown }[] };
    return new Map(
      emulators.flatMap(({ buildId, version, size }): [string, KnownBuild][] => {
        if (typeof buildId !== 'string' || typeof version !== 'string' || typeof size !== 'number') return [];
        return /^\d+(\.\d+)*$/.test(version) ? [[buildId, { version, size }]] : [];
      }),
    );
  } catch {
    return new Map();
  }
}

/** Why a file with this header cannot serve as an emulator for programs in containers; undefined if it can. */
function checkEmulator(file: string, elf: Elf | undefined, { ownPrograms }: Host): Problem | undefined {
  if (!elf?.executable) return unusableFile(file, 'not-elf');
  const [self] = ownPrograms;
  const own = self && parseElf(self);
  if (own && !sameMachine(elf, own)) return unusableFile(file, 'other-architecture');
  if (elf.loader !== undefined) {
    return unusableFile(file, 'dynamic', [{ do: 'consider', what: 'get-static-emulator' }], elf.loader);
  }
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return undefined;
  } catch {
    return unusableFile(file, 'not-executable', [
      { do: 'make-executable', file },
      { do: 'consider', what: 'mount-without-noexec' },
    ]);
  }
}

type Reason = Parameters<typeof emulatorUnusable.cause>[0]['reason'];

function unusableFile(file: string, reason: Reason, advice?: readonly Advice[], loader?: string): Problem {
  const replace: Advice = { do: 'consider', what: 'fix-emulator-file', detail: file };
  return problemOf(emulatorUnusable, file, { file, reason, loader }, advice ?? [replace]);
}

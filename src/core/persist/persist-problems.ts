/** Problems with writing to the host, so that it has the emulators at every boot, and with taking that back. */
import type { ProblemDefinition } from '../problem.js';
import { listed, quote } from '../text.js';
import { bootOf, persistFormatNames } from './formats.js';

export const hostUnreachable: ProblemDefinition = {
  id: 'host-unreachable',
  exitStatus: 3,
  title: () => "the host's files cannot be reached",
  cause: () => "the host's files cannot be reached from this container, which sees no process of the host",
};

export const hostKindUnknown: ProblemDefinition<{ root: string }> = {
  id: 'host-kind-unknown',
  title: () => 'this host has no known way to register entries at boot',
  cause: ({ root }) =>
    `no way to register entries at boot was found below ${quote(root)}: neither ${persistFormatNames.map((name) => bootOf(name).service).join(', nor ')}; if the host has one of them elsewhere, choose it with --persist=${persistFormatNames.join(' or --persist=')}`,
};

export const hostBusy: ProblemDefinition = {
  id: 'host-busy',
  title: () => 'another call of binfmt is writing to the host',
  cause: () => 'gave up after a minute, because another call of binfmt is writing to the host',
};

export const hostOtherProcessor: ProblemDefinition<{ program: string; processor: string }> = {
  id: 'host-other-processor',
  exitStatus: 3,
  title: () => 'the emulators of binfmt are for another processor',
  cause: ({ program, processor }) =>
    `binfmt and its emulators are built for ${program}, and the host's processor is ${processor}`,
};

export const hostFileChanged: ProblemDefinition<{ files: readonly string[] }> = {
  id: 'host-file-changed',
  title: () => 'some files on the host were not written by binfmt',
  cause: ({ files }) =>
    `refusing to overwrite ${listed(files.map(quote))}: not written by binfmt, or changed since (use --force); nothing was changed`,
};

const writeErrors: Readonly<Record<string, string>> = {
  EROFS: 'EROFS: the file system is read-only',
  ENOSPC: 'ENOSPC: no space is left',
  EDQUOT: 'EDQUOT: no space is left for this user',
  EACCES: 'EACCES: only root may write there, or SELinux or AppArmor forbids it',
  EPERM: 'EPERM: it may not be changed',
  ELOOP: 'ELOOP: a part of the path is a symbolic link',
  ENOENT: 'ENOENT: a part of the path is a symbolic link to something that does not exist',
  EXDEV: 'EXDEV: a part of the path is on another file system',
};

export const hostWriteFailed: ProblemDefinition<{ directory: string; errno: string; half: boolean }> = {
  id: 'host-write-failed',
  title: ({ directory }) => `${quote(directory)} cannot be written to`,
  cause: ({ directory, errno, half }) =>
    `cannot write to ${quote(directory)} (${writeErrors[errno] ?? errno}); ${half ? 'when the directory can be written to, run the same command again to finish' : 'nothing was changed'}`,
};

export const hostFileKept: ProblemDefinition<{ files: readonly string[]; entry: boolean }> = {
  id: 'host-file-kept',
  title: () => 'some files of the host have been changed, and stay',
  cause: ({ files, entry }) =>
    `kept ${listed(files.map(quote))}, because ${files.length > 1 ? 'they have' : 'it has'} been changed${entry ? '; the entry and its emulator stay too' : ''}`,
};

export const hostFileUnknown: ProblemDefinition<{ files: readonly string[]; manifest: string; state: ManifestState }> =
  {
    id: 'host-file-unknown',
    title: () => 'some files of the host are not in the manifest, and stay',
    cause: ({ files, manifest, state }) =>
      `kept ${listed(files.map(quote))} and the entry, because ${manifestStates[state](quote(manifest))}`,
  };

/** Why the manifest does not tell who has written a file. */
export type ManifestState = keyof typeof manifestStates;

const manifestStates = {
  missing: (manifest: string) => `${manifest}, which says what binfmt has written, is missing`,
  unreadable: (manifest: string) => `${manifest}, which says what binfmt has written, cannot be read`,
  incomplete: (manifest: string) =>
    `${manifest} does not list them, so another program or a user may have written them`,
} as const;

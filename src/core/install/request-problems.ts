/** Problems with what was asked for: words that mean nothing, directories and files that cannot be used. */
import type { PlatformError } from '../platform/platform.js';
import type { ProblemDefinition } from '../problem.js';
import { listed, quote } from '../text.js';

const meant = (suggestion?: string) => (suggestion === undefined ? '' : `; did you mean ${quote(suggestion)}?`);

export const unknownPlatform: ProblemDefinition<{ word: string; error: PlatformError }> = {
  id: 'unknown-platform',
  title: ({ word }) => `${quote(word)} is not a platform`,
  cause: ({ word, error }) => {
    const whole = word.includes('/') ? `unknown platform ${quote(word)}: ` : 'unknown platform: ';
    return whole + describePlatformError(error);
  },
};

/** What is wrong with a name, in one line. */
export function describePlatformError(error: PlatformError): string {
  const part = quote(error.part);
  switch (error.kind) {
    case 'os':
      return `${part} programs cannot run here, only "linux" programs can`;
    case 'architecture':
      return `${part} is not an architecture that QEMU emulates${meant(error.suggestion)}`;
    case 'variant':
      return `${part} is not a variant of ${error.architecture}`;
    case 'too-many-parts':
      return `it has too many parts after ${part}`;
  }
}

export const unknownEntry: ProblemDefinition<{ word: string; suggestion?: string }> = {
  id: 'unknown-entry',
  title: ({ word }) => `${quote(word)} cannot be uninstalled`,
  cause: ({ word, suggestion }) => `${quote(word)} is neither an entry nor an architecture${meant(suggestion)}`,
};

export const badPattern: ProblemDefinition<{ word: string }> = {
  id: 'bad-pattern',
  title: ({ word }) => `${quote(word)} is not a valid pattern`,
  cause: ({ word }) => `${quote(word)} is not a valid pattern`,
};

export const notADirectory: ProblemDefinition<{ path: string }> = {
  id: 'not-a-directory',
  title: ({ path }) => `${quote(path)} is not a directory`,
  cause: ({ path }) => `${quote(path)} is not a directory`,
};

export const mountPointInUse: ProblemDefinition<{ path: string; type?: string }> = {
  id: 'mount-point-in-use',
  exitStatus: 2,
  title: ({ path }) => `binfmt_misc is not mounted at ${quote(path)}`,
  cause: ({ path }) =>
    `--mount ${quote(path)}: this directory is not empty and is not a binfmt_misc, and a mount would hide what is in it`,
};

export const bindFailed: ProblemDefinition<{ from: string; to: string; errno: string }> = {
  id: 'bind-failed',
  exitStatus: 3,
  title: ({ from, to }) => `${from} cannot be bound to ${to}`,
  cause: ({ from, to, errno }) => `cannot bind ${from} to ${to} (${errno})`,
};

export const unregisteredProgram: ProblemDefinition<{ file: string; platform: string }> = {
  id: 'unregistered-program',
  title: ({ file }) => `${file} cannot be started`,
  cause: ({ file, platform }) => `${file} is a ${platform} program, and ${platform} was not registered`,
};

export const nothingToExport: ProblemDefinition<{ native: readonly string[]; directory: string; prefix: string }> = {
  id: 'nothing-to-export',
  title: () => 'there is nothing to export',
  cause: ({ native, directory, prefix }) =>
    native.length > 0
      ? `nothing to export: this machine runs ${listed(native)} without an emulator`
      : `nothing to export: there is no ${prefix}qemu-* emulator in ${directory} that this machine needs`,
};

export const exportChanged: ProblemDefinition<{ files: readonly string[] }> = {
  id: 'export-changed',
  title: () => 'some files were changed since the last export',
  cause: ({ files }) =>
    `refusing to overwrite ${listed(files.map(quote))}: not written by an export, or changed since (use --force)`,
};

const pathErrors: Readonly<Record<string, string>> = {
  ELOOP: 'ELOOP: a part of the path is a symbolic link',
  ENOENT: 'ENOENT: a part of the path does not exist, or is a symbolic link out of the directory',
};

export const exportFailed: ProblemDefinition<{ directory: string; errno: string; half: boolean }> = {
  id: 'export-failed',
  title: ({ directory }) => `${quote(directory)} cannot be written to`,
  cause: ({ directory, errno, half }) =>
    `cannot write to ${quote(directory)} (${pathErrors[errno] ?? errno})${half ? '; some files are written: when the directory can be written to, run the same command again to finish' : ''}`,
};

export const archiveUnread: ProblemDefinition = {
  id: 'archive-unread',
  title: () => 'the archive was not read to its end',
  cause: () => 'the archive was not read to its end',
};

export const terminalOutput: ProblemDefinition = {
  id: 'terminal-output',
  exitStatus: 2,
  title: () => 'standard output is a terminal',
  cause: () =>
    'standard output is a terminal, and the archive is binary; to unpack it on this host, append: | sudo tar -x -C /',
};

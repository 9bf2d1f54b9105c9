/** Problems with what was asked for, and with carrying it out: everything that doctor has no check for. */

import type { PlatformError } from '../platform.js';
import { type Facts, type ProblemDefinition, problemOf } from '../problem.js';
import { listed, quote } from '../text.js';

function define<F extends Facts>(definition: ProblemDefinition<F>): ProblemDefinition<F> {
  return definition;
}

const meant = (suggestion?: string) => (suggestion === undefined ? '' : `; did you mean ${quote(suggestion)}?`);

export const unknownPlatform = define<{ word: string; error: PlatformError }>({
  id: 'unknown-platform',
  summary: 'a word is not the name of a platform',
  title: ({ word }) => `${quote(word)} is not a platform`,
  cause: ({ word, error }) => {
    const whole = word.includes('/') ? `unknown platform ${quote(word)}: ` : 'unknown platform: ';
    return whole + describePlatformError(error);
  },
});

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

export const unknownEntry = define<{ word: string; suggestion?: string }>({
  id: 'unknown-entry',
  summary: 'a word of --uninstall is neither an entry nor an architecture',
  title: ({ word }) => `${quote(word)} cannot be uninstalled`,
  cause: ({ word, suggestion }) => `${quote(word)} is neither an entry nor an architecture${meant(suggestion)}`,
});

export const badPattern = define<{ word: string }>({
  id: 'bad-pattern',
  summary: 'a pattern of --uninstall is not valid',
  title: ({ word }) => `${quote(word)} is not a valid pattern`,
  cause: ({ word }) => `${quote(word)} is not a valid pattern`,
});

export const noEmulator = define<{ emulator: string; directory: string }>({
  id: 'no-emulator',
  summary: 'there is no emulator for a platform',
  title: (_, subjects) => `there is no emulator for ${listed(subjects)}`,
  cause: ({ emulator, directory }) => `${emulator} not found in ${directory}`,
});

export const noEmulators = define<{ directory: string; prefix: string }>({
  id: 'no-emulators',
  summary: 'there is no emulator at all',
  title: () => 'there are no emulators',
  cause: ({ directory, prefix }) => `there is no ${prefix}qemu-* emulator in ${directory}`,
});

export const emulatorUnusable = define<{
  file: string;
  reason: 'unreadable' | 'not-elf' | 'other-architecture' | 'dynamic' | 'not-executable';
  loader?: string;
}>({
  id: 'emulator-unusable',
  summary: 'the file of an emulator cannot be registered',
  title: ({ file }) => `${file} cannot be registered`,
  cause: ({ file, reason, loader }) => `${file} ${unusableBecause(reason, loader)}`,
});

function unusableBecause(reason: string, loader = ''): string {
  switch (reason) {
    case 'unreadable':
      return 'cannot be read, or is not a regular file';
    case 'not-elf':
      return 'is not an ELF executable';
    case 'other-architecture':
      return 'is built for a different CPU architecture';
    case 'not-executable':
      return 'may not be executed';
    default:
      return `is dynamically linked: the kernel keeps the emulator open (flag F), but not its loader ${loader}, which containers do not have`;
  }
}

export const ownArchitecture = define<{ entry: string }>({
  id: 'own-architecture',
  summary: "an entry would match the machine's own programs",
  title: ({ entry }) => `${entry} must not be registered here`,
  cause: ({ entry }) =>
    `${entry} would match this machine's own programs, and then no program could be started any more`,
});

const registerErrors: Readonly<Record<string, string>> = {
  ENOENT: 'the kernel cannot find the emulator (ENOENT)',
  EACCES:
    'the kernel may not execute the emulator (EACCES), for example because its file system is mounted with noexec',
  EEXIST: 'another program has just registered the same name (EEXIST, file exists)',
  EINVAL: 'the kernel does not accept the entry (EINVAL, invalid argument); flag F needs Linux 4.8 or later',
};

export const notRegistered = define<{ entry: string; interpreter: string; errno: string }>({
  id: 'not-registered',
  summary: 'the kernel refused a registration',
  title: ({ entry }) => `${entry} could not be registered`,
  cause: ({ entry, interpreter, errno }) =>
    `cannot register ${entry} with ${interpreter}: ${registerErrors[errno] ?? errno}`,
});

export const notWritten = define<{ file: string; errno: string }>({
  id: 'not-written',
  summary: 'a file of binfmt_misc could not be written',
  title: ({ file }) => `${file} could not be written`,
  cause: ({ file, errno }) => `cannot write to ${file} (${errno})`,
});

export const untested = define<{ errno: string }>({
  id: 'untested',
  summary: 'a test program could not be run, because the machine lacks a resource at the moment',
  title: (_, subjects) => `${listed(subjects)} could not be tested`,
  cause: ({ errno }) =>
    `its test program could not be run, because this machine lacks a resource at the moment (${errno})`,
});

export const unreliable = define({
  id: 'unreliable',
  summary: 'a platform failed its test, and passed it a moment later',
  title: (_, subjects) => `${listed(subjects)} runs, but not every time`,
  cause: () => 'its test program failed once and ran a moment later',
});

export const notADirectory = define<{ path: string }>({
  id: 'not-a-directory',
  summary: 'the root directory that was named is not a directory',
  title: ({ path }) => `${quote(path)} is not a directory`,
  cause: ({ path }) => `${quote(path)} is not a directory`,
});

export const notEmpty = define<{ path: string; type?: string }>({
  id: 'mount-point-in-use',
  exitStatus: 2,
  summary: 'binfmt_misc is not mounted over a directory that holds something else',
  title: ({ path }) => `binfmt_misc is not mounted at ${quote(path)}`,
  cause: ({ path }) =>
    `--mount ${quote(path)}: this directory is not empty and is not a binfmt_misc; mounting over it would hide what is in it`,
});

export const bindFailed = define<{ from: string; to: string; errno: string }>({
  id: 'bind-failed',
  summary: "a host's file system could not be made visible below the root directory",
  exitStatus: 3,
  title: ({ from, to }) => `${from} cannot be bound to ${to}`,
  cause: ({ from, to, errno }) => `cannot bind ${from} to ${to} (${errno})`,
});

export const unregisteredProgram = define<{ file: string; platform: string }>({
  id: 'unregistered-program',
  summary: 'a program belongs to a platform that was not registered',
  title: ({ file }) => `${file} cannot be started`,
  cause: ({ file, platform }) => `${file} is a ${platform} program, and ${platform} was not registered`,
});

export const nothingToExport = define<{ native: readonly string[] }>({
  id: 'nothing-to-export',
  summary: 'no emulator is left to export',
  title: () => 'there is nothing to export',
  cause: ({ native }) =>
    native.length > 0
      ? `nothing to export: this machine runs ${listed(native)} without an emulator`
      : 'nothing to export: there is no emulator that this machine needs',
});

export const exportChanged = define<{ files: readonly string[] }>({
  id: 'export-changed',
  summary: 'a file that an export would overwrite was changed by somebody else',
  title: () => 'some files were changed since the last export',
  cause: ({ files }) =>
    `refusing to overwrite ${listed(files.map(quote))}: not written by an export, or changed since (use --force)`,
});

export const exportFailed = define<{ directory: string; errno: string }>({
  id: 'export-failed',
  summary: 'an export could not be written',
  title: ({ directory }) => `${quote(directory)} cannot be written to`,
  cause: ({ directory, errno }) => `cannot write to ${quote(directory)} (${errno})`,
});

export const archiveUnread = define({
  id: 'archive-unread',
  summary: 'nobody read the exported archive to its end',
  title: () => 'the archive was not read to its end',
  cause: () => 'the archive was not read to its end',
});

export const terminalOutput = define({
  id: 'terminal-output',
  exitStatus: 2,
  summary: 'an archive would be printed to a terminal',
  title: () => 'standard output is a terminal',
  cause: () =>
    'standard output is a terminal, and the archive is binary; to unpack it on this host, append: | sudo tar -x -C /',
});

export const noWatcher = define({
  id: 'no-watcher',
  summary: 'no watcher runs in this container',
  title: () => 'no watcher is running',
  cause: () => 'no watcher is running here',
});

export const watcherSilent = define<{ address: string; errno: string }>({
  id: 'watcher-silent',
  summary: 'a watcher does not answer',
  title: ({ address }) => `the watcher at ${address} does not answer`,
  cause: ({ address, errno }) => `the watcher at ${address} does not answer (${errno})`,
});

export const cannotListen = define<{ address?: string; errno: string }>({
  id: 'cannot-listen',
  summary: 'the watcher cannot listen at an address',
  title: () => 'the watcher cannot listen',
  cause: ({ address, errno }) =>
    address === undefined
      ? `cannot listen at any default address (${errno}): the health check cannot reach this watcher`
      : `cannot listen at ${address} (${errno})`,
});

export const startedAlone = define({
  id: 'started-alone',
  summary: 'the JavaScript file was started without its launcher',
  title: () => 'this file cannot be started by itself',
  cause: () => 'this file cannot be started by itself; start the program "binfmt" beside it',
});

export const unexpected = define<{ message: string }>({
  id: 'unexpected',
  summary: 'something went wrong that this program does not know',
  title: () => 'unexpected error',
  cause: ({ message }) => `unexpected error: ${message}`,
});

export const outputFailed = define<{ errno: string }>({
  id: 'output-failed',
  summary: 'the result could not be written',
  title: () => 'standard output could not be written',
  cause: ({ errno }) => `cannot write to standard output: ${errno}`,
});

/** What stopped the program without anybody having expected it. */
export function unexpectedProblem(error: unknown) {
  return problemOf(unexpected, 'binfmt', { message: error instanceof Error ? error.message : String(error) });
}

export const requestProblems = {
  unknownPlatform,
  unknownEntry,
  badPattern,
  noEmulator,
  noEmulators,
  emulatorUnusable,
  ownArchitecture,
  notRegistered,
  notWritten,
  untested,
  unreliable,
  notADirectory,
  notEmpty,
  bindFailed,
  unregisteredProgram,
  nothingToExport,
  exportChanged,
  exportFailed,
  archiveUnread,
  terminalOutput,
  noWatcher,
  watcherSilent,
  cannotListen,
  startedAlone,
  unexpected,
  outputFailed,
};

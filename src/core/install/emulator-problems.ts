/** Problems with the emulators that come with binfmt, and with registering them. */
import { INTERPRETER_LIMIT } from '../binfmt/procfs.js';
import { describeShortage } from '../binfmt/verdict-text.js';
import type { ProblemDefinition } from '../problem.js';
import { listed } from '../text.js';

export const noEmulator: ProblemDefinition<{ emulator: string; directory: string }> = {
  id: 'no-emulator',
  title: (_, subjects) => `there is no emulator for ${listed(subjects)}`,
  cause: ({ emulator, directory }) => `${emulator} not found in ${directory}`,
};

export const noEmulators: ProblemDefinition<{ directory: string; prefix: string }> = {
  id: 'no-emulators',
  title: () => 'there are no emulators',
  cause: ({ directory, prefix }) => `there is no ${prefix}qemu-* emulator in ${directory}`,
};

export const emulatorUnusable: ProblemDefinition<{
  file: string;
  reason: 'unreadable' | 'not-elf' | 'other-architecture' | 'dynamic' | 'not-executable';
  loader?: string;
}> = {
  id: 'emulator-unusable',
  title: ({ file }) => `${file} cannot be registered`,
  cause: ({ file, reason, loader }) => `${file} ${unusableBecause(reason, loader)}`,
};

function unusableBecause(reason: string, loader = ''): string {
  switch (reason) {
    case 'unreadable':
      return 'cannot be read, or is not a regular file';
    case 'not-elf':
      return 'is not an ELF executable';
    case 'other-architecture':
      return 'is built for a different CPU architecture';
    case 'not-executable':
      return 'is not executable';
    default:
      return `is dynamically linked: the kernel keeps the emulator open (flag F), but not its loader ${loader}, which containers do not have`;
  }
}

export const ownArchitecture: ProblemDefinition<{ entry: string }> = {
  id: 'own-architecture',
  title: ({ entry }) => `${entry} must not be registered here`,
  cause: ({ entry }) =>
    `${entry} would match this machine's own programs, and then no program could be started any more`,
};

const registerErrors: Readonly<Record<string, string>> = {
  ENOENT: 'the kernel cannot find the emulator (ENOENT)',
  EACCES:
    'the kernel refuses to execute the emulator (EACCES), for example because its file system is mounted with noexec',
  EEXIST: 'another program has just registered the same name (EEXIST, file exists)',
  EINVAL: 'the kernel does not accept the entry (EINVAL, invalid argument); flag F needs Linux 4.8 or later',
  ENOSPC:
    'the kernel cannot keep another emulator open, because the limit is reached (ENOSPC, no space left on device)',
};

export const notRegistered: ProblemDefinition<{ entry: string; interpreter: string; errno: string; limit?: number }> = {
  id: 'not-registered',
  title: ({ entry }) => `${entry} could not be registered`,
  cause: ({ entry, interpreter, errno, limit }) =>
    `cannot register ${entry} with ${interpreter}: ${registerErrors[errno] ?? errno}${limit === undefined ? '' : `; ${INTERPRETER_LIMIT} allows ${limit}`}`,
};

export const notWritten: ProblemDefinition<{ file: string; errno: string }> = {
  id: 'not-written',
  title: ({ file }) => `${file} could not be written`,
  cause: ({ file, errno }) =>
    `cannot write to ${file} (${errno})${errno === 'EBUSY' ? ': the kernel does not let this entry be changed any more' : ''}`,
};

export const untested: ProblemDefinition<{ errno: string }> = {
  id: 'untested',
  title: (_, subjects) => `${listed(subjects)} could not be tested`,
  cause: ({ errno }) =>
    `its test program could not be run, because this machine lacks a resource at the moment (${describeShortage(errno)})`,
};

export const entryRemoved: ProblemDefinition<{ entry: string }> = {
  id: 'entry-removed',
  title: ({ entry }) => `${entry} was removed`,
  cause: ({ entry }) => `something removed the entry ${entry} just after it was registered`,
};

export const unreliable: ProblemDefinition = {
  id: 'unreliable',
  title: (_, subjects) => `${listed(subjects)} runs, but not every time`,
  cause: () => 'its test program failed once and ran a moment later',
};

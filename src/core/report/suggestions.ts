/** Advice that needs a sentence and no command. */
import type { Suggestion } from '../advice.js';
import type { Invocation } from '../invocation.js';

export const suggestions: Readonly<Record<Suggestion, (invocation: Invocation, detail?: string) => string>> = {
  'allow-nodes': () => 'allow its service account to get and to patch nodes, as deploy/kubernetes/scheduling does',
  'add-foreign-libraries': () =>
    'give the programs their libraries: run them in an image of their platform, or point QEMU_LD_PREFIX to a directory that has its /lib',
  'build-on-own-platform': () =>
    'cross-compile, in a Dockerfile with FROM --platform=$BUILDPLATFORM, or build on a machine of that platform',
  'choose-another-address': () => 'choose another address with --listen ADDRESS',
  'choose-another-directory': () => 'choose an existing, empty directory with --mount DIR',
  'fix-emulator-file': (_, file) => `fix or replace the emulator ${file}`,
  'get-static-emulator': () =>
    'use a statically linked emulator, such as the one in the package qemu-user of Debian 13',
  'give-service-account': () => 'give the pod a service account, and set automountServiceAccountToken: true',
  'install-newer-kernel': () =>
    'install a newer kernel; until then, register with a tool that does not set flag F, and copy the static emulator into each image, to the path in that entry',
  'keep-directory-in-memory': () =>
    'put the directory that the program reads on a tmpfs: RUN --mount=type=tmpfs,target=DIR, or docker run --tmpfs DIR',
  'mount-without-noexec': () => 'mount its file system without noexec',
  'mount-writable': ({ kind }) =>
    kind === 'image' ? 'mount the directory without :ro' : 'mount binfmt_misc so that it can be written to',
  'register-on-the-host': () => "register on the host itself, as the host's root user",
  'set-emulator-directory': () => 'set QEMU_BINARY_PATH to the directory of statically linked qemu-* programs',
  'show-stack': () => 'BINFMT_DEBUG=1 in the environment of binfmt shows where',
  'trace-from-outside': () =>
    'set QEMU_STRACE=1 in the environment of the program, which prints its system calls; for a debugger set QEMU_GDB=PORT and connect gdb-multiarch to that port',
  'try-again-later': () => 'try again when this machine is less busy',
  'update-dotnet': () => 'use .NET 9, or the latest release of .NET 8, which have the fix',
  'use-4k-pages': () =>
    'use a kernel with pages of 4 KiB; on a Raspberry Pi 5: the line kernel=kernel8.img in /boot/firmware/config.txt, and restart',
  'use-full-image': () => 'use the image with the tag "full", which has every emulator',
  'use-host-user-namespace': () => 'add --userns=host to docker run',
  'use-in-pod': () => 'leave --node out, or use it in a pod, as deploy/kubernetes/scheduling does',
  'use-other-emulators': () =>
    'use other emulators: set QEMU_BINARY_PATH to a directory of statically linked qemu-* programs',
  'use-program-for-processor': (_, platform) => `use the program that is built for ${platform}`,
};

/**
 * Messages that have several causes on the machine itself: rows of known-problems.ts. The checks that a row names find
 * out which of them it is.
 */
import type { KnownProblem } from '../doctor/known-problem.js';

const github = (thread: string) => `https://github.com/${thread}`;

export const machineMessages: readonly KnownProblem[] = [
  {
    id: 'exec-format-error',
    messages: [
      'exec format error',
      'exec /bin/sh: exec format error',
      'standard_init_linux.go: exec user process caused: exec format error',
      'cannot execute binary file: Exec format error',
      'cannot execute binary file',
    ],
    cause:
      'the kernel has no emulator for the program: no enabled entry of binfmt_misc matches it, or the entry is gone',
    checks: [
      'kernel-module',
      'switched-off',
      'automount',
      'vanishing',
      'catches-native',
      'nothing-installed',
      'emulated',
      'disabled-entry',
      'no-entry',
      'wrong-magic',
      'emulator-fails',
      'image-platform',
    ],
    advice: [{ do: 'inspect-image' }, { do: 'install', platforms: ['arm64'] }, { do: 'watch', platforms: ['arm64'] }],
    sources: [github('hrfee/jfa-go/issues/57'), github('tonistiigi/binfmt/issues/360')],
  },
  {
    id: 'no-such-file',
    messages: [
      'exec /bin/sh: no such file or directory',
      'exec /…: no such file or directory',
      'exec user process caused…no such file or directory',
      'exec container process…No such file or directory',
      'cannot execute: required file not found',
      'sh: ./…: No such file or directory',
    ],
    cause:
      'the program is not there; or it is there, and something that it needs is not: the emulator or its loader, which the kernel looks for inside the container, or the loader of the program itself',
    checks: ['not-in-containers', 'dynamic-emulator', 'emulator-fails', 'image-platform'],
    advice: [{ do: 'install', platforms: ['arm64'] }],
    sources: [github('docker/docs/pull/14140'), github('multiarch/debian-debootstrap/issues/3')],
  },
  {
    id: 'image-for-another-platform',
    messages: [
      "The requested image's platform (linux/arm64) does not match the detected host platform",
      "The requested image's platform…does not match",
    ],
    cause: 'Docker says only that the program will be emulated. It is no error as long as an emulator is registered',
    checks: ['no-entry', 'disabled-entry', 'not-in-containers', 'dynamic-emulator', 'emulator-fails', 'image-platform'],
    advice: [],
    sources: [github('docker/for-mac/issues/6127')],
  },
  {
    id: 'sudo-effective-uid',
    messages: [
      "sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set",
      'effective uid is not 0',
    ],
    cause: "the entry has no flag C, so that setuid programs run with the caller's rights",
    checks: ['credentials'],
    advice: [{ do: 'install', platforms: ['arm64'] }],
    sources: [
      github('multiarch/qemu-user-static/issues/17'),
      github('armbian/build/issues/8985'),
      github('containers/podman/issues/20443'),
    ],
  },
  {
    id: 'applet-not-found',
    messages: ['applet not found'],
    cause:
      'the entry has no flag P: programs see their path instead of the name that they were started by, and busybox chooses its applet by that name',
    checks: ['argv0'],
    advice: [{ do: 'install', platforms: ['arm64'] }],
    sources: [github('docker/for-mac/issues/6127')],
  },
  {
    id: 'error-while-loading',
    messages: ['Error while loading /usr/bin/qemu-…', 'Error while loading /…'],
    cause:
      'QEMU was given something else than the program: arguments are shifted because of flag P on an old kernel, or the emulator is itself emulated',
    checks: ['emulated', 'argv0-kernel', 'emulator-fails'],
    advice: [],
    sources: [github('tonistiigi/binfmt/pull/78')],
  },
  {
    id: 'invalid-elf-image',
    messages: ['Invalid ELF image for this architecture'],
    cause: 'an emulator was given a program of another architecture: an entry matches more than it should',
    checks: ['wide-magic', 'wrong-magic', 'emulator-fails'],
    advice: [],
    sources: [],
  },
  {
    id: 'permission-denied',
    messages: [
      'exec /bin/sh: permission denied',
      'exec /…: permission denied',
      'exec user process caused…permission denied',
    ],
    cause:
      'the file, or its emulator, may not be executed: SELinux or AppArmor forbids it to the container, or the file is not executable (chmod +x)',
    checks: ['emulator-label', 'confinement', 'emulator-fails'],
    advice: [{ do: 'install', platforms: ['arm64'], because: 'label' }],
    sources: [github('containers/podman/issues/25318')],
  },
  {
    id: 'cannot-mount',
    messages: [
      'cannot mount binfmt_misc filesystem at /proc/sys/fs/binfmt_misc',
      'mount: permission denied (are you root?)',
      'this is a user namespace',
    ],
    cause: 'the container may not mount binfmt_misc, or the kernel has none',
    checks: ['user-namespace', 'permission', 'kernel-module', 'mount-failed', 'confinement', 'read-only'],
    advice: [{ do: 'install', platforms: ['all'] }],
    sources: [
      github('dbhi/qus/issues/18'),
      github('nestybox/sysbox/issues/823'),
      github('catthehacker/docker_images/issues/112'),
    ],
  },
  {
    id: 'userns-remap',
    messages: ['privileged mode is incompatible with user namespaces'],
    cause:
      'the Docker Engine runs containers in a user namespace (userns-remap), in which none may be privileged; the entries of the host can be changed only from the user namespace of the host',
    checks: ['user-namespace'],
    advice: [{ do: 'consider', what: 'use-host-user-namespace' }],
    sources: [github('moby/moby/issues/17409'), github('buildkite/elastic-ci-stack-for-aws/issues/538')],
  },
  {
    id: 'automount-dead',
    messages: ['/proc/sys/fs/binfmt_misc: Too many levels of symbolic links'],
    cause: 'the automount point of binfmt_misc is dead: nothing mounts binfmt_misc there any more',
    checks: ['dead-automount'],
    advice: [{ do: 'restart-automount' }, { do: 'replace-automount' }],
    sources: [github('DamionGans/ubuntu-wsl2-systemd-script/issues/15'), github('nullpo-head/wsl-distrod/issues/38')],
  },
  {
    id: 'no-binfmt',
    messages: [
      '/proc/sys/fs/binfmt_misc/register: Directory nonexistent',
      'binfmt_misc/register: no such file or directory',
      'binfmt_misc: no such device',
      "Couldn't load the binfmt_misc module",
    ],
    cause: 'the kernel has no binfmt_misc, its module is not loaded, or nobody has mounted it',
    checks: ['kernel-module', 'automount', 'vanishing', 'mount-failed'],
    advice: [{ do: 'load-module' }, { do: 'mount-on-host' }],
    sources: [
      github('postmarketOS/pmbootstrap/issues/529'),
      github('siderolabs/pkgs/issues/803'),
      github('vegardit/docker-gitea-act-runner/issues/51'),
    ],
  },
  {
    id: 'register-invalid-argument',
    messages: ['register: invalid argument', 'sh: write error: Invalid argument'],
    cause:
      'the kernel does not accept the text of the entry; or the entry has flag F, and the kernel is older than Linux 4.8',
    checks: ['old-kernel', 'catches-native'],
    advice: [],
    sources: [github('tonistiigi/binfmt/issues/92'), github('multiarch/qemu-user-static/issues/38')],
  },
  {
    id: 'register-no-space',
    messages: ['binfmt_misc/register: no space left on device', 'binfmt_misc…no space left on device'],
    // Measured with Linux 7.3.
    cause: 'since Linux 7.3 a setting limits how many emulators the kernel keeps open for entries with flag F',
    checks: ['interpreter-limit'],
    advice: [{ do: 'set-sysctl', setting: 'user.max_binfmt_misc_interpreters', value: 256 }],
    sources: [],
  },
  {
    id: 'register-file-exists',
    messages: ['sh: write error: File exists', 'register: file exists', 'binfmt_misc…File exists'],
    cause:
      'the name is registered already. Other tools leave the old entry as it is, even if it is broken; this program replaces a broken one',
    checks: [
      'disabled-entry',
      'wrong-magic',
      'not-in-containers',
      'dynamic-emulator',
      'emulator-fails',
      'old-emulator',
    ],
    advice: [{ do: 'install', platforms: ['arm64'] }],
    sources: [github('multiarch/qemu-user-static/issues/49')],
  },
  {
    id: 'nothing-stays',
    messages: ['"emulators": null', 'the registrations would vanish', 'entries would vanish'],
    cause:
      'what a container registers is gone when it ends: the host does not keep binfmt_misc mounted, or the container had a binfmt_misc of its own. Other tools report success nevertheless; this program refuses',
    checks: ['vanishing', 'automount', 'user-namespace', 'nothing-installed'],
    advice: [{ do: 'mount-on-host' }, { do: 'watch', platforms: ['all'] }],
    sources: [github('tonistiigi/binfmt/issues/360'), github('tonistiigi/binfmt/issues/288')],
  },
];

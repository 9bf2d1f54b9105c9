/** Messages of commands in builds and containers that run, and then fail or are slow. */
import type { KnownProblem } from '../known-problem.js';
import { buildElsewhere, install, step, variable } from './helps.js';

export const builds: readonly KnownProblem[] = [
  {
    id: 'slow-pointer-authentication',
    messages: ['very slow arm64 builds with Debian 13 (trixie) or Ubuntu 24.04 (noble)', 'builds are slow'],
    kinds: [
      /^(it is )?very slow\.?$/,
      /\b(slow|very slow) (build|emulat|arm64|qemu)/,
      /(arm64|qemu|emulat\w+)\b.*\bvery slow/,
    ],
    // Measured for two million signed and checked pointers: 2.9 s with QEMU 7.2, 0.1 s with that QEMU_CPU, or with 10.0.
    cause:
      'before version 10, QEMU computes pointer authentication of arm64 exactly, and very slowly. Programs of Debian 13, Ubuntu 24.04 and later use it in every function, and take three to seven times as long',
    where: { architectures: ['arm64'], from: '4.0', before: '10.0' },
    warning: {
      summary: 'QEMU before version 10, which is slow for arm64 programs that use pointer authentication',
      title: 'programs of Debian 13, Ubuntu 24.04 and later are very slow',
    },
    fixedHere: true,
    checks: ['native'],
    advice: [variable('linux/arm64', 'QEMU_CPU', 'max,pauth-impdef=on')],
    sources: [
      'docker-library/python#1072',
      'armbian/build#9371',
      'lueschem/edi-pi#34',
      'ClangBuiltLinux/boot-utils#62',
    ],
  },
  {
    id: 'tar-openat2',
    messages: ['tar: …: Cannot mkdir: Function not implemented', 'tar: …: Cannot open: Function not implemented'],
    kinds: [
      /tar: .*: cannot (open|mkdir|stat|unlink|rename|mknod|readlink|(create|hard link|make) .*): function not implemented/,
      /openat2.*function not implemented/,
    ],
    // Measured: test/limits/programs.test.ts.
    cause:
      'QEMU before version 9.2 lacks the system call openat2. The tar of Ubuntu 26.04, and of distributions with the security update of tar, needs it to unpack anything',
    where: { before: '9.2' },
    warning: {
      summary: 'QEMU before version 9.2, in which newer versions of tar cannot unpack anything',
      title: 'tar of Ubuntu 26.04 and of updated distributions cannot unpack anything',
    },
    fixedHere: true,
    advice: [],
    sources: ['armbian/build#10713', 'myoung34/docker-github-actions-runner#650', 'abiosoft/colima#1613'],
  },
  {
    id: 'tar-invalid-argument',
    messages: [
      'tar: …: Cannot open: Invalid argument',
      'tar: …: Cannot mkdir: Invalid argument',
      'openat2…Invalid argument',
    ],
    kinds: [/tar: .*: cannot (stat|unlink|rename|(create|hard link) .*): invalid argument/],
    cause:
      'the emulator is linked with musl, and translates the flags of openat2 wrongly. Newer versions of tar use that system call for everything that they unpack (UBI 9 and 10, AlmaLinux, Ubuntu with security updates)',
    where: { architectures: ['arm64'], from: '9.2', before: '10.1.3', otherLibc: true },
    warning: {
      summary: 'an emulator that is linked with musl and translates openat2 wrongly',
      title: 'newer versions of tar cannot unpack anything',
    },
    fixedHere: true,
    advice: [],
    sources: [
      'tonistiigi/binfmt#285',
      'tonistiigi/binfmt#287',
      'elastic/elasticsearch#155888',
      'myoung34/docker-github-actions-runner#650',
      'https://gitlab.com/qemu-project/qemu/-/issues/3262',
    ],
  },
  {
    id: 'fakeroot-semop',
    messages: ['semop(1): encountered an error: Function not implemented'],
    kinds: [/(semop|semtimedop|fakeroot\b).*function not implemented/],
    cause:
      'QEMU before version 5.2 does not have the system call semtimedop, which fakeroot needs with glibc 2.31 and later (Ubuntu 20.04, Debian 11)',
    where: { before: '5.2' },
    fixedHere: true,
    advice: [step('until then, in the image', 'update-alternatives --set fakeroot /usr/bin/fakeroot-tcp')],
    sources: [
      'docker/for-mac#5879',
      'osrf/multiarch-docker-image-generation#36',
      'Robertof/nixos-docker-sd-image-builder#12',
    ],
  },
  {
    id: 'no-ptrace',
    messages: [
      'ptrace: Function not implemented',
      'ptrace…Function not implemented',
      'Could not trace the inferior process',
    ],
    kinds: [/ptrace(_\w+)?\b.*(function not implemented|\benosys\b)/],
    cause: 'no version of QEMU emulates the system call ptrace. Without it, gdb, strace, ltrace and py-spy do not work',
    advice: [{ do: 'consider', what: 'trace-from-outside' }],
    sources: ['docker/for-mac#5191', 'docker/for-mac#5766', 'benfred/py-spy#530', 'multiarch/qemu-user-static#165'],
  },
  {
    id: 'no-asynchronous-io',
    messages: ['io_setup() failed with ENOSYS', 'io_uring_queue_init: Function not implemented'],
    kinds: [
      /\bio_(uring_)?(queue_init|setup)\b.*(function not implemented|\benosys\b|errno.? 38)/,
      /native aio interface is not supported/,
    ],
    cause: 'QEMU does not emulate the system calls of libaio and io_uring, in any version',
    advice: [step('switch them off in the program (MySQL and MariaDB: innodb_use_native_aio=0)'), buildElsewhere],
    sources: ['multiarch/qemu-user-static#114', 'docker/for-mac#6921'],
  },
  {
    id: 'unknown-system-call',
    general: true,
    messages: ['Function not implemented', 'qemu: Unsupported syscall: 382'],
    kinds: [/unsupported syscall/],
    cause:
      'probably this version of QEMU does not know the system call that the program makes. Newer versions know more of them',
    checks: ['old-emulator'],
    advice: [install('all'), step('see which one it is: set QEMU_STRACE=1 in the environment of the program')],
    sources: [
      'armbian/build#924',
      'docker/setup-qemu-action#159',
      'multiarch/qemu-user-static#114',
      'osrf/multiarch-docker-image-generation#34',
    ],
  },
  {
    id: 'netfilter',
    messages: ['iptables: Failed to initialize nft: Protocol not supported'],
    kinds: [/failed to initialize nft: protocol not supported/, /iptables who\? \(do you need to insmod/],
    cause:
      'QEMU does not emulate what iptables and nft use to talk to the kernel. If the program is not emulated, the kernel lacks a module for them',
    advice: [step('set the rules on the host, or in a container for its own platform')],
    sources: ['multiarch/qemu-user-static#191', 'multiarch/qemu-user-static#171', 'tonistiigi/binfmt#107'],
  },
  {
    id: 'value-too-large',
    messages: ['Value too large for defined data type', 'Value too large for data type'],
    cause:
      'the inode numbers of the file system need more than 32 bits. A 32-bit program that was built without large-file support cannot read them. This happens with Cargo, CMake and vcpkg, for example',
    where: { bits: 32 },
    advice: [{ do: 'consider', what: 'keep-directory-in-memory' }, buildElsewhere],
    sources: [
      'docker/buildx#395',
      'rust-lang/cargo#8719',
      'crazy-max/ghaction-docker-buildx#172',
      'microsoft/vcpkg#21189',
    ],
  },
  {
    id: 'ldconfig-crash',
    messages: [
      'dpkg: error processing package libc-bin (--configure)',
      'installed libc-bin package post-installation script subprocess returned error exit status 139',
      'Processing triggers for libc-bin…Segmentation fault',
    ],
    cause:
      'with several versions of QEMU up to 9.2.1, ldconfig of Debian 11 and Ubuntu 22.04 crashes. Every installation of a library starts ldconfig. One report, not yet answered, names QEMU 10.1.3 too',
    where: { architectures: ['arm64'], before: '9.2.2' },
    fixedHere: true,
    checks: ['strong-randomization', 'emulator-crash', 'intermittent'],
    advice: [],
    sources: [
      'tonistiigi/binfmt#231',
      'tonistiigi/binfmt#245',
      'tonistiigi/binfmt#298',
      'docker/setup-qemu-action#201',
      'multiarch/qemu-user-static#212',
    ],
  },
  {
    id: 'dotnet-hangs',
    messages: ['Determining projects to restore', 'dotnet restore hangs'],
    hangs: true,
    cause:
      '.NET does not support emulation by QEMU. .NET 6, 7 and early releases of 8 hang or crash, because they map code twice, once to write and once to execute it',
    advice: [
      { do: 'consider', what: 'update-dotnet' },
      variable('linux/amd64', 'DOTNET_EnableWriteXorExecute', '0'),
      buildElsewhere,
    ],
    sources: ['dotnet/runtime#97228', 'dotnet/dotnet-docker#3338', 'NuGet/Home#12227'],
  },
  {
    id: 'harmless-notice',
    harmless: true,
    messages: [
      '<jemalloc>: MADV_DONTNEED does not work (memset will be used instead)',
      'Unsupported ancillary data: 0/2',
      'Unknown host QEMU_IFLA type: 50',
      'Unsupported setsockopt level=270 optname=11',
    ],
    kinds: [
      /\bmadv_dontneed does not work/,
      /unsupported (ancillary data|ioctl: cmd=|[gs]etsockopt level=)/,
      /unknown (host |target )?qemu_ifla/,
    ],
    cause:
      'this notice is harmless. QEMU does not support something that the program asks for, and the program continues without it. Only tools that set up networks may fail',
    advice: [step('ignore it, if nothing else fails')],
    sources: ['docker/for-mac#6479', 'multiarch/qemu-user-static#59', 'nextcloud/nextcloudpi#1122'],
  },
];

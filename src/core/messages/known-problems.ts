/**
 * What people have reported in public about emulators and hosts: one table, a row for each problem
 * (src/core/doctor/known-problem.ts explains the fields).
 * What a row says about versions was reported at its sources; what was measured here too, a comment says.
 */
import type { Advice } from '../advice.js';
import type { KnownProblem } from '../doctor/known-problem.js';
import { guestProblems } from './known-guest-problems.js';
import { machineMessages } from './known-machine-messages.js';

const github = (thread: string) => `https://github.com/${thread}`;
const cpu = (platform: string, value: string): Advice => {
  return { do: 'set-variable', variable: 'QEMU_CPU', value, platform };
};

/** Emulators that are known to be bad. */
const emulatorProblems: readonly KnownProblem[] = [
  {
    id: 'slow-pointer-authentication',
    messages: [
      'very slow arm64 builds with Debian 13 (trixie) or Ubuntu 24.04 (noble)',
      'very slow',
      'slow build',
      'builds are slow',
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
    advice: [cpu('linux/arm64', 'max,pauth-impdef=on')],
    sources: [
      github('docker-library/python/issues/1072'),
      github('armbian/build/pull/9371'),
      github('lueschem/edi-pi/issues/34'),
      github('ClangBuiltLinux/boot-utils/pull/62'),
    ],
  },
  {
    id: 'strong-randomization',
    messages: ['programs crash at random on Ubuntu 24.04 (vm.mmap_rnd_bits = 32)', 'vm.mmap_rnd_bits'],
    cause:
      'the emulator was built for one fixed address (it is not a PIE). Kernels that randomize addresses strongly, such as those of Ubuntu 24.04, put other things there now and then, and programs crash at random',
    where: { fixedAddress: true },
    warning: {
      summary: 'an emulator that is not position-independent, on a kernel that randomizes addresses strongly',
      title: 'programs crash at random',
    },
    fixedHere: true,
    advice: [{ do: 'set-sysctl', setting: 'vm.mmap_rnd_bits', value: 28, until: 'fixed' }],
    sources: [
      github('tonistiigi/binfmt/issues/215'),
      github('actions/runner-images/issues/11471'),
      'https://bugs.debian.org/cgi-bin/bugreport.cgi?bug=1087822',
      'https://gitlab.com/qemu-project/qemu/-/issues/1763',
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
      github('tonistiigi/binfmt/issues/231'),
      github('tonistiigi/binfmt/issues/245'),
      github('tonistiigi/binfmt/issues/298'),
      github('docker/setup-qemu-action/issues/201'),
      github('multiarch/qemu-user-static/issues/212'),
    ],
  },
  {
    id: 'tar-invalid-argument',
    messages: [
      'tar: …: Cannot open: Invalid argument',
      'tar: …: Cannot mkdir: Invalid argument',
      'openat2…Invalid argument',
    ],
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
      github('tonistiigi/binfmt/issues/285'),
      github('tonistiigi/binfmt/pull/287'),
      github('elastic/elasticsearch/pull/155888'),
      'https://gitlab.com/qemu-project/qemu/-/issues/3262',
    ],
  },
  {
    id: 'old-processor-model',
    messages: ['Fatal glibc error: CPU does not support x86-64-v2'],
    // Measured: with QEMU_CPU=qemu64 the probe finds v1; with max it finds v3, in QEMU 7.2, 10.0 and 11.1.
    cause:
      'before version 7.2, QEMU emulates the oldest amd64 processor unless it is told otherwise. RHEL 9, UBI 9, CentOS Stream 9 and AlmaLinux 9 need x86-64-v2',
    where: { architectures: ['amd64'], belowLevel: 2 },
    warning: {
      summary: 'the emulated amd64 processor is too old for RHEL 9 and similar systems',
      title: 'programs of RHEL 9, UBI 9 and similar systems do not start',
    },
    fixedHere: true,
    advice: [cpu('linux/amd64', 'max')],
    sources: [
      github('containers/podman/issues/15456'),
      'https://gitlab.com/qemu-project/qemu/-/commit/d135f781405f7c78153aa65e0327b05a4aa72e50',
    ],
  },
  {
    id: 'no-x86-64-v3',
    messages: ['Fatal glibc error: CPU does not support x86-64-v3'],
    // Measured: QEMU 7.2 and later have v3.
    cause: 'RHEL 10, UBI 10 and CentOS Stream 10 need x86-64-v3. QEMU emulates it since version 7.2; Rosetta does not',
    where: { architectures: ['amd64'], belowLevel: 3 },
    fixedHere: true,
    advice: [],
    sources: [github('crc-org/vfkit/issues/265'), github('kuvasz-uptime/kuvasz/issues/346')],
  },
];

/** Hosts on which some emulators do not work. */
const hostProblems: readonly KnownProblem[] = [
  {
    id: 'no-aarch32',
    messages: ['linux/arm/v7…exec format error', 'linux/arm/v6…exec format error', 'arm32v7…exec format error'],
    cause:
      'many arm64 processors run no 32-bit programs (those of Apple, ThunderX, and newer ones of ARM), and container engines assume that all do. Such programs need an emulator, as those of any other architecture',
    where: { architectures: ['arm'], host: 'arm64', notNative: true },
    checks: ['no-entry', 'disabled-entry', 'not-in-containers', 'dynamic-emulator'],
    advice: [{ do: 'install', platforms: ['arm'] }],
    sources: [github('dbhi/qus/issues/4'), github('containers/podman/issues/19324')],
  },
  {
    id: 'large-pages',
    messages: [
      'PageSize configuration is wrong: configured with 4096, but got 16384',
      'PageSize configuration is wrong',
      'Unsupported system page size',
      'ELF load command address/offset not page-aligned',
    ],
    cause:
      'the kernel of this machine uses pages of 16 or 64 KiB (Raspberry Pi 5, Asahi Linux). box64 has to be built for that, FEX does not run at all, and neither do many 32-bit programs',
    where: { largePages: true },
    advice: [{ do: 'consider', what: 'use-4k-pages' }],
    sources: [
      github('ryanfortner/box64-debs/issues/26'),
      github('FEX-Emu/FEX/issues/3496'),
      github('ptitSeb/box86/issues/912'),
      github('thijsvanloef/palworld-server-docker/issues/930'),
    ],
  },
];

/** The commonest first; those that apply to the machine are explained before the others. */
export const knownProblems: readonly KnownProblem[] = [
  ...machineMessages,
  ...guestProblems,
  ...emulatorProblems,
  ...hostProblems,
];

/** Messages about packages of distributions, and of images that are newer than the host's kernel or container engine. */
import type { KnownProblem } from '../known-problem.js';
import { step, variable } from './helps.js';

const updateSeccomp = step('on the host, update libseccomp2 (2.5 or later) and the Docker Engine (20.10.10 or later)');

export const distribution: readonly KnownProblem[] = [
  {
    id: 'package-not-found',
    messages: [
      'E: Package qemu-user-static has no installation candidate',
      'Unable to locate package qemu-user-static',
    ],
    kinds: [
      /(locate package|no package|for argument:|a match:|target not found:|provider of|e: package) (qemu-user(-static|-binfmt)?|binfmt-support)\b/,
      /qemu-[\w-]+ \(no such package\)/,
      /package qemu-user\S* is not available/,
      /update-binfmts: (command )?not found/,
    ],
    unless: /(error|errors were encountered while) processing|setting up|unpacking|selecting/,
    cause:
      'this distribution has no such package, or the package lists are missing. Debian 13, Ubuntu 25.10 and later call it qemu-user-binfmt, and RHEL has no such package. To get the lists, run apt-get update, and on Ubuntu enable universe',
    advice: [
      { do: 'persist', platforms: ['all'] },
      step('on Debian 13, Ubuntu 25.10 and later', 'sudo apt-get install qemu-user-binfmt'),
    ],
    sources: ['ubports/crossbuilder#84', 'go-debos/debos#648', 'grpc/grpc#41515'],
  },
  {
    id: 'foreign-package-index',
    messages: ['E: Failed to fetch http://archive.ubuntu.com/…/binary-arm64/Packages  404  Not Found'],
    kinds: [
      /\b(err|ign)(:\d+)? \S*(archive|security)\.ubuntu\.com\S* \S+ (arm64|armhf|ppc64el|riscv64|s390x) packages/,
      /unable to locate package \S+:(arm64|armhf|ppc64el|riscv64|s390x)\b/,
      /package \S+:(arm64|armhf|ppc64el|riscv64|s390x) has no installation candidate/,
      /(?<!ports\S*)\/ubuntu\/dists\/\S*binary-(arm64|armhf|ppc64el|riscv64|s390x)\/packages\S* 404/,
      /ubuntu\.com\/ubuntu\b.*doesn.?t support architecture (arm64|armhf|ppc64el|riscv64|s390x)/,
    ],
    cause:
      "no emulator is at fault. Either the architecture is not enabled in apt, or apt asks the wrong server. Ubuntu's main servers have amd64, i386 and, since 25.10, arm64. Packages for other processors are on ports.ubuntu.com",
    advice: [
      step('enable the architecture in apt', 'sudo dpkg --add-architecture arm64 && sudo apt-get update'),
      step(
        'on Ubuntu, add the source http://ports.ubuntu.com/ubuntu-ports with "Architectures: arm64" to /etc/apt, and give the other sources "Architectures: amd64 i386"',
      ),
    ],
    sources: [
      'canonical/curtin#34',
      'cross-rs/cross#1769',
      'actions/runner-images#10901',
      'conan-io/conan-center-index#26326',
      'docker-library/buildpack-deps#122',
    ],
  },
  {
    id: 'time-of-32-bit-programs',
    messages: ['Cannot utime: Operation not permitted', 'cannot read realtime clock: Operation not permitted'],
    kinds: [
      /(pyinit|init_interp)_main: can.?t initialize time/,
      /no monotonic clock was available/,
      /uv_gettimeofday\(&tv\)/,
    ],
    cause:
      'no emulator is at fault. If the image is a 32-bit one, the container engine of the host is too old. Its seccomp filter blocks the system calls with which programs of Ubuntu 20.04, Debian 11, Alpine 3.13 and later read the time. With a 64-bit image, the file or directory belongs to another user',
    advice: [
      updateSeccomp,
      step('to see whether that is it', 'docker run --security-opt seccomp=unconfined --platform linux/arm/v7 IMAGE'),
    ],
    sources: ['moby/moby#40734', 'dotnet/dotnet-docker#1747', 'tianon/docker-brew-ubuntu-core#196'],
  },
  {
    id: 'wrong-clock',
    messages: [
      'gpg: key … was created 16088 days in the future (time warp or clock problem)',
      'Release file … is not valid yet',
      'At least one invalid signature was encountered',
    ],
    kinds: [
      /created \d+ \w+ in the future \(time warp/,
      /release file for .* is not (valid yet|yet valid)/,
      /certificate.* (not yet (valid|activated)|not valid yet)/,
      /not yet valid certificate/,
    ],
    cause:
      'the clock in the container is probably wrong. If date shows 1970 there, the container engine of the host is too old and blocks 32-bit programs from reading the time. Otherwise the clock of the host is wrong. A full disk also makes signatures invalid',
    advice: [step('compare', 'docker run --rm --platform linux/arm/v7 IMAGE date; date'), updateSeccomp],
    sources: ['pikvm/pikvm#133', 'phusion/baseimage-docker#549', 'tianon/docker-brew-ubuntu-core#184'],
  },
  {
    id: 'old-seccomp',
    messages: [
      'runtime/cgo: pthread_create failed: Operation not permitted',
      'getaddrinfo() thread failed to start',
      'make: /bin/sh: Operation not permitted',
    ],
    kinds: [
      /(clone3|faccessat2|pthread_create failed).*(operation not permitted|permission denied|\(eperm\))/,
      /\(uv_thread_create\(/,
      /\bmake(\[\d+\])?: \S+: operation not permitted/,
    ],
    cause:
      'no emulator is at fault. The container engine of the host is too old, and forbids system calls that new C libraries need: clone3 (glibc 2.34 and later) and faccessat2 (Alpine 3.14 and later)',
    advice: [updateSeccomp],
    sources: ['moby/moby#42680', 'docker-library/golang#467', 'alpinelinux/docker-alpine#182', 'nodejs/node#48444'],
  },
  {
    id: 'kernel-too-old',
    messages: ['FATAL: kernel too old'],
    cause:
      "the C library in the image needs a newer kernel than this machine has. An emulator reports the machine's version unless you set another one",
    advice: [
      step('use a machine with a newer kernel, or an older image'),
      variable('linux/arm64', 'QEMU_UNAME', '5.19'),
    ],
    sources: ['dockcross/dockcross#274', 'mark-kubacki/apt-image#14'],
  },
];

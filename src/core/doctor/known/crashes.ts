/** Messages of programs and emulators that crash, or that say what they miss and end. */
import type { KnownProblem } from '../known-problem.js';
import { buildElsewhere, install, step, useQemu, variable } from './helps.js';

export const crashes: readonly KnownProblem[] = [
  {
    id: 'segmentation-fault',
    general: true,
    messages: [
      'qemu: uncaught target signal 11 (Segmentation fault) - core dumped',
      'Segmentation fault',
      'QEMU internal SIGSEGV',
      'exit code: 139',
    ],
    kinds: [
      /\b(exit|exited|non-zero|status).{0,12}[ :=]139\b/,
      /interrupted by sigsegv/,
      /qemu internal sigbus/,
      /signal: 11\b/,
      /\bsigsegv \(0xb\)/,
      /\bsignal:? sigsegv\b(?!:)/,
      /terminated by (signal )?sigsegv/,
      /segfault at .* in qemu-(?!system|kvm)\w+/,
    ],
    cause:
      'an emulated program, or the emulator itself, accessed memory that does not belong to it. If the program runs on a native machine, the emulator is probably at fault, and a newer one may work',
    checks: [
      'strong-randomization',
      'vsyscall-page',
      'emulator-crash',
      'intermittent',
      'emulator-label',
      'old-emulator',
    ],
    advice: [{ do: 'examine', options: ['--repeat', '100'] }, buildElsewhere],
    sources: ['tonistiigi/binfmt#215', 'docker/buildx#1170', 'docker/for-win#15004'],
  },
  {
    id: 'vsyscall-page',
    messages: ['qemu-x86_64: QEMU internal SIGSEGV {code=MAPERR, addr=0x20}'],
    kinds: [
      /x86_64\S*: qemu internal sigsegv/,
      /(?<!(aarch64|arm|riscv64|ppc64le|s390x)\S*): qemu internal sigsegv \{code=maperr, addr=0x20\}/,
    ],
    cause:
      'QEMU 8.2.0 to 8.2.9 (Ubuntu 24.04 has 8.2.2) crashes now and then when an amd64 program reads its memory map, because of the vsyscall page. The program is not at fault',
    where: { architectures: ['amd64'], from: '8.2.0', before: '8.2.10' },
    warning: {
      summary: 'QEMU 8.2.0 to 8.2.9, which crashes in amd64 programs because of the vsyscall page',
      title: 'the emulator crashes now and then (vsyscall page)',
    },
    fixedHere: true,
    advice: [],
    sources: [
      'lance-format/lance#7902',
      'lance-format/lance#7977',
      'https://gitlab.com/qemu-project/qemu/-/issues/2170',
    ],
  },
  {
    id: 'rosetta-not-used',
    messages: ['error: rustc interrupted by SIGSEGV, printing backtrace'],
    cause:
      'programs for amd64 probably run with QEMU, not with Rosetta. Even if podman machine inspect says "Rosetta": true, the machine uses Rosetta only if it has the file /etc/containers/enable-rosetta',
    where: { architectures: ['amd64'], host: 'arm64' },
    advice: [
      step(
        'with Podman 5, run this, and then restart the machine',
        'podman machine ssh sudo touch /etc/containers/enable-rosetta',
      ),
      step('with Podman 6: put rosetta = true under [machine] in containers.conf, and create the machine again'),
    ],
    sources: ['containers/podman#28181', 'podman-desktop/podman-desktop#16168'],
  },
  {
    id: 'illegal-instruction',
    general: true,
    messages: [
      'qemu: uncaught target signal 4 (Illegal instruction) - core dumped',
      'Illegal instruction',
      'exit code: 132',
    ],
    kinds: [
      /\b(exit|exited|non-zero|status).{0,12}[ :=]132\b/,
      /\bsigill \(0x4\)/,
      /\bsignal:? sigill\b(?!:)/,
      /terminated by (signal )?sigill/,
    ],
    cause:
      'an emulated program uses an instruction that the emulated processor does not have, or that this version of QEMU emulates wrongly. This happens with Node.js 20 and later (npm, pnpm), for example. QEMU 9.2.2 fixed some of the reported builds, but not all',
    checks: ['emulator-crash', 'cpu-level', 'old-processor-model', 'old-emulator'],
    advice: [install('all'), buildElsewhere],
    sources: ['docker/buildx#521', 'raaymax/quack#312', 'seebom-labs/BOMHort#183', 'Kuadrant/mcp-gateway#687'],
  },
  {
    id: 'other-signal',
    general: true,
    messages: ['qemu: uncaught target signal 5 (Trace/breakpoint trap) - core dumped'],
    kinds: [/uncaught target signal (?!(4|11) )\d+/, /trace\/breakpoint trap/],
    cause:
      'the program stopped because of an unexpected error. Probably the emulator is old and lacks a feature. This happens with Chrome, for example',
    checks: ['emulator-crash', 'old-emulator'],
    advice: [install('all'), step("use a build of the program for the machine's own platform")],
    sources: ['docker/for-mac#5766'],
  },
  {
    id: 'emulator-assertion',
    messages: [
      'Assertion failed: p_rcu_reader->depth != 0 (/qemu/include/qemu/rcu.h: rcu_read_unlock: 102)',
      'ERROR:../accel/tcg/cpu-exec.c:532:cpu_exec_longjmp_cleanup: assertion failed: (cpu == current_cpu)',
    ],
    kinds: [
      /assertion failed: .*\(\S*(\/qemu|translate)/,
      /(accel|tcg|linux-user)\/\S+\.c(\.inc)?:\d+:.*assert/,
      /target\/\w+\/(tcg|translate)\S*\.c(\.inc)?:\d+:.*assert/,
      /(?<![\w-])(\S*\/)?(qemu-(?!system|kvm)\S+|\w+-binfmt-p): \S+\.[ch](\.inc)?:\d+:.*assert/,
      /\btcg fatal error/,
      /\bqemu: (unhandled cpu exception|fatal:)/,
      /(?<!kvm\b.*)qemu_mutex_lock_impl|cpu_exec_longjmp_cleanup|cpu_exec_setjmp/,
    ],
    cause: 'this version of QEMU has a bug that the program triggers. The program is not at fault',
    checks: ['old-emulator'],
    advice: [install('all'), buildElsewhere],
    sources: ['tonistiigi/binfmt#90', 'tonistiigi/binfmt#104', 'NixOS/nix#9074'],
  },
  {
    id: 'guest-address-space',
    messages: [
      'qemu-arm-static: Unable to reserve 0xffff0000 bytes of virtual address space at 0x1000 (Success) for use as guest address space',
      'Unable to find a guest_base to satisfy all guest address mapping requirements',
      'Allocating guest commpage: …',
    ],
    kinds: [
      /unable to reserve 0x[0-9a-f]+ bytes of virtual address space/,
      /requires virtual address space that is in use/,
    ],
    cause:
      'the emulator was linked for a fixed address, as QEMU 5.2 of several distributions was, and occupies memory that the program needs. More memory and the option -R do not help, but another emulator probably does',
    checks: ['strong-randomization', 'old-emulator'],
    advice: [install('all')],
    sources: ['balena-io/qemu#21', 'multiarch/alpine#39', 'https://gitlab.com/qemu-project/qemu/-/issues/2082'],
  },
  {
    id: 'program-address',
    messages: ['qemu-arm-static: …: Error mapping file: Cannot allocate memory'],
    kinds: [/: error mapping file: /],
    cause:
      'the address for which the program was linked does not fit into the address space of its processor. There is no lack of memory',
    advice: [step('link the program to a lower address')],
    sources: ['LedgerHQ/speculos#183'],
  },
  {
    id: 'go-lfstack',
    messages: ['runtime: lfstack.push invalid packing', 'fatal error: lfstack.push'],
    cause:
      'Go keeps addresses of amd64 in 47 bits, and QEMU on an arm64 machine gives its programs higher ones. New versions of QEMU have not changed that: it was reported with 10.0',
    where: { architectures: ['amd64'], host: 'arm64' },
    advice: [buildElsewhere],
    sources: ['golang/go#69255', 'tonistiigi/binfmt#269', 'argoproj/argo-cd#26916'],
  },
  {
    id: 'strong-randomization',
    messages: ['programs crash at random on Ubuntu 24.04 (vm.mmap_rnd_bits = 32)', 'vm.mmap_rnd_bits'],
    cause:
      'the emulator is not a PIE: it was built for one fixed address. A kernel that randomizes addresses strongly, such as that of Ubuntu 24.04, sometimes puts something else there, and the program crashes',
    where: { fixedAddress: true },
    warning: {
      summary: 'an emulator that is not position-independent, on a kernel that randomizes addresses strongly',
      title: 'programs crash at random',
    },
    fixedHere: true,
    advice: [{ do: 'set-sysctl', setting: 'vm.mmap_rnd_bits', value: 28, until: 'fixed' }],
    sources: [
      'tonistiigi/binfmt#215',
      'actions/runner-images#11471',
      'https://bugs.debian.org/cgi-bin/bugreport.cgi?bug=1087822',
      'https://gitlab.com/qemu-project/qemu/-/issues/1763',
    ],
  },
  {
    id: 'old-processor-model',
    messages: ['Fatal glibc error: CPU does not support x86-64-v2'],
    // Measured: with QEMU_CPU=qemu64 the probe finds v1; with max it finds v3, in QEMU 7.2, 10.0 and 11.1.
    cause:
      'unless told otherwise, QEMU before version 7.2 emulates the oldest amd64 processor. RHEL 9, UBI 9, CentOS Stream 9 and AlmaLinux 9 need x86-64-v2. If this happens in a virtual machine and nothing is emulated, the processor model of that machine is too old',
    where: { architectures: ['amd64'], belowLevel: 2 },
    warning: {
      summary: 'the emulated amd64 processor is too old for RHEL 9 and similar systems',
      title: 'programs of RHEL 9, UBI 9 and similar systems do not start',
    },
    fixedHere: true,
    advice: [variable('linux/amd64', 'QEMU_CPU', 'max'), step('in a virtual machine, choose the CPU type "host"')],
    sources: [
      'containers/podman#15456',
      'wazuh/wazuh-packages#3007',
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
    sources: ['crc-org/vfkit#265', 'kuvasz-uptime/kuvasz#346'],
  },
  {
    id: 'rosetta-and-new-kernel',
    messages: ['rosetta error: unhandled auxillary vector type 28', 'Failed to find vdso DT_HASH'],
    kinds: [/unhandled auxill?i?ary vector type/, /futex\(futex_lock_pi_private\) failure/],
    cause: 'probably the Linux kernel of the virtual machine is newer than this version of Rosetta expects',
    where: { architectures: ['amd64'], host: 'arm64' },
    advice: [step('update macOS, or use an older kernel in the virtual machine'), useQemu],
    sources: ['abiosoft/colima#855', 'containers/podman-machine-os#98', 'utmapp/UTM#6771', 'docker/for-mac#7037'],
  },
  {
    id: 'rosetta-elsewhere',
    messages: ['rosetta error: Rosetta is only intended to run on Apple Silicon'],
    cause:
      "Rosetta's file was copied or mounted into a virtual machine that Virtualization.framework did not start with Rosetta switched on",
    where: { architectures: ['amd64'], host: 'arm64' },
    advice: [
      { do: 'uninstall', entries: ['rosetta'] },
      { do: 'install', platforms: ['amd64'] },
    ],
    sources: ['mrexodia/rosetta-multipass#2'],
  },
  {
    id: 'rosetta-system-call',
    messages: ['rosetta error: Unimplemented syscall number 282'],
    kinds: [/rosetta error: unimplemented syscall/],
    cause: 'the program makes a system call that this version of Rosetta does not have',
    where: { architectures: ['amd64'], host: 'arm64' },
    advice: [step('use a program for arm64, or switch Rosetta off for it'), useQemu],
    sources: ['docker/for-mac#7475'],
  },
  {
    id: 'rosetta-error',
    general: true,
    messages: ['rosetta error: …'],
    kinds: [/\bassertion failed \[.*\]: /, /vmallocationtracker\.cpp/],
    cause: 'Rosetta ran the program and failed, probably because this version has a limit or a bug',
    where: { architectures: ['amd64'], host: 'arm64' },
    advice: [step('update macOS, which brings a newer Rosetta'), useQemu],
    sources: ['docker/for-mac#7220', 'docker/for-mac#5166'],
  },
  {
    id: 'box64-error',
    messages: ['[BOX64] Error loading needed lib'],
    kinds: [/\bbox(64|86)\].*\berror/, /error loading (one of )?needed libs?\b/, /error: loading needed libs in elf/],
    unless: /page ?size/,
    cause:
      "the emulator box64 ran the program but did not find its libraries. It looks for them on the host and in the program's directory, and few amd64 images have them. On kernels with pages larger than 4 KiB, many programs fail with box64",
    checks: ['shadowed'],
    advice: [step('put the amd64 libraries of the program into the directories of BOX64_LD_LIBRARY_PATH'), useQemu],
    sources: ['ptitSeb/box64#1620', 'ptitSeb/box64#1226', 'ptitSeb/box64#879'],
  },
];

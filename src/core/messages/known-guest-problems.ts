/** Programs that many people emulate, and that fail in emulators for reasons of their own: rows of known-problems.ts. */
import type { KnownProblem } from '../doctor/known-problem.js';

const github = (thread: string) => `https://github.com/${thread}`;
const buildElsewhere = { do: 'consider', what: 'build-on-own-platform' } as const;

export const guestProblems: readonly KnownProblem[] = [
  {
    id: 'segmentation-fault',
    messages: [
      'qemu: uncaught target signal 11 (Segmentation fault) - core dumped',
      'Segmentation fault',
      'QEMU internal SIGSEGV',
      'exit code: 139',
      'exit code 139',
      'exit status 139',
      'exited with code 139',
      'non-zero code: 139',
    ],
    cause:
      'the program, or the emulator itself, used memory that it does not have. If the same program runs on a machine of its own platform, it is a fault of the emulator, and a newer one often has none',
    checks: ['strong-randomization', 'emulator-crash', 'intermittent', 'emulator-label', 'old-emulator'],
    advice: [{ do: 'examine', options: ['--repeat', '100'] }, buildElsewhere],
    sources: [
      github('tonistiigi/binfmt/issues/215'),
      github('docker/buildx/issues/1170'),
      github('docker/for-win/issues/15004'),
    ],
  },
  {
    id: 'value-too-large',
    messages: ['Value too large for defined data type'],
    cause:
      'a 32-bit program reads a directory with a function that has only 32 bits for an inode number (readdir without large-file support), and the file system of a 64-bit kernel has larger numbers. Cargo, CMake and vcpkg are known for it',
    where: { bits: 32 },
    advice: [{ do: 'consider', what: 'keep-directory-in-memory' }, buildElsewhere],
    sources: [
      github('docker/buildx/issues/395'),
      github('rust-lang/cargo/issues/8719'),
      github('crazy-max/ghaction-docker-buildx/issues/172'),
      github('microsoft/vcpkg/issues/21189'),
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
      { do: 'set-variable', variable: 'DOTNET_EnableWriteXorExecute', value: '0', platform: 'linux/amd64' },
      buildElsewhere,
    ],
    sources: [
      github('dotnet/runtime/issues/97228'),
      github('dotnet/dotnet-docker/issues/3338'),
      github('NuGet/Home/issues/12227'),
    ],
  },
  {
    id: 'go-lfstack',
    messages: ['runtime: lfstack.push invalid packing', 'fatal error: lfstack.push'],
    cause:
      'Go keeps addresses of amd64 in 47 bits, and QEMU on an arm64 machine gives its programs higher ones. New versions of QEMU have not changed that: it was reported with 10.0',
    where: { architectures: ['amd64'], host: 'arm64' },
    advice: [buildElsewhere],
    sources: [
      github('golang/go/issues/69255'),
      github('tonistiigi/binfmt/issues/269'),
      github('argoproj/argo-cd/pull/26916'),
    ],
  },
  {
    id: 'illegal-instruction',
    messages: [
      'qemu: uncaught target signal 4 (Illegal instruction) - core dumped',
      'Illegal instruction',
      'exit code: 132',
      'exit code 132',
      'exit status 132',
      'exited with code 132',
      'non-zero code: 132',
    ],
    cause:
      'the program uses an instruction that the emulated processor does not have, or that this version of QEMU emulates wrongly. Node.js 20 and later (npm, pnpm) is known for it; with QEMU 9.2.2 some builds that had failed before succeeded, and others still failed',
    checks: ['emulator-crash', 'cpu-level', 'old-processor-model', 'old-emulator'],
    advice: [buildElsewhere],
    sources: [
      github('docker/buildx/issues/521'),
      github('raaymax/quack/pull/312'),
      github('seebom-labs/BOMHort/pull/183'),
      github('Kuadrant/mcp-gateway/issues/687'),
    ],
  },
  {
    id: 'no-ptrace',
    messages: [
      'ptrace: Function not implemented',
      'ptrace…Function not implemented',
      'Could not trace the inferior process',
    ],
    cause: 'QEMU does not emulate the system call ptrace, so that gdb, strace, ltrace and py-spy cannot work inside',
    advice: [{ do: 'consider', what: 'trace-from-outside' }],
    sources: [
      github('docker/for-mac/issues/5191'),
      github('benfred/py-spy/issues/530'),
      github('multiarch/qemu-user-static/issues/165'),
    ],
  },
  {
    id: 'unknown-system-call',
    messages: ['Function not implemented', 'qemu: Unsupported syscall'],
    cause:
      'QEMU does not know the system call that the program makes. Newer versions know more system calls, but not those of libaio and io_uring',
    checks: ['old-emulator'],
    advice: [],
    sources: [
      github('armbian/build/issues/924'),
      github('docker/setup-qemu-action/issues/159'),
      github('multiarch/qemu-user-static/issues/114'),
    ],
  },
  {
    id: 'missing-loader',
    messages: [
      "qemu-x86_64: Could not open '/lib64/ld-linux-x86-64.so.2': No such file or directory",
      "qemu-…: Could not open '/lib…",
    ],
    cause:
      'the emulator runs, but the loader that the program needs is missing: the program was put into an image of another platform, or was started on the host',
    checks: ['image-platform'],
    advice: [{ do: 'consider', what: 'add-foreign-libraries' }],
    sources: [github('zhb127/docker-open-dingtalk-pierced/issues/5'), github('libical/libical/issues/559')],
  },
];

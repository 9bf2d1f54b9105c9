/** Lines that people pasted into public trackers, others of the same kinds, and what each of them means. */
import { expect } from 'chai';
import { knownProblems } from '../../src/core/doctor/known/index.js';
import { findKnown, speakerOf } from '../../src/core/doctor/known/lines.js';

const known = (text: string) => findKnown(text, knownProblems).map(({ row }) => row.id);
/** Of the rows that match, those that are not left out because another one knows more. */
const best = (text: string) => {
  const rows = findKnown(text, knownProblems).filter(({ row }) => !row.onlyHere);
  const special = rows.filter(({ row }) => !row.general);
  return (special.length > 0 ? special : rows).map(({ row }) => row.id);
};

const lines: Readonly<Record<string, readonly string[]>> = {
  'exec-format-error': [
    '-bash: ./a.out: Kann die Binärdatei nicht ausführen: Fehler im Format der Programmdatei',
    "bash: ./prog: impossible d'exécuter le fichier binaire : Erreur de format pour exec()",
    'bash: ./prog: no se puede ejecutar el fichero binario: Formato de ejecutable incorrecto',
    'bash: ./prog: 无法执行二进制文件: 可执行文件格式错误',
    'bash: ./prog: バイナリファイルを実行できません: 実行形式エラー',
    'bash: ./prog: não foi possível executar o arquivo binário: Erro no formato de exec',
    "ENOEXEC: unknown error, posix_spawn '~/.cache/puppeteer/chrome/linux-133.0.6943.98/chrome-linux64/chrome'",
    "exec: Failed to execute process: './example-as' the file could not be run by the operating system.",
    "The file './test' is marked as an executable but could not be run by the operating system.",
    'bash: ./restic_0.7.0_linux_arm64: Kann die Binärdatei nicht ausführen: Fehler im Format der Programmdatei',
    'exec /bin/sh: exec format error',
    'standard_init_linux.go:228: exec user process caused: exec format error',
    'standard_init_linux.go:211: exec user process caused "exec format error"',
    'bash: ./program: cannot execute binary file: Exec format error',
    '-bash: /usr/local/bin/kubectl: cannot execute binary file',
    'node-problem-detector: exec format error',
    "OSError: [Errno 8] Exec format error: '/opt/tool'",
    'Error: spawn Unknown system error -8',
    'fork/exec /usr/bin/dockerd: exec format error',
    'systemd[1]: app.service: Failed to execute command: Exec format error',
    'chroot: failed to run command ‘/bin/bash’: Exec format error',
    'error: could not execute process `rustc -vV` (never executed): Exec format error (os error 8)',
    'java.io.IOException: Cannot run program "protoc": error=8, Exec format error',
    '{"msg":"exec container process `/app`: Exec format error","level":"error","time":"2025-06-19T20:14:59Z"}',
  ],
  'shell-reads-program': [
    '/usr/local/bin/caddy: line 2: syntax error: unexpected word (expecting ")")',
    './main: line 0: syntax error: unexpected "("',
    './oauth2l: line 2: syntax error: unterminated quoted string',
    'gcc-arm-compiler/bin/aarch64-none-elf-gcc: 1: gcc-arm-compiler/bin/aarch64-none-elf-gcc: ELF�0d@@��@8: not found',
    'gcc-arm-compiler/bin/aarch64-none-elf-gcc: 7: gcc-arm-compiler/bin/aarch64-none-elf-gcc: Syntax error: "(" unexpected',
    '/usr/local/bin/pingme: 1: /usr/local/bin/pingme: Syntax error: "|" unexpected',
    'Jan 11 18:18:47 localhost.localdomain snap[12973]: /snap/snap-codelabs/x1/server: 2: /snap/snap-codelabs/x1/server: Syntax error: Unterminated quoted string',
    './hello: 1: ./hello: Syntax error: "(" unexpected',
    '/usr/bin/tool: line 1: syntax error: unexpected "("',
    './hello: line 1: ELF: not found',
    './server/server: 1: Syntax error: end of file unexpected (expecting ")")',
  ],
  'registrar-for-another-platform': [
    'exec /usr/bin/binfmt: exec format error',
    'exec /register: exec format error',
    'exec /usr/local/bin/register.sh: exec format error',
  ],
  'windows-program': [
    'exec format error: wsl.exe',
    "OSError: [Errno 8] Exec format error: 'cmd.exe'",
    'bash: /mnt/c/Windows/System32/notepad.exe: cannot execute binary file: Exec format error',
    'zsh: exec format error: explorer.exe: cannot execute: Exec format error',
  ],
  'builder-without-emulator': [
    'error: failed to solve: rpc error: code = Unknown desc = failed to load LLB: runtime execution on platform linux/arm/v7 not supported',
  ],
  'buildkit-emulator': [
    'Error while loading /usr/sbin/dpkg-split: No such file or directory',
    'Error while loading /usr/bin/python3.11: No such file or directory',
    ".buildkit_qemu_emulator: Could not open '/lib/ld-linux-aarch64.so.1': No such file or directory",
    'ERROR: failed to solve: process "/dev/.buildkit_qemu_emulator /bin/sh -c apt-get update" did not complete successfully: exit code: 100',
  ],
  'error-while-loading': ['Error while loading /usr/bin/qemu-aarch64: No such file or directory'],
  'invalid-elf-image': [
    'qemu-arm-static: /bin/bash: Invalid ELF image for this architecture',
    'qemu-mips64el: ./busybox: Invalid ELF image for this architecture',
    'Error while loading /usr/bin/env: Exec format error',
  ],
  'no-such-file': [
    'zsh: no such file or directory: ./hello',
    'bwrap: execvp sh: No such file or directory',
    '[FATAL tini (7)] exec /app/server failed: No such file or directory',
    '-bash: /opt/emqtt/emqttd/erts-10.2.1/bin/run_erl: /lib/ld-musl-aarch64.so.1: bad ELF interpreter: No such file or directory',
    '/bin/sh: ./appimagetool: /lib64/ld-linux-x86-64.so.2: bad ELF interpreter: No such file or directory',
    '/lib/ld-linux.so.2: bad ELF interpreter: No such file or directory',
    'exec /bin/uname: no such file or directory',
    'exec /docker-entrypoint.sh: no such file or directory',
    'chroot: failed to run command ‘/bin/bash’: No such file or directory',
    "chroot: can't execute '/bin/sh': No such file or directory",
    'standard_init_linux.go:228: exec user process caused: no such file or directory',
    'bash: ./hello: No such file or directory',
    '/bin/sh: 1: ./hello: not found',
    'bash: ./hello: cannot execute: required file not found',
    '{"msg":"exec container process (missing dynamic library?) `/bin/uname`: No such file or directory","level":"error"}',
  ],
  'debootstrap-chroot': ['W: Failure trying to run: chroot "/build/stage0/rootfs" /bin/true'],
  'tool-sees-no-emulator': [
    'E: Unable to execute target architecture',
    'armhf: not supported on this machine/kernel',
    'E: riscv64 can neither be executed natively nor via qemu user emulation with binfmt_misc',
    "? Cannot find update-binfmts; try 'sudo apt install binfmt-support'",
    'W: binfmt_misc not found in /proc/mounts -- not mounted?',
  ],
  'nix-seccomp': [
    'error: unable to load seccomp BPF program: Invalid argument',
    'error: while setting up the build environment: unable to load seccomp BPF program: Invalid argument',
  ],
  'nix-platform': [
    "       Required system: 'aarch64-linux' with features {}",
    "error: a 'aarch64-linux' is required to build '/nix/store/0lcllwrkw2f4xqpkpx5hzdmnr7r6b35c-append-initrd-secrets.drv', but I am a 'x86_64-linux'",
    "error: a 'aarch64-linux' with features {} is required to build '/nix/store/x-builder.pl.drv', but I am a 'x86_64-linux' with features {benchmark, kvm}",
  ],
  'emulator-loop': [
    'bash: ./example: Too many levels of symbolic links',
    "chroot: failed to run command '/bin/bash': Too many levels of symbolic links",
    'exec /bin/sh: too many levels of symbolic links',
  ],
  'kernel-without-loader': [
    'request_module: modprobe binfmt-464c cannot be processed, kernel busy with 50 threads for more than 5 seconds now',
    "Starting init: /init exists but couldn't execute it (error -8)",
  ],
  'static-emulator-in-image': [
    'COPY failed: stat /var/lib/docker/tmp/docker-builder511545601/root/qemu-aarch64-static: no such file or directory',
    "cp: cannot stat '/usr/bin/qemu-arm-static': No such file or directory",
    'ERROR: failed to compute cache key: failed to calculate checksum of ref x::y: "/qemu-riscv64-static": not found',
  ],
  'missing-loader': [
    "qemu-x86_64: Could not open '/lib64/ld-linux-x86-64.so.2': No such file or directory",
    "qemu-aarch64: Could not open '/lib/ld-musl-aarch64.so.1': No such file or directory",
    "aarch64-binfmt-P: Could not open '/lib/ld-linux-aarch64.so.1': No such file or directory",
    'rosetta error: failed to open elf at /lib64/ld-linux-x86-64.so.2',
    "qemu-s390x-static: Could not open '/lib/ld64.so.1': No such file or directory",
  ],
  'permission-denied': ['exec /bin/sh: permission denied', 'Error while loading /bin/sh: Permission denied'],
  'selinux-denied': [
    'AVC avc:  denied  { read } for  pid=2842690 comm="apt-get" name="qemu-aarch64-static" dev="overlay" scontext=system_u:system_r:container_t:s0:c268,c932 tcontext=system_u:object_r:container_file_t:s0:c1022,c1023 tclass=file permissive=0',
    'type=AVC msg=audit(1739462583.1:598): avc: denied { execute } for pid=88 comm="sh" path="/usr/bin/qemu-s390x" tclass=file',
    'avc: denied { mounton } for pid=7 comm="binfmt" path="/proc/sys/fs/binfmt_misc" tclass=dir',
  ],
  'sudo-effective-uid': [
    "sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set or an NFS file system without root privileges?",
    'su: must be suid to work properly',
  ],
  'applet-not-found': ['sleep: applet not found'],
  'fex-root': ["RootFS path doesn't exist. This is required on AArch64 hosts", 'Invalid or Unsupported elf file.'],
  'slow-pointer-authentication': ['our arm64 builds are slow'],
  'tar-openat2': [
    'tar: include/config: Cannot mkdir: Function not implemented',
    'tar: git-lfs-3.8.0/man: Cannot mkdir: Function not implemented',
    'tar: usr/share/doc/x: Cannot open: Function not implemented',
    'tar: a: Cannot create symlink to ‘b’: Function not implemented',
    'tar: a: Cannot hard link to ‘b’: Function not implemented',
    '/usr/bin/tar: ./control: Cannot open: Function not implemented',
  ],
  'tar-invalid-argument': [
    'tar: d/f: Cannot open: Invalid argument',
    '#8 0.219 tar: legal/jdk.naming.rmi: Cannot mkdir: Invalid argument',
  ],
  'fakeroot-semop': [
    'semop(1): encountered an error: Function not implemented',
    'semop(2): encountered an error: Function not implemented',
    'fakeroot, while creating message channels: Function not implemented',
  ],
  'no-ptrace': [
    'ptrace: Function not implemented (38)',
    'strace: test_ptrace_get_syscall_info: PTRACE_TRACEME: Function not implemented',
    'warning: ptrace: Function not implemented',
  ],
  'no-asynchronous-io': [
    'InnoDB: io_setup() failed with ENOSYS',
    'fio: io_queue_init: Function not implemented',
    'liburing: io_uring_queue_init: Function not implemented',
  ],
  'unknown-system-call': [
    'qemu: Unsupported syscall: 382',
    'Unsupported syscall: 439',
    'cp: cannot clone x: Function not implemented',
  ],
  netfilter: [
    'iptables: Failed to initialize nft: Protocol not supported',
    "iptables v1.8.8 (legacy): can't initialize iptables table `filter': iptables who? (do you need to insmod?)",
  ],
  'value-too-large': [
    'error: failed to read directory: Value too large for data type (os error 75)',
    'chown: cannot read directory /opt/hostedtoolcache: Value too large for defined data type',
    'error: failed to open directory: Value too large for defined data type (os error 75)',
  ],
  'time-of-32-bit-programs': [
    "Fatal Python error: init_interp_main: can't initialize time",
    'tar: ./control: Cannot utime: Operation not permitted',
    'sleep: cannot read realtime clock: Operation not permitted',
    "Fatal Python error: pyinit_main: can't initialize time",
  ],
  'wrong-clock': [
    'gpg: key D6811ED3ADEEB8441AF5AA8F4528B6CD9E61EF26 was created 16088 days in the future (time warp or clock problem)',
    'E: Release file for http://MIRROR/debian/dists/bookworm/InRelease is not valid yet (invalid for another 5h 3min).',
    'curl: (60) SSL certificate problem: certificate is not yet valid',
    'W: GPG error: http://ports.ubuntu.com focal InRelease: At least one invalid signature was encountered.',
  ],
  'old-seccomp': [
    'glowroot     | [0.007s][warning][os,thread] Failed to start thread "GC Thread#0" - pthread_create failed (EPERM) for attributes: stacksize: 1024k, guardsize: 4k, detached.',
    '[0.003s][warning][os,thread] Failed to start thread - pthread_create failed (EPERM) for attributes: stacksize: 1024k, guardsize: 4k, detached.',
    'runtime/cgo: pthread_create failed: Operation not permitted',
    'OpenBLAS blas_thread_init: pthread_create failed for thread 1 of 4: Operation not permitted',
    'make: /bin/sh: Operation not permitted',
    "node[18]: ../src/node_platform.cc:68: Assertion `(0) == (uv_thread_create(t.get(), start_thread, this))' failed.",
    'error adding seccomp filter rule for syscall clone3: permission denied: unknown',
  ],
  'kernel-too-old': ['FATAL: kernel too old'],
  'ldconfig-crash': ['dpkg: error processing package libc-bin (--configure):'],
  'package-not-found': [
    "'qemu-user-static' not found in package names. Trying capabilities. No provider of 'qemu-user-static' found.",
    "E: Package 'qemu-user-static' has no installation candidate",
    'E: Unable to locate package qemu-user-static',
    'E: Unable to locate package binfmt-support',
    'Error: Unable to find a match: qemu-user-static',
    'No match for argument: qemu-user-binfmt',
    'error: target not found: qemu-user-static',
    'Package qemu-user-static is not available, but is referred to by another package.',
    'ERROR: unable to select packages: qemu-openrc (no such package):',
    'sh: 1: /usr/sbin/update-binfmts: not found',
  ],
  'foreign-package-index': [
    '131.5 E: Unable to locate package libc6-dev:arm64',
    'E: Failed to fetch http://archive.ubuntu.com/ubuntu/dists/noble/main/binary-arm64/Packages  404  Not Found [IP: 91.189.91.83 80]',
    'Err:25 http://archive.ubuntu.com/ubuntu focal-updates/multiverse armhf Packages',
    "N: Skipping acquire of configured file 'main/binary-riscv64/Packages' as repository 'http://archive.ubuntu.com/ubuntu jammy InRelease' doesn't support architecture 'riscv64'",
  ],
  'dotnet-hangs': ['  Determining projects to restore...'],
  'strong-randomization': ['sudo sysctl vm.mmap_rnd_bits=28 helped'],
  'harmless-notice': [
    '<jemalloc>: MADV_DONTNEED does not work (memset will be used instead)',
    'Unknown host QEMU_IFLA type: 47',
    'Unsupported setsockopt level=270 optname=11',
    'Unsupported ioctl: cmd=0x5423',
  ],
  'segmentation-fault': [
    '** (signal 11) qemu-aarch64-static[64965]: segfault at 4b16350 ip 000000000061c4a0 sp 00007ffc09dc9b38 error 4 in qemu-aarch64-static[401000+462000]',
    '[11421.897487] cc1[64965]: segfault at 4b16350 ip 000000000061c4a0 sp 00007ffc09dc9b38 error 4 in qemu-aarch64-static[401000+462000]',
    'exited: elasticmq (terminated by SIGSEGV; not expected)',
    'error Command failed with signal "SIGSEGV".',
    'npm error signal SIGSEGV',
    'npm ERR! signal SIGSEGV',
    "fish: Job 1, './prog' terminated by signal SIGSEGV (Address boundary error)",
    "#0 6.574 npm ERR!   signal: 'SIGSEGV',",
    '2021-01-15 08:43:49,037 INFO exited: elasticmq (terminated by SIGSEGV; not expected)',
    'qemu: uncaught target signal 11 (Segmentation fault) - core dumped',
    'process "/bin/sh -c npm ci" did not complete successfully: exit code: 139',
    'web-1 exited with code 139',
    '[app        ] Segmentation fault',
    'error: test failed (signal: 11, SIGSEGV: invalid memory reference)',
    '#  SIGSEGV (0xb) at pc=0x0000004001f2c3a4, pid=7, tid=8',
    'internal compiler error: Segmentation fault signal terminated program cc1',
  ],
  'vsyscall-page': [
    'qemu-x86_64: QEMU internal SIGSEGV {code=MAPERR, addr=0x20}',
    'x86_64-binfmt-P: QEMU internal SIGSEGV {code=MAPERR, addr=0x20}',
    'qemu-x86_64-static: QEMU internal SIGSEGV {code=ACCERR, addr=0x7f0010}',
  ],
  'rosetta-not-used': ['error: rustc interrupted by SIGSEGV, printing backtrace'],
  'illegal-instruction': [
    'npm error signal SIGILL',
    'qemu: uncaught target signal 4 (Illegal instruction) - core dumped',
    'Illegal instruction (core dumped)',
    '#  SIGILL (0x4) at pc=0x0000ffff9e340c5c, pid=1, tid=8',
    'executor failed running [/bin/sh -c pnpm i]: exit code: 132',
  ],
  'other-signal': [
    'qemu: uncaught target signal 5 (Trace/breakpoint trap) - core dumped',
    'qemu: uncaught target signal 6 (Aborted) - core dumped',
    'qemu: uncaught target signal 7 (Bus error) - core dumped',
    ' Trace/breakpoint trap',
  ],
  'emulator-assertion': [
    "qemu-arm-static: /build/qemu-DqynNa/qemu-2.8+dfsg/translate-all.c:175: tb_lock: Assertion `!have_tb_lock' failed.",
    'Assertion failed: p_rcu_reader->depth != 0 (/qemu/include/qemu/rcu.h: rcu_read_unlock: 102)',
    'Assertion failed: start < end (/home/buildozer/aports/main/qemu/src/qemu-2.8.1/translate-all.c: page_set_flags: 2098)',
    'qemu: unhandled CPU exception 0x10004 - aborting',
    'Bail out! ERROR:../target/i386/tcg/translate.c:8578:i386_tr_init_disas_context: assertion failed: (IOPL(dc) == iopl)',
    "qemu-riscv64: ../tcg/tcg.c:6205: tcg_gen_code: Assertion `num_insns + 1 == s->gen_tb->icount' failed.",
  ],
  'guest-address-space': [
    'qemu-arm-static: Unable to reserve 0xffff0000 bytes of virtual address space at 0x1000 (Success) for use as guest address space (check yourvirtual memory ulimit setting, min_mmap_addr or reserve less using -R option)',
    'Unable to reserve 0xf7000000 bytes of virtual address space for use as guest address space (check your virtual memory ulimit setting or reserve less using -R option)',
    'qemu-aarch64: /src/program: Unable to find a guest_base to satisfy all guest address mapping requirements',
    'Allocating guest commpage: Cannot allocate memory',
  ],
  'program-address': [
    'qemu-arm-static: /speculos/build/src/launcher: Error mapping file: Cannot allocate memory',
    'qemu-mipsel: ./firmware: Error mapping file: Invalid argument',
  ],
  'go-lfstack': ['runtime: lfstack.push invalid packing: node=0xffff6f446a80 cnt=0x1'],
  'old-processor-model': ['\u001b[91mFatal glibc error:  CPU does not support x86-64-v2\u001b[0m'],
  'no-x86-64-v3': ['Fatal glibc error: CPU does not support x86-64-v3'],
  'rosetta-and-new-kernel': [
    'rosetta error: unhandled auxillary vector type 28',
    'rosetta error: unhandled auxillary vector type 29',
    'assertion failed [hash_table != nullptr]: Failed to find vdso DT_HASH',
    'rosetta error: futex(FUTEX_LOCK_PI_PRIVATE) failure: 35',
  ],
  'rosetta-elsewhere': [
    'rosetta error: Rosetta is only intended to run on Apple Silicon with a macOS host using Virtualization.framework with Rosetta mode enabled',
  ],
  'rosetta-system-call': [
    'rosetta error: Unimplemented syscall number 282',
    'rosetta error: Unimplemented syscall number 435',
  ],
  'rosetta-error': [
    'rosetta error: no code fragment associated with the given arm pc',
    'assertion failed [rem_idx != -1]: Unable to find existing allocation for shared memory segment to unmap',
  ],
  'box64-error': [
    '[BOX64] Error loading needed lib libblkid.so.1',
    'Error: Loading needed libs in elf /opt/prog.x86_64',
  ],
  'nothing-stays': ['  "emulators": null'],
  'cannot-mount': [
    'cannot mount binfmt_misc filesystem at /proc/sys/fs/binfmt_misc',
    'mount: permission denied (are you root?)',
    'mount: /proc/sys/fs/binfmt_misc: permission denied.',
    'audit: apparmor="DENIED" operation="mount" info="failed flags match" profile="docker-default" name="/proc/sys/fs/binfmt_misc/" fstype="binfmt_misc"',
  ],
  'register-permission': [
    '/etc/rc.d/init.d/jexec: line 173: /proc/sys/fs/binfmt_misc/register: Permission denied',
    'sh: 1: cannot create /proc/sys/fs/binfmt_misc/register: Permission denied',
    'bash: /proc/sys/fs/binfmt_misc/qemu-arm: Read-only file system',
    'installing: arm64 EPERM opening /proc/sys/fs/binfmt_misc/register check permissions?',
  ],
  'automount-dead': [
    "ls: cannot access 'binfmt_misc/': Too many levels of symbolic links",
    'cat: /proc/sys/fs/binfmt_misc/status: Too many levels of symbolic links',
  ],
  'no-binfmt': [
    "ls: cannot access '/proc/sys/fs/binfmt_misc': No such file or directory",
    'sh: 1: cannot create /proc/sys/fs/binfmt_misc/register: Directory nonexistent',
    'bash: /proc/sys/fs/binfmt_misc/register: No such file or directory',
    "mount: unknown filesystem type 'binfmt_misc'",
    'mount: mounting binfmt_misc on /proc/sys/fs/binfmt_misc failed: No such device',
    'installing: arm ENOENT opening /proc/sys/fs/binfmt_misc/register is it mounted?',
    'systemd[1]: Failed to mount proc-sys-fs-binfmt_misc.mount - Arbitrary Executable File Formats File System.',
  ],
  'module-not-found': [
    'modprobe: FATAL: Module binfmt_misc not found in directory /lib/modules/5.10.113-gbb4691fe5572',
    'modprobe: module binfmt_misc not found in modules.dep',
    "modprobe: ERROR: could not insert 'binfmt_misc': Operation not permitted",
    "modprobe: can't load module binfmt_misc (kernel/fs/binfmt_misc.ko): invalid module format",
  ],
  'module-not-seen': ['28.20 Module binfmt_misc not loaded in host'],
  'register-invalid-argument': [
    'sh: write error: Invalid argument',
    'installing: s390x cannot register "/usr/bin/qemu-s390x" to /proc/sys/fs/binfmt_misc/register: write /proc/sys/fs/binfmt_misc/register: invalid argument',
    "systemd-binfmt[312]: /usr/lib/binfmt.d/qemu-arm.conf:1: Failed to add binary format 'qemu-arm': Invalid argument",
  ],
  'update-binfmts-register': [
    'update-binfmts: warning: unable to close /proc/sys/fs/binfmt_misc/register: Invalid argument',
    'update-binfmts: warning: unable to enable binary format qemu-aarch64',
  ],
  'update-binfmts-format': [
    'update-binfmts: warning: unable to open /usr/share/binfmts/qemu-arm: No such file or directory',
    'update-binfmts: warning: qemu-riscv64 not in database of installed binary formats.',
  ],
  'systemd-binfmt': [
    'Job for systemd-binfmt.service failed because the control process exited with error code.',
    'Failed to flush binfmt_misc rules, ignoring: No such file or directory',
    'Failed to flush binfmt_misc rules: Read-only file system',
    'Failed to start systemd-binfmt.service - Set Up Additional Binary Formats.',
  ],
  'no-systemd': ['systemd-binfmt: unrecognized service'],
  'action-without-answer': ['Error: Unexpected end of JSON input', '##[error]Unexpected end of JSON input'],
  'done-already': [
    'mount: /proc/sys/fs/binfmt_misc: binfmt_misc already mounted or mount point busy.',
    'uninstalling: qemu-* not found',
  ],
  'register-no-space': ['write /proc/sys/fs/binfmt_misc/register: no space left on device'],
  'register-file-exists': [
    'sh: write error: File exists',
    'bash: line 1: echo: write error: File exists',
    'installing: arm64 qemu-aarch64 already registered',
    "Failed to add binary format 'qemu-aarch64': File exists",
  ],
  'interpreter-missing': [
    'sh: write error: No such file or directory',
    'installing: ppc64le cannot register "/usr/bin/qemu-ppc64le" to /proc/sys/fs/binfmt_misc/register: write /proc/sys/fs/binfmt_misc/register: no such file or directory',
    "Failed to add binary format 'qemu-mips': No such file or directory",
  ],
  'entry-missing': [
    'cat: /proc/sys/fs/binfmt_misc/qemu-aarch64: No such file or directory',
    "ls: cannot access '/proc/sys/fs/binfmt_misc/qemu-riscv64': No such file or directory",
  ],
  'interpreter-path': [
    'Failed to find binfmt_misc for /usr/bin/qemu-aarch64-static under /proc/sys/fs/binfmt_misc',
    '==> arm: Failed to find binfmt_misc for qemu-arm under /proc/sys/fs/binfmt_misc',
  ],
  'image-for-another-platform': [
    'InvalidBaseImagePlatform: Base image foo was pulled with platform "linux/amd64", expected "linux/arm64" for current build (line 1)',
    "The requested image's platform (linux/amd64) does not match the detected host platform (linux/arm64/v8) and no specific platform was requested",
    'WARNING: image platform (linux/amd64) does not match the expected platform (linux/arm64)',
    'WARNING: image platform ({amd64 linux  [] }) does not match the expected platform ({arm64 linux  [] })',
  ],
  'no-matching-manifest': [
    "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor matching platform 'linux/amd64'.",
    'CannotPullContainerError failed to find a descriptor for platform 0xc0004d52c0',
    "Container manifest type 'application/vnd.oci.image.index.v1+json' must support amd64/linux.",
    'docker: no matching manifest for linux/arm64/v8 in the manifest list entries.',
    'Error response from daemon: no matching manifest for linux/riscv64 in the manifest list entries: no match for platform in manifest: not found',
    'ERROR: failed to solve: alpine:3: no match for platform in manifest sha256:1a2b: not found',
    'Error: choosing an image from manifest list docker://alpine: no image found in manifest list for architecture "arm64", variant "v8", OS "linux"',
    'docker: Error response from daemon: image with reference pihole/pihole:v5 was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64.',
    'image with reference alpine was found but does not provide the specified platform (linux/s390x)',
  ],
  'no-32-bit-image': [
    'docker: no matching manifest for linux/arm/v6 in the manifest list entries.',
    'no matching manifest for linux/386 in the manifest list entries: no match for platform in manifest: not found',
  ],
  'platform-name': [
    'installing: foo unsupported architecture: foo',
    '"linux/amd46": unknown operating system or architecture: invalid argument',
    'invalid argument "linux/amd64,arm64" for "--platform": "linux" is an invalid component of "linux"',
  ],
  'multi-platform-driver': [
    'ERROR: Multi-platform build is not supported for the docker driver.',
    'error: multiple platforms feature is currently not supported for docker driver. Please switch to a different driver (eg. "docker buildx create --use")',
    'ERROR: docker exporter does not currently support exporting manifest lists',
  ],
  'old-client': [
    'ERROR: BuildKit is enabled but the buildx component is missing or broken.',
    '"--platform" is only supported on a Docker daemon with experimental features enabled',
    'unknown flag: --platform',
    "docker: 'buildx' is not a docker command.",
  ],
  'userns-remap': [
    'docker: Error response from daemon: privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode.',
    'Error response from daemon: cannot share the host PID namespace when user namespaces are enabled',
    "docker: Error response from daemon: cannot share the host's network namespace when user namespaces are enabled.",
  ],
  'privileged-forbidden': [
    'Error creating: pods "binfmt-x" is forbidden: violates PodSecurity "restricted:latest": privileged (container "binfmt" must not set securityContext.privileged=true)',
  ],
  'no-terminal': [
    'the input device is not a TTY',
    'cannot attach stdin to a TTY-enabled container because stdin is not a terminal',
  ],
  'no-daemon': [
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    'failed to connect to the docker API at unix:///run/user/1000/docker.sock; check if the path is correct and if the daemon is running',
    'error during connect: open //./pipe/docker_engine: The system cannot find the file specified.',
  ],
  'daemon-permission': [
    'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://x/v1.24/containers/json": dial unix /var/run/docker.sock: connect: permission denied',
    'Got permission denied while trying to connect to the Docker daemon socket',
    'permission denied while trying to connect to the docker API at unix:///var/run/docker.sock',
  ],
  'option-before-image': [
    'unknown flag: --install',
    'docker: Error response from daemon: failed to create task for container: exec: "--install": executable file not found in $PATH: unknown.',
    'flag provided but not defined: -reset',
  ],
  'unquoted-star': [
    'zsh: no matches found: qemu-*',
    'fish: No matches for wildcard “qemu-*”. See `help wildcards-globbing`.',
  ],
  'large-pages': [
    'libtinfo.so.6: ELF load command address/offset not page-aligned',
    'error while loading shared libraries: libc.so.6: ELF load command alignment not page-aligned',
    'Error: PageSize configuation is wrong: configured with 4096, but got 16384',
    '<jemalloc>: Unsupported system page size',
  ],
};

describe('a line that people paste', () => {
  for (const [id, examples] of Object.entries(lines)) {
    for (const line of examples) {
      it(`is about ${id}: ${line.slice(0, 80)}`, () => expect(best(line)).to.deep.equal([id]));
    }
  }

  it('is found at both ends of a line without an end, and soon in a log that repeats what patterns begin with', () => {
    const long = 'x'.repeat(1_000_000);
    for (const line of [`sleep: applet not found ${long}`, `${long} sleep: applet not found`]) {
      expect(best(line)).to.deep.equal(['applet-not-found']);
    }
    for (const word of [
      'x',
      'tar: exec /a/b qemu- sh: avc: denied mount: ',
      'mount: binfmt_misc exec sh: ',
      '/a/b: ',
    ]) {
      expect(known(`${word.repeat(10_000)}\nsleep: applet not found`), word).to.include('applet-not-found');
    }
  });

  it('has an example for every row', () => {
    const ids = knownProblems.filter(({ onlyHere, where }) => !onlyHere && !where?.notNative).map((row) => row.id);
    expect(ids.filter((id) => lines[id] === undefined)).to.deep.equal([]);
  });

  for (const [what, dress] of [
    ["BuildKit's numbers", (line: string) => `#12 0.345 ${line}`],
    ['the numbers of a failed step', (line: string) => `0.345 ${line}`],
    ['the name of a step', (line: string) => ` > [linux/arm64 3/7] RUN make: ${line}`],
    ['the name of a service', (line: string) => `web-1  | ${line}`],
    ['a time', (line: string) => `2025-06-19 20:14:59.784 | ${line}`],
    ['a time of GitHub and colours', (line: string) => `2026-01-14T10:11:12.1234567Z \u001b[31;1m${line}\u001b[0m`],
    ['colours that were written out', (line: string) => `\\x1b[91m${line}\\x1b[0m`],
    ['a box', (line: string) => `│ ${line} │`],
    ["podman's JSON", (line: string) => JSON.stringify({ msg: line, level: 'error', time: '2025-06-19T20:14:59Z' })],
    ['curly quotes', (line: string) => line.replace(/'([^']*)'/g, '‘$1’').replace(/"([^"]*)"/g, '“$1”')],
    ['a dash', (line: string) => `- ${line}`],
    ['a quotation', (line: string) => `> ${line}`],
    ['capital letters', (line: string) => line.toUpperCase()],
    ['other lines', (line: string) => `#12 DONE 0.1s\r\n#13 [2/3] RUN make\r\n${line}\r\n#13 CANCELED`],
  ] as const) {
    it(`is found with ${what}`, () => {
      for (const [id, examples] of Object.entries(lines)) {
        if (id === 'dotnet-hangs' || (id === 'unquoted-star' && what === 'a dash')) continue;
        for (const line of examples) expect(best(dress(line)), dress(line)).to.include(id);
      }
    });
  }
});

describe('a line that has nothing to do with emulation', () => {
  for (const line of [
    '/docker-entrypoint.sh: 38: exec: -p: not found',
    'Get:7 http://archive.ubuntu.com/ubuntu resolute/main arm64 Packages [1,789 kB]',
    'Hit:1 http://archive.ubuntu.com/ubuntu questing-updates/universe arm64 Packages',
    'error mapping file: foo',
    "target/debug/build/foo/out/x.c:12: Assertion `x' failed.",
    'Status: Downloaded newer image for multiarch/qemu-user-static:latest',
    '+ cp /usr/bin/qemu-aarch64-static /mnt/rootfs/usr/bin/qemu-aarch64-static',
    '#5 [1/3] COPY qemu-arm-static /usr/bin/qemu-arm-static',
    'Step 2/6 : COPY --from=multiarch/qemu-user-static /usr/bin/qemu-arm-static /usr/bin/',
    "'/usr/bin/qemu-arm-static' -> 'rootfs/usr/bin/qemu-arm-static'",
    'update-alternatives: using /usr/bin/qemu-arm-static to provide /usr/bin/qemu-arm-static',
    'Package qemu-user-static-2:8.2.2-1.fc40.x86_64 is already installed.',
    '---> Package qemu-user-static.x86_64 2:2.0.0-1.el7.6 will be installed',
    "Package 'qemu-user-static' is not installed, so not removed",
    'Package qemu-user-static-debuginfo available',
    'avc:  denied  { write } for  pid=2211 comm="qemu-kvm" name="disk.qcow2" dev="dm-0" ino=67 scontext=system_u:system_r:svirt_t:s0:c1 tcontext=unconfined_u:object_r:user_home_t:s0 tclass=file',
    'type=AVC msg=audit(1: 1): avc:  denied  { getattr } for  pid=800 comm="qemu-ga" path="/proc/1" scontext=system_u:system_r:virt_qemu_ga_t:s0 tclass=file',
    'avc: denied { open } for pid=1 comm="qemu-img" path="/x"',
    "qemu-kvm: ../target/i386/kvm/kvm.c:2658: kvm_buf_set_msrs: Assertion `ret == cpu->kvm_msr_buf->nmsrs' failed.",
    "kvm: ../target/i386/kvm/kvm.c:3213: kvm_buf_set_msrs: Assertion `ret == cpu->kvm_msr_buf->nmsrs' failed.",
    "qemu-kvm: ../util/qemu-thread-posix.c:94: qemu_mutex_lock_impl: Assertion `mutex->initialized' failed.",
    'drivers/target/target_core_user.c:44:1: error: static assertion failed: "sizes"',
    'ERROR:../plugins/power/gpm-common.c:123:test: assertion failed (x == y): (1 == 2)',
    '/bin/sh: 1: Syntax error: "(" unexpected',
    'sh: 1: Syntax error: Unterminated quoted string',
    '/bin/sh: 1: Syntax error: end of file unexpected (expecting "fi")',
    '0.312 /bin/sh: 1: Syntax error: "(" unexpected',
    'sh: 1: Syntax error: word unexpected (expecting ")")',
    '/bin/sh: line 1: syntax error: unexpected "("',
    'eval: line 1: syntax error: unexpected word',
    'docker: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "-p": execu',
    'flag provided but not defined: -force',
    'flag provided but not defined: -p',
    'unknown flag: --watch',
    'Unsupported architecture: aarch64',
    'Error: Unsupported architecture: arm64',
    "N: Skipping acquire of configured file 'main/binary-arm64/Packages' as repository 'https://packages.example.com/repos/code stable InRelease' doesn't support architecture 'arm64'",
    "N: Skipping acquire of configured file 'main/binary-arm64/Packages' as repository 'http://debian.example.org stretch InRelease' doesn't support architecture 'arm64'",
    'E: Failed to fetch http://raspbian.example.org/raspbian/dists/stretch/main/binary-armhf/Packages  404  Not Found [IP: 192.0.2.1 80]',
    'E: Failed to fetch http://debian.example.org/debian/dists/buster-updates/main/binary-arm64/Packages  404  Not Found',
    'Error while loading /etc/app/config.yaml: No such file or directory',
    'Error while loading config.yaml: no such file or directory',
    'error while loading /app/server.js: SyntaxError: Unexpected token',
    'ERROR: this query is very slow (12.3 s)',
    'warning: xz compression at level 9 is very slow',
    'bash: cd: foo: Too many levels of symbolic links',
    'Assertion failed [tests/foo.py:12] expected 1',
    'runtime: epollwait on fd 4 failed with 38',
    'Could not allocate dynamic translator buffer',
    "qemu-system-x86_64: unable to find CPU model 'host'",
    'Error: unknown: "Error Domain=VZErrorDomain Code=2 "Rosetta is not installed" UserInfo={NSLocalizedFailure=x}',
    'WARNING: MongoDB 5.0+ requires a CPU with AVX support, and your current system does not appear to have that!',
    "qemu-system-aarch64: Could not open 'disk.qcow2': No such file or directory",
    'main.c:12:5: error: implicit declaration of function ‘foo’ [-Werror=implicit-function-declaration]',
    '/usr/bin/ld: cannot find -lssl: No such file or directory',
    'make: *** [Makefile:12: all] Error 2',
    'collect2: error: ld returned 1 exit status',
    'npm ERR! code ENOENT',
    "npm ERR! enoent ENOENT: no such file or directory, open '/app/package.json'",
    'npm ERR! code ERESOLVE',
    "Error: Cannot find module 'express'",
    'fatal: not a git repository (or any of the parent directories): .git',
    'git@github.com: Permission denied (publickey).',
    'error: failed to push some refs to origin',
    'curl: (6) Could not resolve host: example.com',
    'curl: (60) SSL certificate problem: unable to get local issuer certificate',
    'dial tcp 10.0.0.1:443: connect: connection refused',
    'write /var/lib/docker/tmp/x: no space left on device',
    'tar: /dev/sda: Cannot open: Permission denied',
    'tar: archive.tar: Cannot open: No such file or directory',
    "cp: cannot create regular file '/usr/bin/x': Permission denied",
    'bash: foo: command not found',
    '/bin/sh: 1: foo: not found',
    './deploy.sh: 12: Syntax error: "(" unexpected',
    'sh: ./run.sh: Permission denied',
    'exec: "/entrypoint.sh": permission denied: unknown',
    'exec: "bash": executable file not found in $PATH: unknown',
    'exec: "/bin/foo": stat /bin/foo: no such file or directory: unknown',
    'COPY failed: file not found in build context or excluded by .dockerignore: stat package.json: file does not exist',
    'ERROR: failed to compute cache key: "/requirements.txt": not found',
    'E: Unable to locate package python3.7',
    "E: Package 'libssl1.1' has no installation candidate",
    'Err:5 http://archive.ubuntu.com/ubuntu jammy-updates/main amd64 Packages',
    'E: Could not get lock /var/lib/dpkg/lock-frontend',
    'dpkg: error processing package nginx (--configure):',
    'ModuleNotFoundError: No module named numpy',
    'error while loading shared libraries: libssl.so.1.1: cannot open shared object file: No such file or directory',
    'OCI runtime create failed: container_linux.go:380: starting container process caused: process_linux.go:545: container init caused: rootfs_linux.go:76: mounting "/x" caused: not a directory: unknown',
    'no matching manifest for windows/amd64 10.0.19045 in the manifest list entries',
    'process "/bin/sh -c make" did not complete successfully: exit code: 2',
    'exited with code 137',
    'OOMKilled',
    "modprobe: ERROR: could not insert 'nvidia': Exec format error",
    'mount: /mnt: permission denied.',
    'assertion failed: `(left == right)`',
    "a.out: main.c:5: main: Assertion `x > 0' failed.",
    'ls: /opt/x: Too many levels of symbolic links',
    'avc: denied { read } for pid=1 comm="nginx" name="index.html" tclass=file',
    'webpack: this module is slow to start',
    'everything is fine',
    'cp: ./file: No such file or directory',
    'the executable is here: no such file or directory',
    'Registering: No space left on device',
    'zsh: no matches found: *.txt',
    'npm ERR! Unexpected end of JSON input while parsing near',
    'SyntaxError: Unexpected end of JSON input',
    'curl: (60) SSL certificate problem: certificate has expired',
    "cp: cannot stat 'x': Too many levels of symbolic links",
    'make: mkdir: Permission denied',
    'unknown flag: --foo',
    'flag provided but not defined: -config',
    'x509: certificate signed by unknown authority',
    'Setting up qemu-user-static (1:7.2+dfsg-7) ...',
    'semop(1): encountered an error: Resource temporarily unavailable',
  ]) {
    it(`is not claimed: ${line.slice(0, 80)}`, () => expect(known(line)).to.deep.equal([]));
  }
});

describe('the emulator that wrote a line', () => {
  for (const [line, who] of [
    ['#7 1.2 qemu-aarch64: Unable to find a guest_base', /binfmt/],
    ['qemu-arm-static: /bin/bash: Invalid ELF image', /multiarch/],
    ['/usr/bin/qemu-s390x-static: x', /multiarch/],
    ['x86_64-binfmt-P: QEMU internal SIGSEGV', /Debian/],
    ['/usr/libexec/qemu-binfmt/aarch64-binfmt-P: /bin/sh: Invalid ELF image', /Debian/],
    ['.buildkit_qemu_emulator: /bin/sh: Invalid ELF image', /BuildKit/],
    ['buildkit-qemu-aarch64: Could not open /lib/x', /BuildKit/],
    ['/usr/bin/qemu-x86_64: Could not open /lib/x', /binfmt/],
    ['web-1  | qemu-arm: Unable to reserve 0x1 bytes', /binfmt/],
    ['cat: /proc/sys/fs/binfmt_misc/qemu-aarch64: No such file or directory', undefined],
    ['update-binfmts: warning: unable to open /usr/share/binfmts/qemu-arm: No such file or directory', undefined],
    ["cp: cannot stat '/usr/bin/qemu-arm-static': No such file or directory", undefined],
    ['qemu: uncaught target signal 11 (Segmentation fault) - core dumped', undefined],
    ["qemu-system-x86_64: unable to find CPU model 'host'", undefined],
    ['exec /bin/sh: exec format error', undefined],
  ] as const) {
    it(`is ${who ?? 'not known'}: ${line.slice(0, 60)}`, () => {
      if (who) expect(speakerOf(line)).to.match(who);
      else expect(speakerOf(line)).to.equal(undefined);
    });
  }
});

/** Messages of programs and containers that do not start. docs/architecture.md explains how to add a row. */
import type { KnownProblem } from '../known-problem.js';
import { install, step, useQemu } from './helps.js';

const notRegistered = ['kernel-module', 'switched-off', 'automount', 'vanishing', 'nothing-installed', 'emulated'];
const noEntry = ['disabled-entry', 'no-entry', 'wrong-magic'];
const brokenEntry = ['not-in-containers', 'dynamic-emulator', 'emulator-fails'];
const removePlatform = step('leave --platform out, and unset DOCKER_DEFAULT_PLATFORM');

export const starts: readonly KnownProblem[] = [
  {
    id: 'exec-format-error',
    general: true,
    messages: ['exec format error', 'cannot execute binary file', 'Unknown system error -8'],
    kinds: [
      /\bexec format error/,
      /\bspawn(sync)?( \S+)? (enoexec\b|unknown system error -8)/,
      /\benoexec: .*spawn\b/,
      /could not be run by the operating system/,
      /fehler im format der programmdatei|erreur de format pour exec|可执行文件格式错误|実行形式エラー|formato de ejecutable incorrecto|erro no formato de exec/,
    ],
    unless: /could not insert|insmod|\.ko\b/,
    cause:
      'the kernel has no emulator for the program: no enabled entry of binfmt_misc matches it, or the entry is gone. If emulation works here, the image was built wrongly, and its program is for another platform than the image',
    checks: [...notRegistered, 'catches-native', ...noEntry, 'emulator-fails', 'image-platform'],
    advice: [
      { do: 'inspect-image' },
      step('see what the program in it is for', 'file PROGRAM'),
      install('arm64'),
      { do: 'watch', platforms: ['arm64'] },
    ],
    sources: ['hrfee/jfa-go#57', 'tonistiigi/binfmt#360', 'kubernetes/node-problem-detector#797'],
  },
  {
    id: 'shell-reads-program',
    messages: ['./program: 1: ./program: Syntax error: "(" unexpected', './program: line 1: ELF: not found'],
    kinds: [
      /: (line )?\d: (\S+: )?(elf[^ ]*|\S*elf): (command )?not found/,
      /\S: (line )?\d\d?: (\S+: )?syntax error: ([(|)&] unexpected|unexpected (\(|\)|word|redirection)|(word|newline|redirection|end of file) unexpected|unterminated quoted)/,
    ],
    // The name before the number is that of the program, and not that of the shell, which reads a command with a mistake.
    unless: /\.(sh|bash|profile|env|htm)\w*\b|(?<![\w.-])(ba|da|a)?sh: |eval: /,
    cause:
      'the kernel has no emulator for the program, so the shell read it as a script. This is probably "exec format error" in other words',
    checks: [...notRegistered, ...noEntry],
    advice: [step('see what the program is for', 'file PROGRAM'), install('all')],
    sources: ['ev3dev/vscode-ev3dev-browser#20', 'foss-for-synopsys-dwc-arc-processors/linux#44'],
  },
  {
    id: 'registrar-for-another-platform',
    messages: ['exec /usr/bin/binfmt: exec format error'],
    kinds: [/exec \S*\/(binfmt|register|qemu-binfmt-conf)(\.sh)?: exec format error/],
    cause:
      'the image that registers emulators was built for another processor than this machine has. It was selected by its tag, by --platform or by DOCKER_DEFAULT_PLATFORM. multiarch/qemu-user-static exists for amd64 machines only',
    advice: [removePlatform, { do: 'install', platforms: ['all'], because: 'for-processor' }],
    sources: ['tonistiigi/binfmt#90', 'multiarch/qemu-user-static#199'],
  },
  {
    id: 'windows-program',
    messages: ['notepad.exe: cannot execute binary file: Exec format error'],
    kinds: [/\.exe: .*exec format error/, /exec format error:? \S*\.exe\b/],
    unless: /-(linux|osx)-\S*\.exe/,
    cause:
      'WSL runs Windows programs through the entry WSLInterop, which is gone. Probably systemd-binfmt or another tool has removed all entries',
    advice: [
      step('in Windows, restart WSL', 'wsl --shutdown'),
      step('if it was docker-credential-desktop.exe: remove the line "credsStore" from ~/.docker/config.json'),
      step('or register it again', "echo ':WSLInterop:M::MZ::/init:PF' | sudo tee /proc/sys/fs/binfmt_misc/register"),
    ],
    sources: ['microsoft/WSL#8843', 'microsoft/WSL#8952'],
  },
  {
    id: 'builder-without-emulator',
    messages: ['runtime execution on platform linux/arm64 not supported'],
    kinds: [/runtime execution on platform \S+ not supported/],
    cause: 'BuildKit looks for emulators when it starts, and found none for that platform',
    checks: [...notRegistered, ...noEntry],
    advice: [install('all'), step('then restart the builder', 'docker buildx stop; docker buildx inspect --bootstrap')],
    sources: ['docker/buildx#138', 'moby/buildkit#1390'],
  },
  {
    id: 'buildkit-emulator',
    messages: ['Error while loading /usr/sbin/dpkg-split: No such file or directory', '.buildkit_qemu_emulator'],
    kinds: [
      /error while loading (?!\S*qemu|shared)\/\S+(?<!\.(ya?ml|json|conf|cfg|toml|ini|xml|js)): no such file/,
      /buildkit[-_]qemu[-_]/,
    ],
    cause:
      'no emulator is registered on the host of the builder, so BuildKit used its own. That one runs the commands of a Dockerfile, but fails at some programs that these commands start',
    checks: [...notRegistered, ...noEntry, 'argv0-kernel'],
    advice: [install('all')],
    sources: ['docker/buildx#495', 'docker/buildx#499', 'moby/buildkit#1929', 'tonistiigi/binfmt#112'],
  },
  {
    id: 'error-while-loading',
    general: true,
    messages: ['Error while loading /usr/bin/qemu-…'],
    kinds: [/error while loading \/\S+: no such file/],
    unless: /\.(ya?ml|json|conf|cfg|toml|ini|xml|js):/,
    cause:
      'QEMU received the wrong file. Flag P on an old kernel shifts the arguments, or the emulator is itself emulated',
    checks: ['emulated', 'argv0-kernel', 'emulator-fails'],
    advice: [install('all')],
    sources: ['tonistiigi/binfmt#78'],
  },
  {
    id: 'invalid-elf-image',
    messages: [
      'qemu-arm-static: /bin/bash: Invalid ELF image for this architecture',
      'Invalid ELF image for this architecture',
    ],
    kinds: [/error while loading \S+: exec format error/],
    unless: /buildkit[-_]qemu/,
    cause:
      'the emulator was given a program of another architecture. Probably a tool was told the wrong architecture, such as 32-bit arm for a 64-bit image. Otherwise an entry matches too much',
    checks: ['wide-magic', 'wrong-magic', 'emulator-fails'],
    advice: [step('find out for which architecture the program is, and choose it in your tool', 'file PROGRAM')],
    sources: ['OctoPrint/CustoPiZer#23'],
  },
  {
    id: 'no-such-file',
    general: true,
    messages: [
      'exec /bin/sh: no such file or directory',
      'chroot: failed to run command ‘/bin/bash’: No such file or directory',
      'exec user process caused…no such file or directory',
      'cannot execute: required file not found',
    ],
    kinds: [
      /\bexec \/\S+: no such file/,
      /exec container process\b.*no such file/,
      /chroot: (can.?t|cannot|failed to) (run|execute) .*no such file/,
      /sh: (line )?(\d+: )?\.\/\S+: (no such file|not found)/,
      /bad elf interpreter: no such file/,
      /zsh: no such file or directory: \.?\//,
      /(bwrap: execvp|\[fatal tini \(\d+\)\] exec|execv\()\S* .*no such file/,
    ],
    cause:
      "inside the container, one of these is missing: the program, its loader, the emulator, or the emulator's loader. For a script, the interpreter in its first line is missing, often because of Windows line endings",
    checks: [...brokenEntry, 'image-platform'],
    advice: [install('arm64'), step('if it is a script with Windows line endings', "sed -i 's/\\r$//' SCRIPT")],
    sources: [
      'docker/docs#14140',
      'multiarch/debian-debootstrap#3',
      'armbian/build#6020',
      'docker/buildx#711',
      'tonistiigi/binfmt#115',
    ],
  },
  {
    id: 'emulator-loop',
    messages: ['bash: ./program: Too many levels of symbolic links'],
    kinds: [
      /\b(exec|(ba|z|da)?sh:|chroot:|execute) .*(?<!binfmt_misc\S*)(?<!: cd: \S*): too many levels of symbolic links/,
    ],
    cause:
      "an entry probably also matches the emulator itself, or the machine's own programs, so the kernel starts emulators in an endless loop",
    checks: ['catches-native', 'emulated', 'wide-magic'],
    advice: [
      step('see which entries there are', 'head /proc/sys/fs/binfmt_misc/*'),
      step('as root, remove the wrong one, even if no program starts', 'echo -1 >/proc/sys/fs/binfmt_misc/NAME'),
    ],
    sources: ['microsoft/WSL#12505', 'gitbls/sdm#268'],
  },
  {
    id: 'kernel-without-loader',
    messages: ['request_module: runaway loop modprobe binfmt-464c'],
    kinds: [/modprobe binfmt-[0-9a-f]{4}\b/, /couldn.?t execute it \(error -8\)/],
    cause:
      'the kernel cannot start the first programs of the system. They need a 64-bit kernel and this is a 32-bit one, or they are for another processor. No emulator can help so early',
    advice: [step('use a kernel for your processor, with as many bits as the system (64 or 32)')],
    sources: ['raspberrypi/Raspberry-Pi-OS-64bit#112', 'AwlsomeAlex/StarLinux#13'],
  },
  {
    id: 'missing-loader',
    messages: [
      "qemu-x86_64: Could not open '/lib64/ld-linux-x86-64.so.2': No such file or directory",
      'rosetta error: failed to open elf at /lib64/ld-linux-x86-64.so.2',
      "qemu-…: Could not open '/lib…",
    ],
    kinds: [/(could not open|failed to open elf at) \S*\/ld-/, /\/ld-(linux|musl)\S*: no such file/],
    unless: /buildkit[-_]qemu/,
    cause:
      'the emulator runs, but the loader that the program needs is missing. The program was put into an image of another platform, or was started on the host',
    checks: ['image-platform'],
    advice: [{ do: 'consider', what: 'add-foreign-libraries' }],
    sources: ['zhb127/docker-open-dingtalk-pierced#5', 'libical/libical#559', 'docker/for-mac#7644'],
  },
  {
    id: 'permission-denied',
    messages: [
      'exec /bin/sh: permission denied',
      'exec /…: permission denied',
      'exec user process caused…permission denied',
    ],
    kinds: [/error while loading \S+: permission denied/],
    cause:
      'the file is not executable, or SELinux or AppArmor does not let the container execute the file or its emulator',
    checks: ['emulator-label', 'confinement', 'emulator-fails'],
    advice: [
      step('if the file is not executable', 'chmod +x FILE'),
      { do: 'install', platforms: ['arm64'], because: 'label' },
    ],
    sources: ['containers/podman#25318'],
  },
  {
    id: 'selinux-denied',
    messages: ['avc: denied { read execute } for … path="/usr/bin/qemu-aarch64"'],
    kinds: [/avc: denied .*(qemu-(?!kvm|img|ga\b|nbd|io\b|pr-|storage|bridge)|\bbinfmt)/],
    cause:
      'SELinux forbids it. Either only the container that registered the emulator may use it, because of its label, or this container may not use binfmt_misc',
    checks: ['emulator-label', 'confinement'],
    advice: [{ do: 'install', platforms: ['arm64'], because: 'label' }],
    sources: ['containers/podman#25318', 'containers/podman#13667'],
  },
  {
    id: 'sudo-effective-uid',
    messages: [
      "sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set",
      'effective uid is not 0',
    ],
    kinds: [/: must be suid to work properly/],
    cause: "the entry has no flag C, so setuid programs run with the caller's rights",
    checks: ['credentials'],
    advice: [install('arm64')],
    sources: ['multiarch/qemu-user-static#17', 'armbian/build#8985', 'containers/podman#20443'],
  },
  {
    id: 'applet-not-found',
    messages: ['applet not found'],
    cause:
      'the entry has no flag P. Programs see their path instead of the name with which they were started, and busybox needs that name to choose its applet',
    checks: ['argv0'],
    advice: [install('arm64')],
    sources: ['docker/for-mac#6127'],
  },
  {
    id: 'fex-root',
    messages: ["RootFS path doesn't exist. This is required on AArch64 hosts", 'Invalid or Unsupported elf file.'],
    kinds: [/misconfigured x86(-64)? rootfs/],
    cause:
      'FEX ran the program, but this user or this container has no RootFS, the directory with the libraries of amd64',
    checks: ['shadowed'],
    advice: [step('download one, as the same user', 'FEXRootFSFetcher'), useQemu],
    sources: ['FEX-Emu/FEX#4156', 'FEX-Emu/FEX#5310'],
  },
];

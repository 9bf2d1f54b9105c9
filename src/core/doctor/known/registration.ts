/** Messages of whoever registers emulators: binfmt, other tools, systemd, and the kernel. */
import type { KnownProblem } from '../known-problem.js';
import { install, step } from './helps.js';

const noMount = ['kernel-module', 'automount', 'vanishing', 'mount-failed'];

export const registration: readonly KnownProblem[] = [
  {
    id: 'nothing-stays',
    messages: ['"emulators": null', 'the registrations would vanish', 'the entries would vanish'],
    cause:
      'entries are gone when the container that registered them ends. The host does not keep binfmt_misc mounted, or the container had a binfmt_misc of its own. Other tools report success anyway, but binfmt refuses',
    checks: ['vanishing', 'automount', 'user-namespace', 'nothing-installed'],
    advice: [
      step('let binfmt mount it on the host', 'docker run --privileged --pid=host --rm binfmt --install all'),
      { do: 'mount-on-host' },
      { do: 'watch', platforms: ['all'] },
    ],
    sources: ['tonistiigi/binfmt#360', 'tonistiigi/binfmt#288'],
  },
  {
    id: 'cannot-mount',
    messages: [
      'cannot mount binfmt_misc filesystem at /proc/sys/fs/binfmt_misc',
      'mount: permission denied (are you root?)',
      'this is a user namespace',
    ],
    kinds: [
      /mount: .*binfmt_misc.*(permission denied|operation not permitted|must be superuser|only root)/,
      /apparmor=denied .*binfmt_misc/,
    ],
    cause:
      'the kernel has no binfmt_misc, or the container is not allowed to mount it. The container has to be privileged and outside a user namespace, and its runtime has to allow it (sysbox before 0.6.7 does not)',
    checks: ['user-namespace', 'permission', 'kernel-module', 'mount-failed', 'confinement', 'read-only'],
    advice: [install('all')],
    sources: ['dbhi/qus#18', 'nestybox/sysbox#823', 'catthehacker/docker_images#112'],
  },
  {
    id: 'register-permission',
    general: true,
    messages: [
      '/proc/sys/fs/binfmt_misc/register: Permission denied',
      '/proc/sys/fs/binfmt_misc/register: Read-only file system',
      'EPERM opening …/register check permissions?',
    ],
    kinds: [/binfmt_misc\S* .*(permission denied|operation not permitted|read-only file system)/],
    cause:
      'this container may not write to the binfmt_misc of the host, for example because it is rootless or runs in LXD. If the message comes from /etc/init.d/jexec, which is part of Java, ignore it',
    checks: ['user-namespace', 'permission', 'read-only', 'confinement'],
    advice: [{ do: 'consider', what: 'register-on-the-host' }],
    sources: ['canonical/lxd#8844'],
  },
  {
    id: 'automount-dead',
    messages: ['/proc/sys/fs/binfmt_misc: Too many levels of symbolic links'],
    kinds: [/binfmt_misc.*too many levels of symbolic links/],
    cause: 'the automount point of binfmt_misc is dead: nothing mounts binfmt_misc there any more',
    checks: ['dead-automount'],
    advice: [{ do: 'restart-automount' }, { do: 'replace-automount' }],
    sources: ['containers/podman#28174', 'DamionGans/ubuntu-wsl2-systemd-script#15', 'nullpo-head/wsl-distrod#38'],
  },
  {
    id: 'no-binfmt',
    messages: [
      '/proc/sys/fs/binfmt_misc/register: Directory nonexistent',
      'binfmt_misc: no such device',
      'ENOENT opening …/register is it mounted?',
      "Couldn't load the binfmt_misc module",
    ],
    kinds: [
      /(?<!write \S*)binfmt_misc\/(register|status): (no such file|nonexistent directory)/,
      /unknown filesystem type binfmt_misc/,
      /(mount|fs).*binfmt_misc.*(no such device|does not exist)/,
      /proc-sys-fs-binfmt_misc\.(auto)?mount\b.*(failed|exited|not found|masked)/,
      /failed to mount .*(binfmt_misc|arbitrary executable file formats)/,
      /\/binfmt_misc\/?: no such file/,
    ],
    cause: 'the kernel has no binfmt_misc, its module is not loaded, or it is not mounted',
    checks: noMount,
    advice: [{ do: 'load-module' }, { do: 'mount-on-host' }],
    sources: ['postmarketOS/pmbootstrap#529', 'siderolabs/pkgs#803', 'vegardit/docker-gitea-act-runner#51'],
  },
  {
    id: 'module-not-found',
    messages: ['modprobe: FATAL: Module binfmt_misc not found in directory /lib/modules/…'],
    kinds: [
      /module binfmt_misc not found/,
      /(modprobe|insmod): .*binfmt_misc/,
      /could not insert binfmt_misc/,
      /failed to (find|insert|load) module binfmt_misc/,
    ],
    cause:
      'there is no module for the running kernel. Perhaps the kernel was updated and the machine was not restarted, or the kernel was built without CONFIG_BINFMT_MISC, or modprobe ran in a container without the /lib/modules of the host',
    checks: ['kernel-module'],
    advice: [
      step(
        'on the host, see whether the modules of the running kernel exist, and if not, restart the machine',
        'ls -d /lib/modules/$(uname -r)',
      ),
      step('otherwise use a kernel that has CONFIG_BINFMT_MISC'),
    ],
    sources: ['revyos/thead-kernel#18', 'siderolabs/talos#6406'],
  },
  {
    id: 'register-invalid-argument',
    messages: ['register: invalid argument', 'sh: write error: Invalid argument'],
    kinds: [/failed to add binary format.*invalid argument/, /(echo|sh|tee|printf): .*write error: invalid argument/],
    unless: /update-binfmts/,
    cause:
      'if the line was written to /proc/sys/fs/binfmt_misc/register, the kernel refused it. Probably the kernel is older than Linux 4.8 and does not know flag F, as in CentOS 7 and the first versions of WSL. Otherwise, a field of the entry is wrong',
    checks: ['old-kernel', 'catches-native'],
    advice: [{ do: 'consider', what: 'install-newer-kernel' }],
    sources: ['tonistiigi/binfmt#92', 'multiarch/qemu-user-static#38', 'multiarch/qemu-user-static#100'],
  },
  {
    id: 'update-binfmts-register',
    messages: ['update-binfmts: warning: unable to close /proc/sys/fs/binfmt_misc/register: Invalid argument'],
    kinds: [
      /update-binfmts: .*register: (invalid argument|file exists)/,
      /update-binfmts: .*unable to enable binary format/,
    ],
    cause:
      'the kernel refused an entry from a package. Probably an entry with that name already exists, or the kernel is too old for one of its flags, as in CentOS 7 and the first versions of WSL',
    checks: [
      'old-kernel',
      ...['disabled-entry', 'wrong-magic', 'not-in-containers', 'dynamic-emulator', 'emulator-fails'],
    ],
    advice: [install('all'), { do: 'consider', what: 'install-newer-kernel' }],
    sources: ['RPi-Distro/pi-gen#435', 'fkrull/docker-qemu-user-static#1', 'microsoft/WSL#2103'],
  },
  {
    id: 'update-binfmts-format',
    messages: ['update-binfmts: warning: unable to open /usr/share/binfmts/qemu-arm: No such file or directory'],
    kinds: [/update-binfmts: .*(\/binfmts\/\S+: no such file|not in database of installed binary formats)/],
    cause:
      'either the package with that emulator is not installed, or it has no entry for this architecture. Packages do not register emulators for what the machine runs by itself, such as arm64 and 32-bit arm on an arm64 runner, and you need none there',
    checks: ['nothing-installed', 'no-entry'],
    advice: [step("see the machine's own architecture", 'uname -m'), install('all')],
    sources: ['pguyot/arm-runner-action#114'],
  },
  {
    id: 'systemd-binfmt',
    messages: ['Failed to flush binfmt_misc rules, ignoring: No such file or directory'],
    kinds: [
      /failed to flush binfmt_misc rules/,
      /failed to start (systemd-binfmt|set up additional binary formats)/,
      /systemd-binfmt\.service: (main process|failed)/,
      /job for systemd-binfmt\.service failed/,
    ],
    cause:
      'binfmt_misc was not mounted yet when systemd-binfmt started, as happens with version 252. If the line ends with "Read-only file system", the cause is WSL 3.0.1, which does not let a distribution remove all entries. You can ignore that line, because new entries are still registered',
    checks: [...noMount, 'dead-automount'],
    advice: [
      step('on the host', 'sudo systemctl start proc-sys-fs-binfmt_misc.mount; sudo systemctl restart systemd-binfmt'),
    ],
    sources: ['systemd/systemd#28501', 'microsoft/WSL#41226'],
  },
  {
    id: 'no-systemd',
    messages: ['systemd-binfmt: unrecognized service'],
    kinds: [/unit systemd-binfmt\S* (could )?not (be )?found/],
    cause:
      'the script uses systemd to register its emulator, but most containers have no systemd. Register emulators on the host, for all its containers',
    advice: [{ do: 'consider', what: 'register-on-the-host' }, install('all')],
    sources: ['sa-shiro/Satisfactory-Dedicated-Server-ARM64-Docker#4'],
  },
  {
    id: 'action-without-answer',
    messages: ['Error: Unexpected end of JSON input'],
    kinds: [/\berror[^\w\n]+unexpected end of json input(?! while)/],
    unless: /npm|syntaxerror/,
    cause:
      'if this comes from the GitHub action docker/setup-qemu-action, the image that it ran failed and printed no list of platforms. The lines before say why. Probably the image could not mount binfmt_misc',
    checks: [...noMount, 'user-namespace', 'permission'],
    advice: [step('let your own runner start privileged containers, on a host with binfmt_misc')],
    sources: ['docker/setup-qemu-action#88', 'vegardit/docker-gitea-act-runner#51'],
  },
  {
    id: 'done-already',
    harmless: true,
    messages: ['mount: binfmt_misc already mounted', 'uninstalling: qemu-aarch64 not found'],
    kinds: [/binfmt_misc\b.*(already mounted|mount point busy)/, /uninstalling: \S+ not found/],
    cause: 'there is nothing to do: binfmt_misc is mounted already, or no entry has that name',
    advice: [step('see what there is', 'ls /proc/sys/fs/binfmt_misc')],
    sources: ['https://docs.kernel.org/admin-guide/binfmt-misc.html'],
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
    kinds: [
      /\bwrite error: file exists/,
      /failed to add binary format.*file exists/,
      /\b(qemu-\w+|\w+-binfmt-p) already registered/,
      /found manually created entry for/,
    ],
    cause:
      'if the line was written to /proc/sys/fs/binfmt_misc/register, an entry of that name exists. Other tools keep it even if it is broken, but binfmt replaces a broken one',
    checks: [
      'disabled-entry',
      'wrong-magic',
      'not-in-containers',
      'dynamic-emulator',
      'emulator-fails',
      'old-emulator',
    ],
    advice: [{ do: 'install', platforms: ['all'], options: ['--uninstall', 'qemu-*'], because: 'replace' }],
    sources: ['multiarch/qemu-user-static#49', 'rancher-sandbox/rancher-desktop#8593'],
  },
  {
    id: 'interpreter-missing',
    messages: ['sh: write error: No such file or directory'],
    kinds: [
      /\bwrite error: no such file/,
      /write \S*\/register: no such file/,
      /failed to add binary format.*no such file/,
    ],
    cause:
      'the entry has flag F, but the emulator that it names does not exist. With dbhi/qus, add -s, because its static emulators have other names. With other tools, the image has no emulator for that architecture',
    advice: [install('all'), step('with dbhi/qus', 'docker run --rm --privileged aptman/qus -s -- -p x86_64')],
    sources: ['dbhi/qus#14', 'tonistiigi/binfmt#138'],
  },
  {
    id: 'entry-missing',
    messages: ['cat: /proc/sys/fs/binfmt_misc/qemu-aarch64: No such file or directory'],
    kinds: [/\/binfmt_misc\/(?!register|status)[\w.*-]+: no such file/],
    cause:
      "nothing is registered under that name. For the machine's own architecture that is right: an arm64 machine (a Jetson, a Raspberry Pi) needs no qemu-aarch64",
    checks: ['vanishing', 'nothing-installed', 'no-entry'],
    advice: [step("see the machine's own architecture first", 'uname -m'), install('all')],
    sources: ['multiarch/qemu-user-static#111', 'NVIDIA/nvidia-docker#1306'],
  },
];

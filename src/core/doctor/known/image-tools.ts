/** Messages of tools that make images and root file systems for other processors. */
import type { KnownProblem } from '../known-problem.js';
import { install, step } from './helps.js';

const noEmulator = ['kernel-module', 'switched-off', 'automount', 'vanishing', 'nothing-installed', 'no-entry'];

export const imageTools: readonly KnownProblem[] = [
  {
    id: 'debootstrap-chroot',
    messages: ['W: Failure trying to run: chroot "/tmp/rootfs" /bin/true'],
    kinds: [/failure trying to run: chroot /],
    cause:
      'programs of the new system do not run. Probably no emulator is registered for its architecture, or the kernel does not find the emulator inside. The end of debootstrap/debootstrap.log there has the message',
    checks: [...noEmulator, 'not-in-containers', 'dynamic-emulator', 'emulator-fails'],
    advice: [install('all')],
    sources: ['libbpf/ci#55'],
  },
  {
    id: 'tool-sees-no-emulator',
    messages: ['E: arm64 can neither be executed natively nor via qemu user emulation with binfmt_misc'],
    kinds: [
      /can neither be executed natively nor via qemu/,
      /unable to execute target architecture/,
      /: not supported on this machine\/kernel/,
      /ensure your os has binfmt_misc support/,
      /cannot find (\/usr\/sbin\/)?update-binfmts/,
      /\bbinfmt_misc\b.* (not mounted|isnt mounted)/,
    ],
    cause:
      'the tool found no emulator for that architecture. mmdebstrap and sdm ask update-binfmts, which knows only what packages of the distribution have registered, and not what is in the kernel',
    checks: noEmulator,
    advice: [
      install('all'),
      step('for mmdebstrap, if programs of that architecture run', 'mmdebstrap --skip=check/qemu …'),
    ],
    sources: ['gitbls/sdm#268', 'https://gitlab.mister-muffin.de/josch/mmdebstrap'],
  },
  {
    id: 'nix-platform',
    messages: ["error: a 'aarch64-linux' with features {} is required to build"],
    kinds: [/\b\w+-linux (with features \{.*\} )?is required to build/, /required system: \S+-linux\b/],
    cause:
      'Nix does not detect registered emulators. Install the emulator, and also list the platform in the configuration of Nix',
    checks: noEmulator,
    advice: [
      install('all'),
      step('on NixOS: boot.binfmt.emulatedSystems = [ "aarch64-linux" ]'),
      step(
        'elsewhere, run this, and then restart nix-daemon',
        "echo 'extra-platforms = aarch64-linux' | sudo tee -a /etc/nix/nix.conf",
      ),
    ],
    sources: ['nix-community/nixos-generators#219', 'NixOS/nix#1916'],
  },
  {
    id: 'nix-seccomp',
    messages: ['unable to load seccomp BPF program: Invalid argument'],
    cause: 'Nix filters the system calls of a build (seccomp), and QEMU cannot set such a filter',
    advice: [step('where Nix runs, add this line to /etc/nix/nix.conf: filter-syscalls = false')],
    sources: ['NixOS/nix#5258'],
  },
  {
    id: 'static-emulator-in-image',
    messages: ['COPY failed: stat …/qemu-aarch64-static: no such file or directory'],
    kinds: [
      /(\bl?stat\b(?!ic)|file not found|calculate checksum|cache key).*qemu-(?!user)\w+-static\S*:? .*(no such file|not found|not exist)/,
      /(cannot|could not|failed to|l?stat) (stat )?\S*qemu-(?!user)\w+-static\S*:? .*(no such file|not found|not exist)/,
      /cache key.*qemu-(?!user)\w+-static/,
      /qemu-(?!user)\w+(-static)?:? (command )?not found\b/,
      /command not found: qemu-(?!user|system)\w+/,
    ],
    cause:
      'a Dockerfile or script copies an emulator from the host into the image. That was needed before entries had flag F; now it is not',
    advice: [install('all'), step('then remove the line that copies it')],
    sources: ['DeBaschdi/docker.solaranzeige#1', 'longsleep/build-pine64-image#73'],
  },
  {
    id: 'module-not-seen',
    messages: ['Module binfmt_misc not loaded in host'],
    cause:
      'the tools pi-gen and rpi-image-gen look for the file /proc/sys/fs/binfmt_misc/status in their own container, where binfmt_misc is not mounted. The kernel module is probably loaded. A docker build has no right to mount it',
    checks: ['kernel-module', 'automount', 'vanishing', 'mount-failed'],
    advice: [
      step(
        'in a privileged container (docker run --privileged, not docker build), before the script',
        'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc',
      ),
    ],
    sources: ['RPi-Distro/pi-gen#561', 'RPi-Distro/pi-gen#581', 'jonnymacs/rpi-image-gen-example#4'],
  },
  {
    id: 'interpreter-path',
    messages: ['Failed to find binfmt_misc for /usr/bin/qemu-aarch64-static under /proc/sys/fs/binfmt_misc'],
    kinds: [/failed to find binfmt_misc for/],
    cause:
      "packer's plugin needs an entry whose interpreter is exactly the path in its option qemu_binary_source_path. Here the entry has another path, or there is no entry",
    checks: ['nothing-installed', 'no-entry'],
    advice: [
      step('give the plugin the path that the entry has', 'grep -h interpreter /proc/sys/fs/binfmt_misc/*'),
      install('all'),
    ],
    sources: ['mkaczanowski/packer-plugin-builder-arm#61'],
  },
];

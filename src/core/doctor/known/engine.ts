/** Messages of container engines, builders and shells, and what the machine itself is not able to do. */
import type { KnownProblem } from '../known-problem.js';
import { install, step } from './helps.js';

export const engine: readonly KnownProblem[] = [
  {
    id: 'image-for-another-platform',
    harmless: true,
    messages: [
      "The requested image's platform (linux/arm64) does not match the detected host platform",
      "The requested image's platform…does not match",
      'image platform (linux/arm64) does not match the expected platform',
    ],
    kinds: [/image platform \S+ ?\S* .{0,8}does not match the expected platform/, /invalidbaseimageplatform/],
    cause:
      'this is a warning that the program will be emulated. If an emulator is registered, ignore it. Installing an emulator does not remove the warning',
    checks: ['no-entry', 'disabled-entry', 'not-in-containers', 'dynamic-emulator', 'emulator-fails', 'image-platform'],
    advice: [step('to silence it, name the platform', 'docker run --platform linux/arm64 IMAGE')],
    sources: ['docker/for-mac#6127', 'tonistiigi/binfmt#136', 'rancher-sandbox/rancher-desktop#5577'],
  },
  {
    id: 'no-matching-manifest',
    general: true,
    messages: [
      'no matching manifest for linux/arm64/v8 in the manifest list entries',
      'no match for platform in manifest',
      'was found but does not match the specified platform',
    ],
    kinds: [
      /no matching manifest for (?!windows)\S+/,
      /no image found in (manifest list|image index) for (architecture|platform)/,
      /not contain descriptor matching platform/,
      /failed to find a descriptor for platform/,
      /no child with platform \S+/,
      /must support amd64\/linux/,
      /was found but (its platform .*does not match|does not provide) the specified platform/,
    ],
    cause:
      'the image does not exist for that platform, and an emulator does not change that. An engine uses images for its own platform unless you name another one',
    advice: [
      step('see which platforms it has', 'docker buildx imagetools inspect IMAGE'),
      step('name one of them for which an emulator is installed', 'docker run --platform linux/amd64 IMAGE'),
      step('a pod cannot name a platform: as its image, use the digest for that platform, IMAGE@sha256:…'),
    ],
    sources: ['dbhi/qus#8', 'link-assistant/hive-mind#962', 'docker/for-linux#1170'],
  },
  {
    id: 'no-32-bit-image',
    messages: ['no matching manifest for linux/arm/v6 in the manifest list entries'],
    kinds: [/no matching manifest for linux\/(arm(\/v[5-7])?|386)\b(?!64)/],
    cause:
      'the image has no 32-bit version. Either you asked for one, or your system is a 32-bit one. Images that register emulators no longer support 32-bit systems, because QEMU 11 does not run on them',
    advice: [
      step('install a 64-bit system (Raspberry Pi 3 or later: the 64-bit Raspberry Pi OS)'),
      step('see which platforms the image has', 'docker buildx imagetools inspect IMAGE'),
    ],
    sources: ['tonistiigi/binfmt#125', 'tonistiigi/binfmt#349'],
  },
  {
    id: 'platform-name',
    messages: ['installing: …unsupported architecture: …', 'unknown operating system or architecture'],
    kinds: [/[\w/] is an invalid (os )?component of/],
    cause:
      'the name of the platform is misspelt or unknown to that tool, or you gave a list to a tool that wants one name',
    advice: [step('names are those of Docker, such as linux/amd64, linux/arm64, linux/arm/v7, linux/riscv64')],
    sources: ['https://github.com/containerd/platforms'],
  },
  {
    id: 'multi-platform-driver',
    messages: [
      'Multi-platform build is not supported for the docker driver',
      'multiple platforms feature is currently not supported for docker driver',
      'docker exporter does not currently support exporting manifest lists',
    ],
    cause:
      'no emulator is at fault. The builder inside the Docker Engine needs the containerd image store to make or keep an image for several platforms',
    advice: [
      step('create a separate builder, and use --push instead of --load', 'docker buildx create --use'),
      step(
        'or switch on the containerd image store: write { "features": { "containerd-snapshotter": true } } into /etc/docker/daemon.json, and restart Docker',
      ),
    ],
    sources: ['docker/buildx#1996', 'docker/buildx#59'],
  },
  {
    id: 'old-client',
    messages: [
      '"--platform" is only supported on a Docker daemon with experimental features enabled',
      "docker: 'buildx' is not a docker command",
    ],
    kinds: [
      /unknown flag: --platform\b/,
      /buildx is not a docker command/,
      /unknown command: docker buildx/,
      /buildx component is missing/,
      /: is an invalid component of/,
    ],
    cause:
      'no emulator is at fault. This Docker is older than 20.10, has no plugin buildx, or builds without BuildKit. Only BuildKit knows $BUILDPLATFORM',
    advice: [
      step(
        "install the plugin (Debian's and Ubuntu's own Docker calls it docker-buildx)",
        'sudo apt-get install docker-buildx-plugin',
      ),
      step('build with BuildKit', 'DOCKER_BUILDKIT=1 docker build .'),
      step('write "platforms" below "build" in the compose file, because docker compose build has no --platform'),
    ],
    sources: ['https://docs.docker.com/engine/install/', 'dani-garcia/vaultwarden#4019', 'devcontainers/features#570'],
  },
  {
    id: 'userns-remap',
    messages: ['privileged mode is incompatible with user namespaces'],
    kinds: [/cannot share the host\W?s? \w+ namespace when user namespaces are enabled/],
    cause:
      'the Docker Engine runs containers in a user namespace (userns-remap), where they cannot be privileged. The entries of the host can be changed only from its own user namespace',
    checks: ['user-namespace'],
    advice: [{ do: 'consider', what: 'use-host-user-namespace' }],
    sources: ['moby/moby#17409', 'docker/buildx#461', 'buildkite/elastic-ci-stack-for-aws#538'],
  },
  {
    id: 'privileged-forbidden',
    messages: ['violates PodSecurity "baseline:latest": privileged'],
    kinds: [/violates podsecurity .*privileged/, /privileged: .*(privileged containers are not allowed)/],
    cause: 'the cluster lets no pod of this namespace be privileged',
    advice: [
      step(
        'only for the namespace of binfmt',
        'kubectl label namespace NAME pod-security.kubernetes.io/enforce=privileged',
      ),
    ],
    sources: ['https://kubernetes.io/docs/concepts/security/pod-security-standards/'],
  },
  {
    id: 'no-terminal',
    messages: ['the input device is not a TTY'],
    kinds: [/cannot attach stdin to a tty-enabled container/],
    cause: 'no emulator is at fault. The option -t needs a terminal, but the input of docker is a pipe or a CI job',
    advice: [step('leave -t out: docker run -i, docker compose exec -T')],
    sources: ['https://www.baeldung.com/linux/docker-run-interactive-tty-options'],
  },
  {
    id: 'no-daemon',
    messages: ['Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'],
    kinds: [
      /cannot connect to the docker daemon/,
      /failed to connect to the docker api/,
      /is the docker daemon running/,
      /docker_?engine.*the system cannot find the file/,
      /cannot connect to podman/,
    ],
    cause:
      'no emulator is at fault. The Docker Engine is not running, or it runs somewhere else: see DOCKER_HOST and docker context ls',
    advice: [step('start it', 'sudo systemctl start docker')],
    sources: ['https://docs.docker.com/engine/daemon/troubleshoot/'],
  },
  {
    id: 'daemon-permission',
    messages: ['permission denied while trying to connect to the Docker daemon socket'],
    kinds: [/permission denied while trying to connect to the docker/, /docker\.sock: connect: permission denied/],
    cause: 'no emulator is at fault: this user may not use the Docker Engine',
    advice: [
      step('as root: sudo docker …'),
      step('or join its group, and log in again', 'sudo usermod -aG docker $USER'),
    ],
    sources: ['https://docs.docker.com/engine/install/linux-postinstall/'],
  },
  {
    id: 'option-before-image',
    messages: ['unknown flag: --install', 'exec: "--install": executable file not found in $PATH'],
    kinds: [
      /unknown flag: --(install|uninstall|reset|persist|persistent)\b/,
      /exec: --(install|uninstall|reset|persist|watch|version)\b.*not found/,
      /flag provided but not defined: --?(reset|persist\w*)(?![\w-])/,
    ],
    cause:
      'Docker reads options before the image name as its own. If the option comes after the name, the image is not the one you want, because it has no such option',
    advice: [step('write the options for an image after its name'), install('all')],
    sources: ['https://docs.docker.com/reference/cli/docker/container/run/'],
  },
  {
    id: 'unquoted-star',
    messages: ['zsh: no matches found: qemu-*'],
    kinds: [/no (matches found|match|matches for wildcard):? \S*qemu-/, /^docker: no match\.?$/],
    cause: 'the shell took the star for names of files, found none, and did not start docker',
    advice: [step('put the star into quotation marks'), { do: 'uninstall', entries: ['qemu-*'] }],
    sources: ['tonistiigi/binfmt#135'],
  },
  {
    id: 'no-aarch32',
    messages: ['linux/arm/v7…exec format error', 'linux/arm/v6…exec format error', 'arm32v7…exec format error'],
    cause:
      'many arm64 processors cannot run 32-bit programs: those of Apple, ThunderX, and newer ones of ARM. Container engines assume that all can. On these processors, 32-bit programs need an emulator',
    where: { architectures: ['arm'], host: 'arm64', notNative: true },
    checks: ['no-entry', 'disabled-entry', 'not-in-containers', 'dynamic-emulator'],
    advice: [install('arm')],
    sources: ['dbhi/qus#4', 'containers/podman#19324'],
  },
  {
    id: 'large-pages',
    messages: [
      'PageSize configuration is wrong: configured with 4096, but got 16384',
      'PageSize configuration is wrong',
      'Unsupported system page size',
      'ELF load command address/offset not page-aligned',
    ],
    kinds: [
      /pagesize configui?r?ation is wrong/,
      /elf load command alignment not page-aligned/,
      /unsupported pagesize/,
    ],
    cause:
      'the kernel uses pages of 16 or 64 KiB, as on a Raspberry Pi 5 or with Asahi Linux. box64 has to be built for such pages. FEX does not run at all, and many 32-bit programs do not run, with or without an emulator',
    where: { largePages: true },
    advice: [{ do: 'consider', what: 'use-4k-pages' }],
    sources: [
      'raspberrypi/bookworm-feedback#120',
      'ryanfortner/box64-debs#26',
      'FEX-Emu/FEX#3496',
      'ptitSeb/box86#912',
      'thijsvanloef/palworld-server-docker#930',
    ],
  },
  {
    id: 'large-pages-crash',
    onlyHere: true,
    messages: ['Segmentation fault, on a kernel with pages larger than 4 KiB', 'Segmentation fault'],
    kinds: [/\b(exit|exited|non-zero|status).{0,12}[ :=]139\b/],
    cause:
      'the kernel of this machine uses pages of 16 or 64 KiB (Raspberry Pi 5, Asahi Linux), and the program was probably built for 4 KiB. Then the emulator is not at fault',
    where: { largePages: true },
    advice: [{ do: 'consider', what: 'use-4k-pages' }],
    sources: ['gshang2017/docker#288', 'termux/termux-docker#76', 'ptitSeb/box86#919'],
  },
];

/** Advice in words: a label, and a command to paste, for the way in which this program was called. */
import type { Advice, Grant, Suggestion } from '../advice.js';
import { BINFMT_DIRECTORY } from '../binfmt/procfs.js';
import { call, callAsService, callPrivileged, type Invocation, quoted, words } from '../invocation.js';
import { printable } from '../text.js';

/** At least one of the two. */
export interface RenderedAdvice {
  /** When or why, without a colon. */
  readonly label?: string;
  readonly command?: string;
}

type Of<Kind extends Advice['do']> = Extract<Advice, { readonly do: Kind }>;
type Renderers = {
  readonly [Kind in Advice['do']]: (advice: Of<Kind>, invocation: Invocation) => RenderedAdvice | undefined;
};

/** Undefined: it does not apply to a program that was called in this way. */
export function renderAdvice(advice: Advice, invocation: Invocation): RenderedAdvice | undefined {
  const render = renderers[advice.do] as (advice: Advice, invocation: Invocation) => RenderedAdvice | undefined;
  return render(advice, invocation);
}

const HOST_NAMESPACES = ['--pid=host'];
const HOST_ROOT = ['-v', '/:/host'];
const has = (option: 'persist' | 'host', args: readonly string[]) =>
  args.some((word) => new RegExp(`^--?${option}(=|$)`).test(word));
const hostFiles = (args: readonly string[]) => (has('host', args) ? HOST_ROOT : HOST_NAMESPACES);
/** A privileged container whose files have no categories of SELinux. */
const LABEL_FOR_ALL = ['--security-opt', 'label=type:spc_t', '--security-opt', 'label=level:s0'];
const host = (command: string): RenderedAdvice => ({ label: 'on the host', command });
const entryFile = (name: string) => quoted(`${BINFMT_DIRECTORY}/${name}`);

const renderers: Renderers = {
  install({ platforms, options = [], hostNamespaces, after, because }, invocation) {
    const behind = after === undefined ? [] : ['--after', after];
    const args = ['--install', platforms.join(','), ...options, ...behind];
    const container = [...(hostNamespaces ? HOST_NAMESPACES : []), ...(because === 'label' ? LABEL_FOR_ALL : [])];
    // For the whole machine, the namespaces of a rootless engine do not help.
    const caller = because === 'whole-machine' ? { ...invocation, rootless: undefined } : invocation;
    const command = callPrivileged(caller, args, container);
    if (after !== undefined) return { label: `to have ${printable(after)} instead`, command };
    return because === undefined && hostNamespaces
      ? { label: 'let this program mount it on the host', command }
      : { label: because && installLabels[because], command };
  },
  watch: ({ platforms }, invocation) => ({
    label: 'as a service that restores the entries',
    command: callAsService(invocation, ['--install', platforms.join(','), '--watch']),
  }),
  persist: ({ platforms }, invocation) => ({
    label: 'now and at every boot, on the host itself',
    command: callPrivileged(
      { ...invocation, rootless: undefined },
      ['--install', platforms.join(','), '--persist'],
      HOST_NAMESPACES,
    ),
  }),
  run({ platforms, command, because }, invocation) {
    if (because === 'no-engine' && invocation.kind === 'image') return undefined;
    return {
      label: because && 'for one command, without an engine',
      command: call(invocation, ['run', platforms.join(','), '--', ...command]),
    };
  },
  uninstall: ({ entries }, invocation) => ({
    label: entries.length > 1 ? 'remove the entries' : 'remove the entry',
    command: callPrivileged(invocation, uninstallWords(entries.join(','))),
  }),
  'enable-entries': ({ entries }) => ({
    label: entries.length > 1 ? 'enable the entries' : 'enable the entry',
    command: `echo 1 | sudo tee ${entries.map(entryFile).join(' ')}`,
  }),
  'remove-entries-by-hand': ({ entries }) => ({
    label: 'type this in a root shell that is already open (the command starts no program)',
    command: entries.map((name) => `echo -1 >${entryFile(name)}`).join('; '),
  }),
  'delete-files': ({ files }) => ({
    label: `if you do not need ${files.length > 1 ? 'these files, remove them' : 'this file, remove it'} on the host, and then repeat your command`,
    command: words(['sudo', 'rm', ...files]),
  }),
  'delete-entry-file': ({ file }) => ({ label: 'remove the entry', command: `sudo rm ${quoted(file)}` }),
  'enable-binfmt': () => host(`echo 1 | sudo tee ${BINFMT_DIRECTORY}/status`),
  'load-module': () => host('sudo modprobe binfmt_misc'),
  'mount-on-host': () => host(`sudo mount -t binfmt_misc binfmt_misc ${BINFMT_DIRECTORY}`),
  'start-rootless-docker': () => ({
    label: 'start the rootless Docker Engine',
    command: 'systemctl --user start docker',
  }),
  'trigger-automount': () => host('sudo systemctl start proc-sys-fs-binfmt_misc.mount'),
  'restart-automount': () => host('sudo systemctl restart proc-sys-fs-binfmt_misc.automount'),
  'replace-automount': () => ({
    label: 'without systemd',
    command: `sudo umount --lazy ${BINFMT_DIRECTORY}; sudo mount -t binfmt_misc binfmt_misc ${BINFMT_DIRECTORY}`,
  }),
  'restart-systemd-binfmt': () => ({
    label: 'register what that file says, on the host',
    command: 'sudo systemctl restart systemd-binfmt',
  }),
  'call-again': ({ with: grant }, invocation) => callAgain(grant, invocation),
  'call-again-with-directory'({ directory }, invocation) {
    if (invocation.kind === 'file') return undefined;
    const command = callPrivileged(invocation, invocation.args, ['-v', `${directory}:${directory}:ro`]);
    return { label: 'with its directory', command };
  },
  'set-sysctl': ({ setting, value, until }) => ({
    label: until === 'fixed' ? 'until you have replaced the emulator, on the host' : 'allow it, on the host',
    command: `sudo sysctl ${setting}=${value}`,
  }),
  'set-variable'({ variable, value, platform }, { kind }) {
    const setting = `${variable}=${value}`;
    return kind === 'file'
      ? { label: 'in the environment of the programs', command: `export ${quoted(setting)}` }
      : {
          label: 'in the container (in a Dockerfile: ENV)',
          command: words(['docker', 'run', '--platform', platform, '-e', setting, 'IMAGE']),
        };
  },
  examine: ({ options }, invocation) => ({
    label: 'look further',
    command: callPrivileged(invocation, ['doctor', ...options]),
  }),
  'install-package': ({ package: name }) => ({
    label: 'on Debian and Ubuntu',
    command: `sudo apt-get install ${quoted(name)}`,
  }),
  'add-subordinate-ids': ({ user }) => ({
    command: words(['sudo', 'usermod', '--add-subuids', '100000-165535', '--add-subgids', '100000-165535', user]),
  }),
  'make-executable': ({ file }) => ({ command: `sudo chmod +x ${quoted(file)}` }),
  'inspect-image'(_, { kind }) {
    if (kind === 'file') return undefined;
    return {
      label: "see the image's platform",
      command: "docker image inspect --format '{{.Os}}/{{.Architecture}}' IMAGE",
    };
  },
  'choose-platform': ({ platform, because }, { kind }) => {
    if (kind === 'file') {
      return { label: because === 'lower' ? 'use a program for an older processor' : `start it for ${platform}` };
    }
    return {
      label: because === 'lower' ? 'use an image for an older processor' : 'choose the platform yourself',
      command: `docker run --platform ${platform} IMAGE`,
    };
  },
  step: ({ label, command }) => ({ label, command }),
  consider({ what, detail }, invocation) {
    if (what === 'show-stack' && invocation.debug) return undefined;
    if (what === 'use-full-image' && invocation.kind === 'file') return undefined;
    return { label: suggestions[what](invocation, detail) };
  },
};

/** A list that begins with a dash would be taken for an option. */
function uninstallWords(list: string): string[] {
  return list.startsWith('-') ? [`--uninstall=${list}`] : ['--uninstall', list];
}

const installLabels = {
  replace: 'use the emulator of this program',
  'in-front': 'register the emulator of this program in front',
  label: 'with a label that every container may use',
  'whole-machine': 'for the whole machine, as root',
  elsewhere: 'where you saw it',
  'for-processor': "use the image for this machine's processor",
} as const;

/** The same call again, with what it lacked. Only an image can be given more by its caller. */
function callAgain(grant: Grant, invocation: Invocation): RenderedAdvice | undefined {
  const { kind, args } = invocation;
  if (grant === 'user-namespace') {
    if (args.some((word) => /^--?allow-userns$/.test(word))) return undefined;
    const again = [...args, '--allow-userns'];
    const command = kind === 'file' ? call(invocation, again) : callPrivileged(invocation, again);
    return { label: 'mount it for this namespace only', command };
  }
  const persist = has('persist', args);
  if (grant === 'service') {
    // The host does that at boot.
    if (persist) return undefined;
    return {
      label: 'as a service that restores the entries',
      command: callAsService(invocation, [...args, '--watch']),
    };
  }
  if (kind === 'file')
    return grant === 'privileges' || grant === 'root-user' || grant === 'host-files'
      ? { label: 'as root', command: callPrivileged(invocation, args) }
      : undefined;
  switch (grant) {
    case 'privileges':
      return { label: 'with privileges', command: callPrivileged(invocation, args, persist ? hostFiles(args) : []) };
    case 'root-user':
      return {
        label: 'as root (in Kubernetes: runAsUser: 0)',
        command: callPrivileged(invocation, args, ['--user', '0', ...(persist ? hostFiles(args) : [])]),
      };
    case 'host-directory':
      if (persist) return undefined;
      return {
        label: "with the host's directory",
        command: call(invocation, args, ['-v', `${BINFMT_DIRECTORY}:/binfmt_misc`]),
      };
    case 'host-namespaces':
      return {
        label: 'let this program mount it on the host',
        command: callPrivileged(invocation, args, [...HOST_NAMESPACES, ...(has('host', args) ? HOST_ROOT : [])]),
      };
    case 'host-files':
      return { label: "with the host's files", command: callPrivileged(invocation, args, hostFiles(args)) };
    case 'host-root':
      return {
        label: "with the host's root directory",
        command: callPrivileged(invocation, [...args, '--host', '/host'], HOST_ROOT),
      };
    case 'host-user-namespace':
      return {
        label: 'if the engine has userns-remap',
        command: callPrivileged(invocation, args, ['--userns=host']),
      };
    case 'no-apparmor':
      return {
        label: 'without AppArmor',
        command: call(invocation, args, ['--cap-add', 'SYS_ADMIN', '--security-opt', 'apparmor=unconfined']),
      };
    case 'no-selinux':
      return {
        label: 'without SELinux',
        command: call(invocation, args, ['--cap-add', 'SYS_ADMIN', '--security-opt', 'label=disable']),
      };
  }
}

const suggestions: Readonly<Record<Suggestion, (invocation: Invocation, detail?: string) => string>> = {
  'allow-nodes': () => 'allow its service account to get and to patch nodes, as deploy/kubernetes/scheduling does',
  'add-foreign-libraries': () =>
    'give the programs their libraries: run them in an image of their platform, or point QEMU_LD_PREFIX to a directory that has its /lib',
  'build-on-own-platform': () =>
    'cross-compile: in the Dockerfile, let the build stage run on the platform of your machine (FROM --platform=$BUILDPLATFORM); or build on a machine of that platform',
  'choose-another-address': () => 'choose another address with --listen ADDRESS',
  'choose-another-directory': () => 'choose an existing, empty directory with --mount DIR',
  'fix-emulator-file': (_, file) => `fix or replace the emulator ${file}`,
  'get-static-emulator': () =>
    'use a statically linked emulator, such as the one in the package qemu-user of Debian 13',
  'give-service-account': () => 'give the pod a service account, and set automountServiceAccountToken: true',
  'install-newer-kernel': () =>
    'install a newer kernel; until then, register with a tool that does not set flag F, and copy the static emulator into each image, to the path in that entry',
  'keep-directory-in-memory': () =>
    'keep the directory that is read on a tmpfs: RUN --mount=type=tmpfs,target=DIR, or docker run --tmpfs DIR',
  'mount-without-noexec': () => 'mount its file system without noexec',
  'mount-writable': ({ kind }) =>
    kind === 'image' ? 'mount the directory without :ro' : 'mount binfmt_misc so that it can be written to',
  'register-on-the-host': () => "register on the host itself, as the host's root user",
  'set-emulator-directory': () => 'set QEMU_BINARY_PATH to the directory of statically linked qemu-* programs',
  'show-stack': () => 'BINFMT_DEBUG=1 in the environment of this program shows where',
  'trace-from-outside': () =>
    'set QEMU_STRACE=1 in the environment of the program, which prints its system calls; for a debugger set QEMU_GDB=PORT and connect gdb-multiarch to that port',
  'try-again-later': () => 'try again when this machine is less busy',
  'update-dotnet': () => 'use .NET 9, or the latest release of .NET 8, which have the fix',
  'use-4k-pages': () =>
    'use a kernel with pages of 4 KiB; on a Raspberry Pi 5: the line kernel=kernel8.img in /boot/firmware/config.txt, and restart',
  'use-full-image': () => 'use the image with the tag "full", which has every emulator',
  'use-host-user-namespace': () => 'add --userns=host to docker run',
  'use-in-pod': () => 'leave --node out, or use it in a pod, as deploy/kubernetes/scheduling does',
  'use-other-emulators': () =>
    'use other emulators: set QEMU_BINARY_PATH to a directory of statically linked qemu-* programs',
  'use-program-for-processor': (_, platform) => `use the program that is built for ${platform}`,
};

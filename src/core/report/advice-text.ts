/** Advice in words: a label, and a command to paste, for the way in which binfmt was called. */
import type { Advice } from '../advice.js';
import { BINFMT_DIRECTORY } from '../binfmt/procfs.js';
import { call, callAsService, callPrivileged, type Invocation, quoted, words } from '../invocation.js';
import { printable } from '../text.js';
import { callAgain, HOST_NAMESPACES, type RenderedAdvice } from './call-again.js';
import { suggestions } from './suggestions.js';

type Of<Kind extends Advice['do']> = Extract<Advice, { readonly do: Kind }>;
type Renderers = {
  readonly [Kind in Advice['do']]: (advice: Of<Kind>, invocation: Invocation) => RenderedAdvice | undefined;
};

/** Undefined: it does not apply to a program that was called in this way. */
export function renderAdvice(advice: Advice, invocation: Invocation): RenderedAdvice | undefined {
  const render = renderers[advice.do] as (advice: Advice, invocation: Invocation) => RenderedAdvice | undefined;
  return render(advice, invocation);
}

/** A privileged container whose files have no categories of SELinux. */
const LABEL_FOR_ALL = ['--security-opt', 'label=type:spc_t', '--security-opt', 'label=level:s0'];
const host = (command: string): RenderedAdvice => ({ label: 'on the host', command });
const entryFile = (name: string) => quoted(`${BINFMT_DIRECTORY}/${name}`);

const renderers: Renderers = {
  install({ platforms, options = [], hostNamespaces, after, because }, invocation) {
    const behind = after === undefined ? [] : ['--after', after];
    const install = ['--install', platforms.join(',')];
    // In the order in which binfmt does it.
    const args =
      options[0] === '--uninstall' ? [...options, ...install, ...behind] : [...install, ...options, ...behind];
    const container = [...(hostNamespaces ? HOST_NAMESPACES : []), ...(because === 'label' ? LABEL_FOR_ALL : [])];
    // For the whole machine, the namespaces of a rootless engine do not help.
    const caller = because === 'whole-machine' ? { ...invocation, rootless: undefined } : invocation;
    const command = callPrivileged(caller, args, container);
    if (after !== undefined) return { label: `to have ${printable(after)} instead`, command };
    return because === undefined && hostNamespaces
      ? { label: 'let binfmt mount it on the host', command }
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
    label: 'register what that file says, on a host with systemd',
    command: 'sudo systemctl restart systemd-binfmt',
  }),
  'call-again': ({ with: grant }, invocation) => callAgain(grant, invocation),
  'call-again-with-directory'({ directory }, invocation) {
    if (invocation.kind === 'file') return undefined;
    const command = callPrivileged(invocation, invocation.args, ['-v', `${directory}:${directory}:ro`]);
    return { label: 'with its directory', command };
  },
  'set-sysctl': ({ setting, value, until }) => ({
    label: until === 'fixed' ? 'on the host, until you have replaced the emulator' : 'allow it, on the host',
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
      return {
        label:
          because === 'lower'
            ? 'use a program for an older processor'
            : `name the platform when you start the container: --platform ${platform}`,
      };
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
  replace: 'use the emulator of binfmt',
  'in-front': 'give precedence to the emulator of binfmt',
  label: 'with a label that every container may use',
  'whole-machine': 'for the whole machine, as root',
  elsewhere: 'where you saw it',
  'for-processor': "use the image for this machine's processor",
} as const;

/** The command that the user has given, with what it lacked. */
import type { Grant } from '../advice.js';
import { BINFMT_DIRECTORY } from '../binfmt/procfs.js';
import { call, callAsService, callPrivileged, type Invocation } from '../invocation.js';

/** At least one of the two. */
export interface RenderedAdvice {
  /** When or why, without a colon. */
  readonly label?: string;
  readonly command?: string;
}

export const HOST_NAMESPACES = ['--pid=host'];
const HOST_ROOT = ['-v', '/:/host'];
const has = (option: 'persist' | 'host', args: readonly string[]) =>
  args.some((word) => new RegExp(`^--?${option}(=|$)`).test(word));
const hostFiles = (args: readonly string[]) => (has('host', args) ? HOST_ROOT : HOST_NAMESPACES);
/** How an image is called again with what it lacks, which only its caller can give. `host`: options for the host's files. */
type WithGrant = (invocation: Invocation, host: readonly string[], persist: boolean) => RenderedAdvice | undefined;

const ofImage: Readonly<Record<Exclude<Grant, 'user-namespace' | 'service'>, WithGrant>> = {
  privileges: (invocation, host, persist) => ({
    label: 'with privileges',
    command: callPrivileged(invocation, invocation.args, persist ? host : []),
  }),
  'root-user': (invocation, host, persist) => ({
    label: 'as root (in Kubernetes: runAsUser: 0)',
    command: callPrivileged(invocation, invocation.args, ['--user', '0', ...(persist ? host : [])]),
  }),
  'host-directory': (invocation, _, persist) =>
    persist
      ? undefined
      : {
          label: "with the host's directory",
          command: call(invocation, invocation.args, ['-v', `${BINFMT_DIRECTORY}:/binfmt_misc`]),
        },
  'host-namespaces': (invocation) => ({
    label: 'let binfmt mount it on the host',
    command: callPrivileged(invocation, invocation.args, [
      ...HOST_NAMESPACES,
      ...(has('host', invocation.args) ? HOST_ROOT : []),
    ]),
  }),
  'host-files': (invocation, host) => ({
    label: "with the host's files",
    command: callPrivileged(invocation, invocation.args, host),
  }),
  'host-root': (invocation) => ({
    label: "with the host's root directory",
    command: callPrivileged(invocation, [...invocation.args, '--host', '/host'], HOST_ROOT),
  }),
  'host-user-namespace': (invocation) => ({
    label: 'if the engine has userns-remap',
    command: callPrivileged(invocation, invocation.args, ['--userns=host']),
  }),
  'no-apparmor': withoutModule('AppArmor', 'apparmor=unconfined'),
  'no-selinux': withoutModule('SELinux', 'label=disable'),
};

function withoutModule(name: string, option: string): WithGrant {
  return (invocation) => ({
    label: `without ${name}`,
    command: call(invocation, invocation.args, ['--cap-add', 'SYS_ADMIN', '--security-opt', option]),
  });
}

/** Only root can give more to a file. */
const asRoot: readonly Grant[] = ['privileges', 'root-user', 'host-files'];

export function callAgain(grant: Grant, invocation: Invocation): RenderedAdvice | undefined {
  const { kind, args } = invocation;
  const persist = has('persist', args);
  if (grant === 'user-namespace') {
    if (args.some((word) => /^--?allow-userns$/.test(word))) return undefined;
    const again = [...args, '--allow-userns'];
    const command = kind === 'file' ? call(invocation, again) : callPrivileged(invocation, again);
    return { label: 'mount it for this namespace only', command };
  }
  if (grant === 'service') {
    // With --persist the host registers them at boot.
    if (persist) return undefined;
    return {
      label: 'as a service that restores the entries',
      command: callAsService(invocation, [...args, '--watch']),
    };
  }
  if (kind === 'file')
    return asRoot.includes(grant) ? { label: 'as root', command: callPrivileged(invocation, args) } : undefined;
  return ofImage[grant](invocation, hostFiles(args), persist);
}

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
/** Only an image can be given more by its caller. */
export function callAgain(grant: Grant, invocation: Invocation): RenderedAdvice | undefined {
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

/** What a container engine may forbid: system calls and capabilities. */
import { compileFile } from '../support/programs.js';
import { attempt, endingCall } from './calls.js';
import { type Condition, defineFault } from './fault.js';
import { withoutExecutableMemory } from './within.js';

interface Forbidden extends Condition {
  readonly within: () => readonly string[];
  readonly cause: RegExp;
}

const systemCalls = [
  ...[
    'mount',
    'umount2',
    'chroot',
    'ptrace',
    'unshare',
    'setns',
    'memfd_create',
    'close_range',
    'openat2',
    'pidfd_open',
  ],
  ...['inotify_init1', 'inotify_add_watch', 'signalfd4', 'prctl', 'prlimit64', 'statx', 'execveat'],
].flatMap((name) =>
  ['EPERM', 'ENOSYS'].map(
    (errno): Forbidden => ({
      name: `${name}: ${errno}`,
      within: () => [compileFile('test/campaign/refuse.c', ['-static']), errno, name],
      // `run` cannot do without a namespace and a mount, and nothing can without signalfd.
      cause: new RegExp(
        name === 'signalfd4'
          ? 'cannot start signalfd'
          : `does not allow a user namespace.*(mount|unshare) failed \\(${errno}\\)`,
      ),
    }),
  ),
);

/** Docker's default ones, and those that binfmt may use. */
const capabilities = [
  ...[
    'chown',
    'dac_override',
    'fowner',
    'fsetid',
    'kill',
    'setgid',
    'setuid',
    'setpcap',
    'net_bind_service',
    'net_raw',
  ],
  ...['sys_chroot', 'mknod', 'audit_write', 'setfcap', 'sys_admin', 'sys_ptrace', 'dac_read_search', 'all'],
].map(
  (name): Forbidden => ({
    name: name === 'all' ? 'no capability' : `without CAP_${name.toUpperCase()}`,
    within: () => ['setpriv', `--bounding-set=-${name}`, `--inh-caps=-${name}`],
    // `run` gives a namespace all ids that it has.
    cause: /uid_map failed \(EPERM\)/,
  }),
);

export const forbiddenCalls = defineFault({
  name: 'forbidden system calls',
  how: 'one by one, as EPERM and as ENOSYS',
  conditions: [
    ...systemCalls,
    { name: 'running a program that is in memory', within: () => withoutExecutableMemory, cause: /^$/ },
  ],
  tries: { short: 1, long: 5 },
  input: endingCall,
  attempt: async (call, { within, cause }) => [await attempt(call, { within: within(), cause })],
});

export const forbiddenCapabilities = defineFault({
  name: 'missing capabilities',
  how: 'the default ones of a container, one by one; none at all; no_new_privs; a user namespace within',
  conditions: [
    ...capabilities,
    { name: 'no_new_privs', within: () => ['setpriv', '--no-new-privs'], cause: /^$/ },
    { name: 'a user namespace', within: () => ['unshare', '--user', '--map-root-user'], cause: /^$/ },
  ],
  tries: { short: 1, long: 5 },
  input: endingCall,
  attempt: async (call, { within, cause }) => [await attempt(call, { within: within(), cause })],
});

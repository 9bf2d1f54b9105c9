/** Too little of something, or nothing at all. */
import { attempt, endingCall } from './calls.js';
import { type Condition, defineFault } from './fault.js';
import { preparedElsewhere, rootWithout } from './within.js';

interface Shortage extends Condition {
  readonly within: readonly string[];
  /** What is said, if it is too little. */
  readonly cause: RegExp;
  /** No one can read what is printed. */
  readonly unread?: boolean;
}

const files = [8, 12, 16, 20, 21, 22, 24, 28, 32, 64].map(
  (limit): Shortage => ({
    name: `${limit} open files`,
    within: ['prlimit', `--nofile=${limit}:${limit}`],
    cause: /Too many open files|files only|EMFILE/,
  }),
);

const directories: readonly Shortage[] = [
  { name: 'no /proc', within: rootWithout('/proc'), cause: /\/proc\/self\/exe/ },
  { name: 'no /dev', within: rootWithout('/dev'), cause: /^$/ },
  { name: 'no /tmp', within: rootWithout('/tmp'), cause: /^$/ },
  { name: 'no /sys', within: rootWithout('/sys'), cause: /^$/ },
  { name: 'no /run', within: rootWithout('/run'), cause: /^$/ },
  { name: 'everything read-only', within: rootWithout('/nothing', true), cause: /^$/ },
  {
    name: 'a full /tmp',
    within: preparedElsewhere(
      'mount -t tmpfs -o size=4k full /tmp; head -c 4096 /dev/zero >/tmp/full; export TMPDIR=/tmp',
    ),
    cause: /^$/,
  },
];

const streams = [
  ['standard input', '0'],
  ['standard output', '1'],
  ['standard error', '2'],
  ['input and output', '0 1'],
  ['input and error', '0 2'],
  ['output and error', '1 2'],
  ['all streams', '0 1 2'],
].map(([what, closed = '']): Shortage => {
  const redirections = closed.split(' ').map((fd) => `exec ${fd}<&-`);
  return {
    name: `${what} closed`,
    within: ['bash', '-c', `${redirections.join('; ')}; exec "$@"`, 'bash'],
    cause: closed.includes('2') ? /^$/ : /cannot write to standard output: EBADF/,
    unread: closed.includes('1'),
  };
});

export const shortages = defineFault({
  name: 'shortages',
  how: '8 to 64 open files; no /proc, /dev, /tmp, /sys, /run; read-only; a full /tmp; closed standard streams',
  conditions: [...files, ...directories, ...streams],
  tries: { short: 1, long: 5 },
  input: endingCall,
  async attempt(call, { within, cause, unread }) {
    const result = await attempt(call, { within, cause });
    return [unread ? { ...result, prints: 'other' } : result];
  },
});

/** Entries of others that are many, odd, or in the way, and a binfmt_misc that changes while the program works. */
import { spawn } from 'node:child_process';
import fc from 'fast-check';
import { registrationOf } from '../../src/core/binfmt/entry.js';
import { entryNames, MOUNT, writeEntry } from '../support/kernel.js';
import { own } from '../support/machine.js';
import { attempt, endingCall, signal } from './calls.js';
import { type Condition, defineFault } from './fault.js';
import { prepared } from './within.js';
import { candidates } from './world.js';

interface Hostility extends Condition {
  /** Returns how to undo it. */
  prepare?(milliseconds: number): () => void;
  readonly within?: (milliseconds: number) => readonly string[];
  readonly cause: RegExp;
}

const register = (line: string) => writeEntry('register', line);

function many(): () => void {
  for (let i = 0; i < 1000; i++) register(`:others-${i}:E::binfmt-campaign-${i}::/bin/true:`);
  return () => {};
}

/** Every byte that a name may have: the kernel forbids `/` alone, and `:` ends it here. */
function oddNames(): () => void {
  for (let code = 1; code < 256; code++) {
    const character = String.fromCharCode(code);
    if (character !== '/' && character !== ':')
      register(`:others ${character} ${code}:E::binfmt-campaign-${code}::/bin/true:`);
  }
  return () => {};
}

/** One entry for each bit of the machine number that differs from this machine's own, so that these never match it. */
function everythingForeign(): () => void {
  const machine = Number.parseInt(own.magic.slice(36, 38), 16);
  for (let bit = 1; bit < 256; bit *= 2) {
    const byte = (value: number) => `\\x${value.toString(16).padStart(2, '0')}`;
    const [magic, mask] = [byte(~machine & bit), byte(bit)];
    register(`:others-${bit}:M:18:${magic}:${mask}:/bin/false:F`);
  }
  return () => {};
}

/** Registers an entry in front of the program's own, and removes it again, all the time. */
function churn(): () => void {
  const [first] = candidates;
  if (first === undefined) throw new Error('nothing is foreign here');
  const { name, magic, mask } = registrationOf(first, { name: 'churn', interpreter: '/bin/false', flags: '' });
  const hex = (text: string) => text.replace(/../g, '\\x$&');
  const line = `:${name}:M::${hex(magic)}:${hex(mask)}:/bin/false:`;
  const script = 'cd "$1" && while :; do printf %s "$2" >register; echo -1 >churn; done 2>/dev/null';
  const { pid = 0 } = spawn('bash', ['-c', script, 'bash', MOUNT, line], { detached: true, stdio: 'ignore' });
  return () => {
    signal(-pid, 'SIGKILL');
    if (entryNames().includes('churn')) writeEntry('churn', '-1');
  };
}

function switchedOff(milliseconds: number): () => void {
  const script = 'sleep "$2"; echo 0 >"$1/status"';
  const { pid = 0 } = spawn('bash', ['-c', script, 'bash', MOUNT, String(milliseconds / 1000)], {
    detached: true,
    stdio: 'ignore',
  });
  return () => {
    signal(-pid, 'SIGKILL');
    writeEntry('status', '1');
  };
}

/** In a mount namespace of its own, at some moment. */
const meanwhile = (command: string) => (milliseconds: number) =>
  prepared(`{ sleep ${milliseconds / 1000}; ${command} ${MOUNT}; } >/dev/null 2>&1 & true`);

const hostilities: readonly Hostility[] = [
  { name: '1,000 entries', prepare: many, cause: /^$/ },
  { name: 'odd names', prepare: oddNames, cause: /^$/ },
  { name: 'entries that match everything foreign', prepare: everythingForeign, cause: /^$/ },
  {
    name: 'another process registers and removes all the time',
    prepare: churn,
    cause: /does not run|runs, but|a moment later|was removed/,
  },
  { name: 'switched off', prepare: switchedOff, cause: /switched off|disabled/ },
  { name: 'unmounted', within: meanwhile('umount'), cause: /user namespace|ENOENT|cannot write/i },
  {
    name: 'mounted over',
    within: meanwhile('mount -t tmpfs over'),
    cause: /user namespace|ENOENT|cannot write|not a binfmt_misc/i,
  },
];

export const hostileEntries = defineFault({
  name: 'hostile entries',
  how: hostilities.map(({ name }) => name).join(', '),
  conditions: hostilities,
  tries: { short: 1, long: 10 },
  input: fc.record({ call: endingCall, milliseconds: fc.nat(150) }),
  arrange: ({ milliseconds }, { prepare }) => prepare?.(milliseconds) ?? (() => {}),
  attempt: async ({ call, milliseconds }, { within, cause }) => [
    await attempt(call, { within: within?.(milliseconds) ?? [], cause }),
  ],
});

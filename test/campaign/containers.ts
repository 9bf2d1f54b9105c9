/** Faults that only an engine provokes: a container that is killed, or has too little of something. */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { docker, IMAGE, LABEL } from '../support/docker.js';
import { started } from '../support/program.js';
import { install, names, some, status, uninstall } from './calls.js';
import { type Attempt, type Condition, defineFault } from './fault.js';

const call = fc.oneof({ weight: 3, arbitrary: install }, uninstall, status);

/** One call in a container, as people make it. */
async function attemptInContainer(
  { args, wanted, prints }: Pick<Attempt, 'wanted' | 'prints'> & { readonly args: readonly string[] },
  options: readonly string[],
  cause: RegExp,
): Promise<Attempt> {
  const command = ['run', '--rm', '--privileged', '--label', LABEL, ...options, IMAGE, ...args];
  const { exit, stdout, stderr } = await started('docker', command);
  return { call: command.join(' '), exit, stdout, stderr, wanted, prints, cause };
}

export const killedContainers = defineFault({
  name: 'containers killed',
  how: 'docker kill at a random moment',
  in: 'container',
  conditions: ['KILL', 'TERM', 'INT'].map((signal) => ({ name: `docker kill --signal ${signal}`, signal })),
  tries: { short: 1, long: 30 },
  input: fc.record({ call, milliseconds: fc.nat(800) }),
  async attempt({ call: each, milliseconds }, { signal }) {
    const name = `binfmt-campaign-${randomUUID()}`;
    const attempting = attemptInContainer(each, ['--name', name], /SIG|signal|Node\.js ended/);
    await setTimeout(milliseconds);
    docker('kill', '--signal', signal, name);
    const result = await attempting;
    return [{ ...result, exit: (result.exit ?? 129) > 128 ? null : result.exit, unclean: true }];
  },
});

interface Limit extends Condition {
  readonly options: readonly string[];
  readonly cause: RegExp;
}

const KILLED =
  /Node\.js ended before its work was done|lacks a resource|cannot start|could not be tested|a moment later/;

const limits: readonly Limit[] = [
  ...[16, 24, 32, 48, 64].map((megabytes) => ({
    name: `${megabytes} MB of memory`,
    options: [`--memory=${megabytes}m`, `--memory-swap=${megabytes}m`],
    cause: KILLED,
  })),
  ...[1, 2, 3, 4, 8, 12, 16].map((processes) => ({
    name: `${processes} processes and threads`,
    options: [`--pids-limit=${processes}`],
    cause: KILLED,
  })),
  ...[9, 16, 24, 32].map((files) => ({
    name: `${files} open files`,
    options: [`--ulimit=nofile=${files}:${files}`],
    cause: /files only|cannot start|EMFILE/,
  })),
  { name: 'a read-only container', options: ['--read-only'], cause: /^$/ },
  { name: 'a twentieth of a processor', options: ['--cpus=0.05'], cause: /did not end in time/ },
];

export const limitedContainers = defineFault({
  name: 'containers with limits',
  how: '16 to 64 MB of memory, 1 to 16 processes, 9 to 32 open files, read-only, a twentieth of a processor',
  in: 'container',
  conditions: limits,
  tries: { short: 1, long: 4 },
  input: some.map((wanted) => ({ args: ['--install', names(wanted)], wanted, prints: 'status' as const })),
  async attempt(each, { options, cause }) {
    const result = await attemptInContainer(each, options, cause);
    // 125: the engine itself could not start it. 137: the kernel has killed process 1, for want of memory.
    const engine = result.exit === 125 || (result.exit === 137 && result.stdout === '');
    return [engine ? { ...result, exit: null, unclean: true } : result];
  },
});

/** `binfmt doctor --json` on the real machine, and captured input for what this machine cannot show. */
import type { Advice } from '../../src/core/advice.js';
import type { Entry } from '../../src/core/binfmt/entry.js';
import type { ProbeResult, Verdict } from '../../src/core/binfmt/probe.js';
import type { DoctorInput, HostFacts } from '../../src/core/doctor/input.js';
import type { EntryLine, PlatformLine } from '../../src/core/doctor/report.js';
import type { Invocation } from '../../src/core/invocation.js';
import { type Architecture, architectures } from '../../src/core/platform/architectures.js';
import type { Problem } from '../../src/core/problem.js';
import type { RenderedAdvice } from '../../src/core/report/call-again.js';
import { adviceFor, type ProblemText } from '../../src/core/report/render.js';
import { row } from './architectures.js';
import { type Ended, must, shell } from './program.js';

/** A problem as `doctor --json` prints it. */
export interface PrintedProblem extends Omit<Problem, 'definition' | 'advice'> {
  readonly id: string;
  readonly advice: readonly (Advice & RenderedAdvice)[];
  readonly text: ProblemText;
}

export interface PrintedReport {
  readonly platforms: readonly PlatformLine[];
  readonly entries: readonly EntryLine[];
  readonly problems: readonly PrintedProblem[];
}

/** Throws if standard output is not a doctor's report. */
export function reportIn({ stdout, stderr }: Ended): PrintedReport {
  const report = JSON.parse(stdout || `no output; ${stderr}`) as PrintedReport;
  const keys = Object.keys(report).join();
  if (keys !== 'platforms,entries,problems') throw new Error(`the report has the keys ${keys}`);
  return report;
}

/** A problem with its definition, or as it is printed. */
type Either = Pick<Problem, 'definition'> | Pick<PrintedProblem, 'id'>;
const idOf = (problem: Either) => ('id' in problem ? problem.id : problem.definition.id);

/** The problem that one check reports; throws if there is none. */
export function problemIn<P extends Either>(id: string, { problems }: { readonly problems: readonly P[] }): P {
  const found = problems.find((problem) => idOf(problem) === id);
  if (!found) throw new Error(`no problem ${id} in ${JSON.stringify(problems, null, 1)}`);
  return found;
}

export const idsIn = ({ problems }: { readonly problems: readonly Either[] }) => problems.map(idOf);

/** The commands that a printed problem advises. */
export const commandsIn = ({ advice }: PrintedProblem) => advice.flatMap(({ command = [] }) => command);

/** Runs an advised command as it would be pasted, except that the tests are root already. */
export function pasted(command: string): Ended {
  return shell(command.replaceAll('sudo ', ''));
}

/** The commands in a line of standard error: each is behind its label, and between the ways stands `; or `. */
export function commandsInLine(line: string): string[] {
  const ways = line.trim().split(/; (?:or )?/);
  return ways.flatMap((way) => /(?:^|: )((?:docker|sudo|echo) .*)$/.exec(way)?.[1] ?? []);
}

/** Throws if a shell would not accept it, or if a `docker run` in it has no image. */
export function expectWhole(command: string): void {
  must('bash', ['-n', '-c', command]);
  const [, options = ''] = /^docker run (.*)$/.exec(command) ?? [];
  const words = options === '' ? [] : options.split(' ');
  const takesValue = new Set(['-v', '--restart', '--platform', '--cap-add', '--security-opt']);
  let first = 0;
  while (words[first]?.startsWith('-')) first += takesValue.has(words[first] ?? '') ? 2 : 1;
  if (words.length > 0 && words[first] === undefined) throw new Error(`no image in: ${command}`);
  if (/^\s*-/.test(command)) throw new Error(`an option alone: ${command}`);
}

/** The image `binfmt`, called without arguments. */
export const asImage: Invocation = { kind: 'image', name: 'binfmt', environment: [], args: [] };
export const asFile: Invocation = { kind: 'file', name: '/usr/local/bin/binfmt', environment: [], args: [] };

/** The commands that a problem advises for a call of the image. */
export const commandsFor = ({ advice }: Problem, invocation = asImage) =>
  adviceFor(advice, invocation).flatMap(({ command = [] }) => command);

export interface Captured extends Omit<Partial<DoctorInput>, 'host' | 'platforms' | 'probes'> {
  readonly host?: Partial<HostFacts>;
  readonly platforms?: readonly Architecture[];
  readonly probes?: readonly (readonly [Architecture, ProbeResult])[];
}

/** An amd64 machine with Linux 6.18 on which arm64 was asked for, and with what `captured` says otherwise. */
export function captured({ host, platforms, probes, ...fields }: Captured = {}): DoctorInput {
  return {
    own: row('amd64'),
    kernel: '6.18.0',
    binfmt: { kind: 'writable', dir: '/proc/sys/fs/binfmt_misc', mountedHere: true },
    entries: [],
    emulators: new Map(
      architectures.map((each) => [each, { name: `qemu-${each.target}`, path: `/usr/bin/qemu-${each.target}` }]),
    ),
    emulatorDirectory: { path: '/usr/bin', prefix: '' },
    registeredVersions: new Map(),
    named: true,
    interpreters: new Map(),
    repeats: new Map(),
    native: new Set(),
    processorPrograms: [],
    platforms: (platforms ?? [row('arm64')]).map((architecture) => ({ architecture })),
    probes: new Map(probes),
    host: {
      initialUserNamespace: true,
      switchedOff: false,
      configurations: [],
      randomization: { mode: '2', bits: '28' },
      container: true,
      ...host,
    },
    ...fields,
  };
}

/** What a probe did, seen to be run by an interpreter if one is named. */
export function probeOf(verdict: Verdict, interpreter?: string): ProbeResult {
  return { verdict, ranBy: interpreter === undefined ? 'unknown' : { interpreter }, microseconds: 1 };
}

/** An entry that matches programs of an architecture, as binfmt registers it. */
export function entryFor({ target, magic, mask }: Architecture, fields: Partial<Entry> = {}): Entry {
  const name = `qemu-${target}`;
  return { name, enabled: true, interpreter: `/usr/bin/${name}`, flags: 'POCF', offset: 0, magic, mask, ...fields };
}

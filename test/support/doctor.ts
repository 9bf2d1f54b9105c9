/** `binfmt doctor --json` on the real machine, and examinations that were captured for what it cannot show. */
import { type Architecture, architectures } from '../../src/core/architectures.js';
import type { Chart } from '../../src/core/doctor/chart.js';
import type { Diagnosis } from '../../src/core/doctor/diagnose.js';
import type { Examination, Surroundings } from '../../src/core/doctor/examination.js';
import type { Entry } from '../../src/core/entry.js';
import type { Probe } from '../../src/core/probe.js';
import { row } from './architectures.js';
import type { Ended } from './program.js';

/** Throws where standard output is not the chart. */
export function chartIn({ stdout, stderr }: Ended): Chart {
  const chart = JSON.parse(stdout || `no output; ${stderr}`) as Chart;
  const keys = Object.keys(chart).join();
  if (keys !== 'platforms,handlers,findings') throw new Error(`the chart has the keys ${keys}`);
  return chart;
}

/** The finding of one check; throws where there is none. */
export function findingOf(check: string, chart: Pick<Chart, 'findings'>): Diagnosis {
  const found = chart.findings.find((each) => each.check === check);
  if (!found) throw new Error(`no finding of ${check} in ${JSON.stringify(chart.findings, null, 1)}`);
  return found;
}

export const commandsOf = ({ remedies }: Diagnosis) => remedies.flatMap(({ command = [] }) => command);

export interface Captured extends Omit<Partial<Examination>, 'surroundings' | 'platforms' | 'probes'> {
  readonly surroundings?: Partial<Surroundings>;
  readonly platforms?: readonly Architecture[];
  readonly probes?: readonly (readonly [Architecture, Probe])[];
}

/** An amd64 machine with Linux 6.18 on which arm64 was asked for, and with what `captured` says otherwise. */
export function captured({ surroundings, platforms, probes, ...fields }: Captured = {}): Examination {
  return {
    own: row('amd64'),
    kernel: '6.18.0',
    registry: { kind: 'writable', dir: '/proc/sys/fs/binfmt_misc', mountedHere: true },
    entries: [],
    emulators: new Map(
      architectures.map((row) => [row, { name: `qemu-${row.target}`, path: `/usr/bin/qemu-${row.target}` }]),
    ),
    registeredVersions: new Map(),
    asked: true,
    interpreters: new Map(),
    repeats: new Map(),
    native: new Set(),
    processorPrograms: [],
    platforms: (platforms ?? [row('arm64')]).map((architecture) => ({ architecture })),
    probes: new Map(probes),
    surroundings: {
      program: { kind: 'image', name: 'binfmt' },
      initialUserNamespace: true,
      switchedOff: false,
      configurations: [],
      randomization: { mode: '2', bits: '28' },
      ...surroundings,
    },
    ...fields,
  };
}

/** An entry that matches programs of an architecture, as ours does. */
export function entryFor({ target, magic, mask }: Architecture, fields: Partial<Entry> = {}): Entry {
  const name = `qemu-${target}`;
  return { name, enabled: true, interpreter: `/usr/bin/${name}`, flags: 'POCF', offset: 0, magic, mask, ...fields };
}

/** Collects what doctor looks at. Changes nothing that lasts. */
import fs from 'node:fs';
import path from 'node:path';
import { type Architecture, architectures } from '../core/architectures.js';
import {
  type Configuration,
  type Examination,
  entriesOf,
  type Interpreter,
  type Surroundings,
} from '../core/doctor/examination.js';
import { unmatchedExecutable } from '../core/elf.js';
import { parseRegisterLine } from '../core/entry.js';
import type { Platform } from '../core/platform.js';
import type { Verdict } from '../core/probe.js';
import { matchingEntries, pickedEntry, type Snapshot } from '../core/snapshot.js';
import { isDisabled } from './binfmt-fs.js';
import { inInitialUserNamespace, mountNamespaceOf, readStart, readText } from './machine.js';
import { DEFAULT_MOUNT, mountTypesAt } from './mounting.js';
import { probeOf } from './prober.js';
import { type System, takeSnapshot } from './snapshot.js';
import { vanishes } from './survival.js';

export interface ExamineOptions {
  /** Undefined: every platform that has an entry; where entries cannot be read, every foreign one that runs. */
  readonly platforms?: readonly Platform[] | undefined;
  /** How often each probe is run. */
  readonly repeat: number;
}

export async function examine(system: System, { platforms, repeat }: ExamineOptions): Promise<Examination> {
  const { program } = system;
  const asked = platforms?.map(({ architecture }) => architecture);
  const snapshot = await takeSnapshot(system, { probes: asked ?? architectures, emulators: true });
  const chosen = platforms ?? withHandler(snapshot).map((architecture) => ({ architecture }));
  const root = hostRoot(program);
  const rows = chosen.map(({ architecture }) => architecture);
  // One that does not end would not end each time.
  const mayRepeat = (row: Architecture) => snapshot.probes.get(row)?.verdict.kind !== 'timeout';
  return {
    ...snapshot,
    platforms: chosen,
    asked: platforms !== undefined,
    interpreters: await lookAtInterpreters(rows, snapshot, { ...system, root }),
    repeats: await repeated(rows.filter(mayRepeat), repeat - 1, system),
    native: await findNative(rows, snapshot, system),
    processorPrograms: system.machine.processorPrograms,
    surroundings: { program, configurations: readConfigurations(root), ...(await lookAround(system, snapshot)) },
  };
}

function withHandler(snapshot: Snapshot): Architecture[] {
  const { registry, entries, probes, own } = snapshot;
  return architectures.filter((row) => {
    if (entriesOf(row, entries).length > 0) return true;
    const probe = probes.get(row);
    return registry.kind === 'closed' && row !== own && probe?.verdict.kind === 'runs' && !probe.native;
  });
}

/** Of each entry that the kernel picks the file that it starts; of the others the file that lies on the host. */
async function lookAtInterpreters(
  rows: readonly Architecture[],
  snapshot: Snapshot,
  { prober, root }: System & { root: string | undefined },
): Promise<ReadonlyMap<string, Interpreter>> {
  const found = new Map<string, Interpreter>();
  const shipped = new Map([...snapshot.emulators].map(([row, { path: file }]) => [row, readStart(file, BEGINNING)]));
  const isShipped = (row: Architecture, beginning: Uint8Array) =>
    Buffer.compare(shipped.get(row) ?? Buffer.alloc(0), beginning) === 0;
  const started = await prober.look(rows);
  for (const [i, row] of rows.entries()) {
    const picked = pickedEntry(row, snapshot);
    const file = started[i];
    if (picked && file && !isOwnProbe(file.path)) {
      found.set(picked.name, { ...file, seen: 'started', shipped: isShipped(row, file.beginning) });
    }
    for (const entry of entriesOf(row, snapshot.entries).filter(({ name }) => !found.has(name))) {
      const lying = readHostFile(entry.interpreter, root);
      if (lying) found.set(entry.name, { ...lying, seen: 'file', shipped: isShipped(row, lying.beginning) });
    }
  }
  return found;
}

const BEGINNING = 4096; // bytes, as many as the launcher reads

/** No interpreter was started: the processor runs the probe itself. */
function isOwnProbe(file: string): boolean {
  return file.includes('/binfmt-probe-') || file.startsWith('/memfd:');
}

/** Where the host's files are: here, if this is no container; through process 1, if it is the host's (--pid=host). */
function hostRoot({ kind }: Surroundings['program']): string | undefined {
  if (kind === 'file') return '';
  return seesHost() ? '/proc/1/root' : undefined;
}

/** Process 1 that can be seen from here has another mount namespace: it is the host's (--pid=host). */
function seesHost(): boolean {
  const first = mountNamespaceOf(1);
  return first !== undefined && first !== mountNamespaceOf('self');
}

function readHostFile(
  file: string,
  root: string | undefined,
): Pick<Interpreter, 'path' | 'size' | 'beginning'> | undefined {
  if (root === undefined) return undefined;
  const beginning = readStart(path.join(root, file), BEGINNING);
  return beginning && { path: file, size: fs.statSync(path.join(root, file)).size, beginning };
}

const AT_ONCE = 32;

async function repeated(
  rows: readonly Architecture[],
  times: number,
  { prober }: System,
): Promise<ReadonlyMap<Architecture, readonly Verdict[]>> {
  const verdicts = new Map<Architecture, Verdict[]>();
  const requests = Array.from({ length: times }, () => rows.map((architecture) => ({ architecture }))).flat();
  for (let i = 0; i < requests.length; i += AT_ONCE) {
    const some = requests.slice(i, i + AT_ONCE);
    const outcomes = await prober.run(some);
    for (const [j, { architecture }] of some.entries()) {
      const outcome = outcomes[j];
      if (!outcome) continue;
      const known = verdicts.get(architecture) ?? [];
      verdicts.set(architecture, known);
      known.push(probeOf(architecture, outcome).verdict);
    }
  }
  return verdicts;
}

/** A program that no entry matches, and that runs, is run by the processor. */
async function findNative(
  rows: readonly Architecture[],
  { entries }: Snapshot,
  { prober }: System,
): Promise<ReadonlySet<Architecture>> {
  const requests = rows
    .filter((row) => matchingEntries(row, entries).length > 0)
    .flatMap((architecture) => {
      const program = unmatchedExecutable(architecture, entries);
      return program ? [{ architecture, program }] : [];
    });
  const outcomes = await prober.run(requests);
  const native = requests.filter(({ architecture }, i) => {
    const outcome = outcomes[i];
    return outcome && probeOf(architecture, outcome).verdict.kind === 'runs';
  });
  return new Set(native.map(({ architecture }) => architecture));
}

async function lookAround(
  { registry, launcher, machine }: System,
  { entries }: Snapshot,
): Promise<Omit<Surroundings, 'program' | 'configurations'>> {
  // What is there already is kept by somebody.
  const tried = registry.kind === 'writable' && registry.mountedHere && entries.length === 0;
  return {
    emulatedOn: machine.emulatedOn,
    initialUserNamespace: inInitialUserNamespace(),
    hostMounts: seesHost() ? mountTypesAt(DEFAULT_MOUNT, '/proc/1/mountinfo') : undefined,
    vanishing: tried ? await vanishes(registry, launcher) : undefined,
    switchedOff: registry.kind !== 'closed' && isDisabled(registry.dir),
    randomization: {
      mode: readText('/proc/sys/kernel/randomize_va_space').trim(),
      bits: readText('/proc/sys/vm/mmap_rnd_bits').trim(),
    },
    confinement: readConfinement(),
  };
}

/** AppArmor and SELinux both tell of themselves here. Source: proc(5), /proc/PID/attr/current. */
function readConfinement(): string | undefined {
  const profile = readText('/proc/self/attr/current').replace(/\0/g, '').trim();
  return profile === '' || profile.startsWith('unconfined') || profile === 'kernel' ? undefined : profile;
}

/** Source: binfmt.d(5). */
const FOLDERS = ['/etc/binfmt.d', '/run/binfmt.d', '/usr/local/lib/binfmt.d', '/usr/lib/binfmt.d'];

/** What makes the host register entries at boot: of files of the same name the first counts, also where it is empty. */
function readConfigurations(root = ''): Configuration[] {
  const files = new Map<string, string>();
  for (const folder of FOLDERS) {
    for (const name of listFiles(path.join(root, folder))) {
      if (!files.has(name)) files.set(name, path.join(folder, name));
    }
  }
  return [...files.values()].flatMap((file) => {
    const text = Buffer.from(readStart(path.join(root, file), CONFIGURATION_SIZE) ?? []).toString();
    return text.split('\n').flatMap((line): Configuration[] => {
      const entry = parseRegisterLine(line);
      return entry ? [{ file, entry }] : [];
    });
  });
}

const CONFIGURATION_SIZE = 1 << 16; // bytes; more than any has

function listFiles(dir: string): string[] {
  try {
    return fs.readdirSync(dir).filter((name) => name.endsWith('.conf'));
  } catch {
    return [];
  }
}

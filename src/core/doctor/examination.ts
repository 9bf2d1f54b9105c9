/** What doctor looks at: a Snapshot, and what only doctor asks the machine for. All that checks read is in it. */
import type { Architecture } from '../architectures.js';
import { type Elf, parseElf, takesProgramsOf } from '../elf.js';
import type { Entry } from '../entry.js';
import { formatPlatform, type Platform } from '../platform.js';
import { type Probe, runsUpTo, type Verdict } from '../probe.js';
import type { Program } from '../program.js';
import { pickedEntry, type Snapshot } from '../snapshot.js';

/** The file that the kernel starts for an architecture's programs, as it was seen to start it. */
export interface Interpreter {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** The first 4096 bytes. */
  readonly beginning: Uint8Array;
  /** Where it was seen: started by the kernel, or lying at the entry's path on the host. */
  readonly seen: 'started' | 'file';
  /** It is the emulator that ships with this program, byte for byte as far as was read. */
  readonly shipped: boolean;
}

/** A file that makes the host register entries at boot, and one of its lines. */
export interface Configuration {
  readonly file: string;
  readonly entry: Pick<Entry, 'name' | 'interpreter' | 'flags' | 'magic' | 'mask'>;
}

/** Where the machine stands that this program was started on. */
export interface Surroundings {
  readonly program: Program;
  /** The processor's architecture, where this program itself runs through an emulator; undefined where it does not. */
  readonly emulatedOn?: Architecture | undefined;
  readonly initialUserNamespace: boolean;
  /** What the host has mounted at /proc/sys/fs/binfmt_misc, the top one first; undefined where that cannot be seen. */
  readonly hostMounts?: readonly string[] | undefined;
  /** Entries that this container registers end with it; undefined where that was not tried. */
  readonly vanishing?: boolean | undefined;
  /** binfmt_misc as a whole: its `status` says "disabled". */
  readonly switchedOff: boolean;
  readonly configurations: readonly Configuration[];
  /** /proc/sys/kernel/randomize_va_space, /proc/sys/vm/mmap_rnd_bits; empty where they cannot be read. */
  readonly randomization: { readonly mode: string; readonly bits: string };
  /** The AppArmor profile or SELinux context of this process; undefined when it is unconfined. */
  readonly confinement?: string | undefined;
}

export interface Examination extends Snapshot {
  /** What the answer is about, in the table's order. */
  readonly platforms: readonly Platform[];
  /** They were named by the user; else: every platform that has an entry. */
  readonly asked: boolean;
  /** By the name of the entry. */
  readonly interpreters: ReadonlyMap<string, Interpreter>;
  /** Further runs of the same probes. */
  readonly repeats: ReadonlyMap<Architecture, readonly Verdict[]>;
  /** Architectures that the processor runs by itself, though an entry takes their programs. */
  readonly native: ReadonlySet<Architecture>;
  /** First bytes of programs that the processor itself runs. */
  readonly processorPrograms: readonly Uint8Array[];
  readonly surroundings: Surroundings;
}

/** Everything about one platform, picked out of the examination. */
export interface Patient {
  readonly platform: Platform;
  /** As in `linux/arm64`. */
  readonly name: string;
  readonly verdict: Verdict;
  readonly probe: Probe | undefined;
  /** Up to the variant that was asked for. */
  readonly runs: boolean;
  /** The enabled entry that the kernel takes its programs to. */
  readonly picked: Entry | undefined;
  /** Every entry that matches its programs, or is named for it, enabled or not, newest first. */
  readonly entries: readonly Entry[];
  readonly interpreter: Interpreter | undefined;
  /** Of the picked entry, where it could be read. */
  readonly elf: Elf | undefined;
  /** Of the picked entry's emulator, as it answers through the kernel. */
  readonly version: string | undefined;
}

function patientOf(platform: Platform, examination: Examination): Patient {
  const { architecture, level } = platform;
  const probe = examination.probes.get(architecture);
  // What ran once can run; how often it does is a check of its own.
  const all = [probe?.verdict, ...(examination.repeats.get(architecture) ?? [])].filter((each) => each !== undefined);
  const verdict = all.find(({ kind }) => kind === 'runs') ?? all[0] ?? { kind: 'timeout' };
  const off = probe?.native || examination.surroundings.switchedOff;
  const picked = off ? undefined : pickedEntry(architecture, examination);
  const interpreter = picked && examination.interpreters.get(picked.name);
  return {
    platform,
    name: formatPlatform(architecture, level),
    verdict,
    probe,
    runs: runsUpTo(verdict, level),
    picked,
    entries: entriesOf(architecture, examination.entries),
    interpreter,
    elf: interpreter && parseElf(interpreter.beginning),
    version: picked && examination.registeredVersions.get(architecture),
  };
}

export function patientsOf(examination: Examination): Patient[] {
  return examination.platforms.map((platform) => patientOf(platform, examination));
}

/** Every entry that matches programs of the architecture, or is named for it, enabled or not. */
export function entriesOf(architecture: Architecture, entries: readonly Entry[]): readonly Entry[] {
  return entries.filter((entry) => isNamedFor(architecture, entry) || takesProgramsOf(architecture, entry));
}

/** By QEMU's name, as distributions and this program name theirs. */
export function isNamedFor({ target }: Architecture, { name }: Pick<Entry, 'name'>): boolean {
  return name === `qemu-${target}` || name.endsWith(`-qemu-${target}`);
}

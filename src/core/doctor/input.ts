/** What doctor looks at: a Snapshot, and what only doctor asks the machine for. A check reads nothing else. */
import { type Elf, parseElf } from '../binfmt/elf.js';
import type { Entry } from '../binfmt/entry.js';
import { type ProbeResult, runsUpTo, type Verdict } from '../binfmt/probe.js';
import { takesProgramsOf } from '../binfmt/probe-executable.js';
import { activeEntry, type Snapshot } from '../binfmt/snapshot.js';
import type { ConfiguredEntry } from '../persist/binfmt-d.js';
import { type Architecture, emulatorName } from '../platform/architectures.js';
import { formatPlatform, type Platform } from '../platform/platform.js';

/** The file that the kernel starts for an architecture's programs. */
export interface Interpreter {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** The first 4096 bytes. */
  readonly beginning: Uint8Array;
  /** How it was found: the kernel started it, or it lies at the entry's path on the host. */
  readonly seen: 'started' | 'file';
  /** It is the emulator that comes with binfmt, byte for byte as far as it was read. */
  readonly shipped: boolean;
}

/** The machine that binfmt runs on. */
export interface HostFacts {
  /** The processor's architecture, if this very program is emulated. */
  readonly emulatedOn?: Architecture;
  readonly initialUserNamespace: boolean;
  /** What the host has mounted at /proc/sys/fs/binfmt_misc, the top one first; undefined if that cannot be seen. */
  readonly hostMounts?: readonly string[];
  /** Entries that this container registers end with it; undefined if that was not tried. */
  readonly wouldVanish?: boolean;
  /** The `status` file says "disabled": the kernel ignores every entry. */
  readonly switchedOff: boolean;
  /** Entries that files of the host register at boot. */
  readonly configurations: readonly ConfiguredEntry[];
  /** /proc/sys/kernel/randomize_va_space and /proc/sys/vm/mmap_rnd_bits; empty if they cannot be read. */
  readonly randomization: { readonly mode: string; readonly bits: string };
  /** Bytes of a page of memory; undefined if that cannot be read. */
  readonly pageSize?: number;
  /** How many entries with flag F the kernel allows (since Linux 7.3); undefined: as many as you like. */
  readonly interpreterLimit?: number;
  /** The AppArmor profile or SELinux context of this process; undefined if nothing confines it. */
  readonly confinement?: string;
  /** binfmt is an image that a container engine runs. */
  readonly container: boolean;
}

export interface DoctorInput extends Snapshot {
  /** The platforms that the answer is about, in the table's order. */
  readonly platforms: readonly Platform[];
  /** The user named them; otherwise they are the platforms that have an entry. */
  readonly named: boolean;
  /** By the name of the entry. */
  readonly interpreters: ReadonlyMap<string, Interpreter>;
  /** Further runs of the same probes. */
  readonly repeats: ReadonlyMap<Architecture, readonly Verdict[]>;
  /** Architectures that the processor runs by itself although an entry matches their programs. */
  readonly native: ReadonlySet<Architecture>;
  /** The first bytes of programs that the processor itself runs. */
  readonly processorPrograms: readonly Uint8Array[];
  readonly host: HostFacts;
}

/** Everything about one platform. */
export interface PlatformFacts {
  readonly platform: Platform;
  /** `linux/arm64` */
  readonly name: string;
  readonly verdict: Verdict;
  readonly probe?: ProbeResult;
  /** It runs, up to the variant that was asked for. */
  readonly runs: boolean;
  /** The enabled entry that the kernel takes for its programs. */
  readonly active?: Entry;
  /** Every entry that matches its programs or has its name, enabled or not, newest first. */
  readonly entries: readonly Entry[];
  readonly interpreter?: Interpreter;
  /** The header of the active entry's emulator, if it could be read. */
  readonly elf?: Elf;
  /** QEMU's version, as the active entry's emulator answers through the kernel. */
  readonly version?: string;
}

/** The facts about each platform that doctor was asked about. */
export function platformFacts(input: DoctorInput): PlatformFacts[] {
  return input.platforms.map((platform) => factsOf(platform, input));
}

function factsOf(platform: Platform, input: DoctorInput): PlatformFacts {
  const { architecture, level } = platform;
  const probe = input.probes.get(architecture);
  // What ran once can run; a check of its own reports how often it does.
  const all = [probe?.verdict, ...(input.repeats.get(architecture) ?? [])].filter((each) => each !== undefined);
  const verdict = all.find(({ kind }) => kind === 'runs') ?? all[0] ?? { kind: 'timeout' };
  const ignored = probe?.ranBy === 'processor' || input.host.switchedOff;
  const active = ignored ? undefined : activeEntry(architecture, input);
  const interpreter = active && input.interpreters.get(active.name);
  return {
    platform,
    name: formatPlatform(platform),
    verdict,
    probe,
    runs: runsUpTo(verdict, level),
    active,
    entries: entriesOf(architecture, input.entries),
    interpreter,
    elf: interpreter && parseElf(interpreter.beginning),
    version: active && input.registeredVersions.get(architecture),
  };
}

/** Every entry that matches programs of the architecture or has its name, enabled or not. */
export function entriesOf(architecture: Architecture, entries: readonly Entry[]): readonly Entry[] {
  return entries.filter((entry) => isNamedFor(architecture, entry) || takesProgramsOf(architecture, entry));
}

/** Is it called as distributions and binfmt call the entry of this architecture? */
export function isNamedFor(architecture: Architecture, { name }: Pick<Entry, 'name'>): boolean {
  const usual = emulatorName(architecture);
  return name === usual || name.endsWith(`-${usual}`);
}

/** A platform does not run, or there is none to look at. */
export function isTroubled(input: DoctorInput): boolean {
  const platforms = platformFacts(input);
  return platforms.length === 0 || platforms.some(({ runs }) => !runs);
}

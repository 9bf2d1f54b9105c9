/**
 * What the field knows: problems that people have reported in public, as rows of one table (src/core/doctor/known). A
 * row says what people see, where that happens, why, and what helps. Doctor explains a message with it, warns before
 * anything fails, and makes docs/troubleshooting.md from it.
 */
import type { Advice } from '../advice.js';
import { compareVersions } from '../version.js';
import type { DoctorInput, PlatformFacts } from './input.js';

export interface KnownProblem {
  readonly id: string;
  /**
   * Lines that people see, in any case of letters; `…` stands for anything within a line. The first one is the heading
   * in the documentation.
   */
  readonly messages: readonly string[];
  /** Other lines of the same kind: plain text, as src/core/doctor/known/lines.ts makes it. */
  readonly kinds?: readonly RegExp[];
  /** No line of plain text that this matches. */
  readonly unless?: RegExp;
  /** Other rows know more about some of these lines, and then this one is left out. */
  readonly general?: true;
  /** It is one of many possible causes, and left out unless this machine shows it. */
  readonly onlyHere?: true;
  /** Nothing fails because of it: other messages matter more. */
  readonly harmless?: true;
  /** The program hangs: these messages are harmless unless nothing comes after them. */
  readonly hangs?: true;
  /** One or more sentences. The first begins in lower case, and the last has no full stop. */
  readonly cause: string;
  /** The checks that find out on this machine which of several causes it is. */
  readonly checks?: readonly string[];
  /** Where it is known to happen. Undefined: it depends on nothing that can be seen from here, or the checks tell. */
  readonly where?: Where;
  /** It is reported before anything fails: the check of this id (src/core/doctor/checks/known-problem-checks.ts). */
  readonly warning?: { readonly summary: string; readonly title: string };
  /** binfmt's own emulator does not have it. */
  readonly fixedHere?: true;
  /** What else helps. */
  readonly advice: readonly Advice[];
  /** The public reports: addresses, or threads of GitHub such as `docker/buildx#395`. */
  readonly sources: readonly string[];
}

/** Everything in it has to hold. */
export interface Where {
  /** Names of architectures whose programs are emulated. */
  readonly architectures?: readonly string[];
  /** Programs for 32-bit processors. */
  readonly bits?: 32;
  /** The name of the processor's own architecture. */
  readonly host?: string;
  /** The processor does not run the programs; whether an emulator does is not asked. */
  readonly notNative?: true;
  /** QEMU's versions: from the first one on, and before the one that has it no more. */
  readonly from?: string;
  readonly before?: string;
  /** The emulator was linked with another C library than glibc, such as musl. */
  readonly otherLibc?: true;
  /** The emulator is not position-independent, and addresses are randomized with more bits than it was made for. */
  readonly fixedAddress?: true;
  /** The emulated processor is below this variant. */
  readonly belowLevel?: number;
  /** The pages of memory are larger than 4 KiB. */
  readonly largePages?: true;
}

/** `unknown`: something that it depends on cannot be seen from here. */
export type Applies = 'yes' | 'no' | 'unknown';

/** More random bits than this make emulators crash that run at one fixed address. */
export const MOST_RANDOM_BITS = 28;

/** Can it happen on this machine at all, whatever is emulated? */
export function appliesToMachine({ host, largePages }: Where, input: DoctorInput): Applies {
  return every([
    host && is((input.host.emulatedOn ?? input.own)?.name, (name) => name === host),
    largePages && is(input.host.pageSize, (size) => size > 4096),
  ]);
}

/** Does it happen with the programs of this platform? A platform without an emulator has no problem with it. */
export function appliesTo(where: Where, platform: PlatformFacts, input: DoctorInput): Applies {
  const { architecture } = platform.platform;
  if (where.architectures && !where.architectures.includes(architecture.name)) return 'no';
  if (where.bits === 32 && !architecture.magic.startsWith('7f454c4601')) return 'no';
  if (where.notNative ? platform.probe?.ranBy === 'processor' : !isEmulated(platform)) return 'no';
  return every([
    appliesToMachine(where, input),
    (where.from || where.before) && is(platform.version, (version) => isBetween(version, where)),
    where.otherLibc && is(platform.elf, (elf) => elf.loader === undefined && !elf.glibc),
    where.fixedAddress && is(platform.elf, (elf) => elf.fixed && isStrong(input.host.randomization)),
    where.belowLevel && is(levelOf(platform), (level) => level < (where.belowLevel ?? 0)),
  ]);
}

/** All of them together; what is not asked for counts for nothing. */
function every(conditions: readonly unknown[]): Applies {
  if (conditions.includes('no')) return 'no';
  return conditions.includes('unknown') ? 'unknown' : 'yes';
}

function is<Value>(value: Value | undefined, test: (value: Value) => boolean): Applies {
  if (value === undefined) return 'unknown';
  return test(value) ? 'yes' : 'no';
}

function isBetween(version: string, { from = '0', before }: Where): boolean {
  return compareVersions(version, from) >= 0 && (before === undefined || compareVersions(version, before) < 0);
}

/** Are addresses randomized so strongly that emulators at one fixed address crash? */
export function isStrong({ mode, bits }: DoctorInput['host']['randomization']): boolean {
  return Number(bits) > MOST_RANDOM_BITS && mode !== '0';
}

/** An entry takes its programs, or something that cannot be seen from here. */
function isEmulated({ active, verdict, probe }: PlatformFacts): boolean {
  if (active) return true;
  return verdict.kind === 'runs' && typeof probe?.ranBy === 'object';
}

function levelOf({ verdict, platform }: PlatformFacts): number | undefined {
  if (verdict.kind !== 'runs' || platform.architecture.levels === undefined) return undefined;
  return verdict.level;
}

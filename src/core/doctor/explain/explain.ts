/**
 * `doctor --explain`: what a line that a user saw means on this machine. The rows of the table that match it, whether
 * each applies here, and what the doctor's checks find about it.
 */
import { type Advice, mergeAdvice } from '../../advice.js';
import { parsePlatform, shortPlatform } from '../../platform/platform.js';
import type { Problem } from '../../problem.js';
import { noEntry } from '../checks/entry-checks.js';
import { whatHelps } from '../checks/known-problem-checks.js';
import { type DoctorInput, type PlatformFacts, platformFacts } from '../input.js';
import { type KnownLine, speakerOf } from '../known/lines.js';
import { type Applies, appliesTo, appliesToMachine, type KnownProblem } from '../known-problem.js';

/** One platform, and whether the row holds for it. */
export interface Here {
  readonly platform: string;
  readonly applies: Applies;
  readonly entry?: string;
  /** QEMU's. */
  readonly version?: string;
}

/**
 * How sure it is that the row is the cause, the surest first. shown: by this machine. told: by the message alone.
 * possible: this machine neither shows it nor excludes it. harmless: nothing fails because of it. elsewhere: it can
 * happen on such a machine, and does not. impossible: not on such a machine.
 */
const standings = ['shown', 'told', 'possible', 'harmless', 'elsewhere', 'impossible'] as const;
export type Standing = (typeof standings)[number];

export interface Explanation {
  readonly row: KnownProblem;
  /** The line in which the message was found. */
  readonly line: string;
  /** Whose emulator printed it, if it tells. */
  readonly speaker?: string;
  readonly standing: Standing;
  /** Undefined: it depends on nothing that can be seen from here, or only on the checks. */
  readonly here?: readonly Here[];
  /** No platform was named, and it may be about one that has no entry. */
  readonly others: boolean;
  /** What the checks that the row names find. */
  readonly findings: readonly Problem[];
  /** What helps, unless a finding says it. */
  readonly advice: readonly Advice[];
}

/** The checks that tell something about these lines; undefined without any. */
export function checksFor(found: readonly KnownLine[]): readonly string[] | undefined {
  const ids = found.flatMap(({ row }) => [...(row.checks ?? []), ...(row.warning ? [row.id] : [])]);
  return found.length > 0 ? [...new Set(ids)] : undefined;
}

/** The explanations, the surest first. */
export function explain(
  found: readonly KnownLine[],
  input: DoctorInput,
  problems: readonly Problem[],
): readonly Explanation[] {
  const all = found.map((each) => explanationOf(each, input, problems));
  return all.filter((each) => !isBeaten(each, all)).sort((one, other) => rankOf(one) - rankOf(other));
}

function explanationOf({ row, line }: KnownLine, input: DoctorInput, problems: readonly Problem[]): Explanation {
  const platforms = platformFacts(input);
  const here = row.where && platforms.map((platform) => hereOf(row, platform, input));
  const findings = problems.filter(({ definition: { id } }) => id === row.id || row.checks?.includes(id));
  const others = row.checks?.includes(noEntry.id) === true && !input.named;
  const standing = standingOf(row, here, findings, input);
  const advice = findings.some(isCause(row)) ? [] : adviceOf(row, standing, platforms, input);
  return { row, line, speaker: speakerOf(line), standing, here, others, findings, advice };
}

function hereOf({ where = {} }: KnownProblem, platform: PlatformFacts, input: DoctorInput): Here {
  const { name, active, version } = platform;
  return { platform: name, applies: appliesTo(where, platform, input), entry: active?.name, version };
}

/** A finding that says more than the row itself. */
export const isCause =
  (row: KnownProblem) =>
  ({ definition, severity }: Problem): boolean =>
    severity !== 'note' && definition.id !== row.id;

function standingOf(
  row: KnownProblem,
  here: readonly Here[] = [],
  findings: readonly Problem[],
  input: DoctorInput,
): Standing {
  const { where, harmless, checks } = row;
  const machine = appliesToMachine(where ?? {}, input);
  if (machine === 'no') return 'impossible';
  const ofMachine = where?.largePages && machine === 'yes';
  if (ofMachine || here.some(({ applies }) => applies === 'yes') || findings.some(isCause(row))) return 'shown';
  if (harmless) return 'harmless';
  if (where === undefined) return checks ? 'possible' : 'told';
  return machine === 'unknown' || here.some(({ applies }) => applies === 'unknown') ? 'possible' : 'elsewhere';
}

/** A general row comes after the others that are as sure. */
const rankOf = ({ standing, row }: Explanation) => 2 * standings.indexOf(standing) + (row.general ? 1 : 0);

/** Is there a better explanation of the same line? */
function isBeaten(one: Explanation, all: readonly Explanation[]): boolean {
  return isUnseen(one) || all.some((other) => other.line === one.line && !isUnseen(other) && beats(other, one));
}

const isUnseen = ({ row, standing }: Explanation) => row.onlyHere === true && standing !== 'shown';

function beats(other: Explanation, one: Explanation): boolean {
  const isSurer = standings.indexOf(other.standing) < standings.indexOf(one.standing);
  if (other.row.general) return false;
  // The line may be two that a terminal has joined.
  if (other.standing === 'harmless') return false;
  if (!one.row.general) return one.standing === 'elsewhere' && isSurer;
  return isSurer || other.standing === one.standing || (one.standing !== 'shown' && other.standing !== 'impossible');
}

/** What the row says, for the platforms that it is about. */
function adviceOf(
  row: KnownProblem,
  standing: Standing,
  platforms: readonly PlatformFacts[],
  input: DoctorInput,
): readonly Advice[] {
  const { where, checks, fixedHere, advice } = row;
  if (standing === 'elsewhere' && fixedHere) return [installElsewhere(row, input), ...advice];
  if (where === undefined) return checks ? forAnyMachine(row, input) : advice;
  const concerned = platforms.filter((platform) => appliesTo(where, platform, input) !== 'no');
  return concerned.length === 0 ? advice : mergeAdvice(concerned.flatMap((each) => whatHelps(row, each, input)));
}

function installElsewhere({ where }: KnownProblem, { named, platforms }: DoctorInput): Advice {
  const asked = named ? platforms.map(shortPlatform) : ['all'];
  return { do: 'install', platforms: where?.architectures ?? asked, because: 'elsewhere' };
}

/** An example of the documentation names a platform; here it is those that were asked for. */
function forAnyMachine({ checks = [], advice }: KnownProblem, { named, platforms }: DoctorInput): readonly Advice[] {
  const asked = named ? platforms.map(shortPlatform) : ['all'];
  const missing = checks.includes(noEntry.id) && !named;
  const examples = advice.flatMap((each): Advice[] => {
    if (each.do !== 'install') return [];
    return [{ ...each, platforms: asked, because: each.because ?? (missing ? undefined : 'elsewhere') }];
  });
  const general = advice.filter((each) => !('platforms' in each));
  return missing ? [...examples, ...general] : [...general, ...examples];
}

/** Platforms that these lines name, or else the whole text: it may list all emulators of an image. */
export function platformsOf(found: readonly KnownLine[], text: string): readonly string[] {
  const named = platformsIn(found.map(({ line }) => line).join('\n'));
  return named.length > 0 ? named : platformsIn(text);
}

/** Platforms that the text names: `linux/arm/v7`, `qemu-aarch64`. */
function platformsIn(text: string): readonly string[] {
  const words = text.match(/\blinux\/[a-z0-9_]+(\/v[0-9])?\b|\bqemu-[a-z0-9_]+/gi) ?? [];
  return [...new Set(words.map((word) => word.toLowerCase()))].filter(
    (word) => parsePlatform(word).kind === 'platform',
  );
}

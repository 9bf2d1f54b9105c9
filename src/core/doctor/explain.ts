/**
 * `doctor --explain`: what a line that somebody saw means on this machine. The rows of the table whose messages it has,
 * whether each applies here, and what the doctor's checks find about it.
 */
import { type Advice, mergeAdvice } from '../advice.js';
import { noEntry } from '../messages/entry-checks.js';
import { whatHelps } from '../messages/known-problem-checks.js';
import { knownProblems } from '../messages/known-problems.js';
import { parsePlatform } from '../platform.js';
import type { Problem } from '../problem.js';
import { type DoctorInput, type PlatformFacts, platformFacts } from './input.js';
import { type Applies, appliesTo, findKnown, type KnownProblem } from './known-problem.js';

/** One platform, and whether the row holds for it. */
export interface Here {
  readonly platform: string;
  readonly applies: Applies;
  readonly entry?: string;
  /** QEMU's. */
  readonly version?: string;
}

export interface Explanation {
  readonly row: KnownProblem;
  /** The line in which the message was found. */
  readonly line: string;
  /** Undefined: it depends on nothing that can be seen from here, or only on the checks. */
  readonly here?: readonly Here[];
  /** No platform was named, and it may be about one that has no entry. */
  readonly others: boolean;
  /** What the checks that the row names find. */
  readonly findings: readonly Problem[];
  readonly advice: readonly Advice[];
}

/** The checks that tell something about the text; undefined if it has no message that is known. */
export function checksFor(text: string): readonly string[] | undefined {
  const found = findKnown(text, knownProblems);
  const ids = found.flatMap(({ row }) => [...(row.checks ?? []), ...(row.warning ? [row.id] : [])]);
  return found.length > 0 ? [...new Set(ids)] : undefined;
}

/** The explanations, those that apply here first. `problems`: what these checks find. */
export function explain(text: string, input: DoctorInput, problems: readonly Problem[]): readonly Explanation[] {
  const platforms = platformFacts(input);
  const found = findKnown(text, knownProblems).map(({ row, line }): Explanation => {
    const here = row.where && platforms.map((platform) => hereOf(row, platform, input));
    const findings = problems.filter(({ id }) => id === row.id || row.checks?.includes(id));
    const others = row.checks?.includes(noEntry.id) === true && !input.named;
    return { row, line, here, others, findings, advice: adviceOf(row, platforms, input, findings) };
  });
  return found.sort((one, other) => rankOf(one) - rankOf(other));
}

function hereOf({ where = {} }: KnownProblem, platform: PlatformFacts, input: DoctorInput): Here {
  const { name, active, version } = platform;
  return { platform: name, applies: appliesTo(where, platform, input), entry: active?.name, version };
}

/** 0: it happens here. 1: it may. 2: it does not. */
function rankOf({ here, findings, row }: Explanation): number {
  if (here?.some(({ applies }) => applies === 'yes') || findings.some(({ severity }) => severity !== 'note')) return 0;
  if (here?.some(({ applies }) => applies === 'unknown')) return 1;
  return row.where ? 2 : 1;
}

/** The findings of the checks carry advice of their own, which is for this machine. */
function adviceOf(
  row: KnownProblem,
  platforms: readonly PlatformFacts[],
  input: DoctorInput,
  findings: readonly Problem[],
): readonly Advice[] {
  if (findings.some(({ severity }) => severity !== 'note')) return [];
  if (row.where === undefined) return row.checks ? forAnyMachine(row, input) : row.advice;
  const concerned = platforms.filter((platform) => appliesTo(row.where ?? {}, platform, input) !== 'no');
  if (concerned.length === 0) return row.fixedHere ? [] : row.advice;
  return mergeAdvice(concerned.flatMap((platform) => whatHelps(row, platform, input)));
}

/** Without the examples of the documentation, which name a platform. */
function forAnyMachine({ checks = [], advice }: KnownProblem, input: DoctorInput): readonly Advice[] {
  const general = advice.filter((each) => !('platforms' in each));
  return checks.includes(noEntry.id) && !input.named ? [...general, { do: 'install', platforms: ['all'] }] : general;
}

/** Platforms that the text names: `linux/arm/v7`, `qemu-aarch64`. */
export function platformsIn(text: string): readonly string[] {
  const words = text.match(/\blinux\/[a-z0-9_]+(\/v[0-9])?\b|\bqemu-[a-z0-9_]+/gi) ?? [];
  return [...new Set(words.map((word) => word.toLowerCase()))].filter(
    (word) => parsePlatform(word).kind === 'platform',
  );
}

/** The doctor's answer as data; `doctor --json` prints it. docs/cli.md describes the form. */
import type { Advice } from '../advice.js';
import type { Entry } from '../binfmt/entry.js';
import { interpreterOf } from '../binfmt/probe.js';
import { takesProgramsOf } from '../binfmt/probe-executable.js';
import { describeVerdict, factsOf, type ProbeFacts } from '../binfmt/verdict-text.js';
import type { Invocation } from '../invocation.js';
import { architectures } from '../platform/architectures.js';
import { formatPlatform } from '../platform/platform.js';
import type { Problem } from '../problem.js';
import { renderAdvice } from '../report/advice-text.js';
import { textOf } from '../report/render.js';
import type { Explanation } from './explain/explain.js';
import { type DoctorInput, type PlatformFacts, platformFacts } from './input.js';
import { addressOf } from './known/index.js';

/** One platform: does it run, and through what? */
export interface PlatformLine {
  /** `linux/arm64` */
  readonly platform: string;
  readonly runs: boolean;
  /** Why it does not run, in one line; null if it runs. */
  readonly why: string | null;
  /** What its test program did. */
  readonly probe: ProbeFacts;
  /** The entry that the kernel takes; null for the processor itself, or nothing. */
  readonly entry: string | null;
  /** The processor runs it, without an emulator. */
  readonly native: boolean;
  /** The emulator's path; null if none is known. */
  readonly emulator: string | null;
  /** QEMU's version, as the emulator answers through the kernel; null if it does not answer. */
  readonly version: string | null;
  /** null if the emulator's file could not be read. */
  readonly static: boolean | null;
  /** It is the emulator that comes with binfmt; null if the file could not be read. */
  readonly shipped: boolean | null;
  /** The flags of the entry, as the kernel writes them. */
  readonly flags: string | null;
}

/** One entry of binfmt_misc. */
export interface EntryLine {
  readonly name: string;
  readonly enabled: boolean;
  readonly interpreter: string;
  readonly flags: string;
  /** Platforms whose programs its magic matches. */
  readonly matches: readonly string[];
  /** The platforms asked for whose programs the kernel gives to it. */
  readonly active: readonly string[];
}

export interface DoctorReport {
  readonly platforms: readonly PlatformLine[];
  readonly entries: readonly EntryLine[];
  readonly problems: readonly Problem[];
}

export const EMPTY_REPORT: DoctorReport = { platforms: [], entries: [], problems: [] };

export function doctorReport(input: DoctorInput, problems: readonly Problem[]): DoctorReport {
  const platforms = platformFacts(input);
  return {
    platforms: platforms.map(platformLine),
    entries: input.entries.map((entry) => entryLine(entry, platforms)),
    problems,
  };
}

function platformLine({ name, runs, verdict, active, probe, version, elf, interpreter }: PlatformFacts): PlatformLine {
  return {
    platform: name,
    runs,
    why: runs ? null : describeVerdict(verdict),
    probe: factsOf(verdict, probe),
    entry: active?.name ?? null,
    native: verdict.kind === 'runs' && interpreterOf(probe) === undefined && active === undefined,
    emulator: active?.interpreter ?? interpreterOf(probe) ?? null,
    version: version ?? null,
    static: elf ? elf.loader === undefined : null,
    shipped: interpreter?.shipped ?? null,
    flags: active?.flags ?? null,
  };
}

function entryLine(entry: Entry, platforms: readonly PlatformFacts[]): EntryLine {
  const { name, enabled, interpreter, flags } = entry;
  const matched = architectures.filter((architecture) => takesProgramsOf(architecture, entry));
  return {
    ...{ name, enabled, interpreter, flags },
    matches: matched.map((architecture) => formatPlatform({ architecture })),
    active: platforms.filter(({ active }) => active?.name === name).map((platform) => platform.name),
  };
}

/** What a message means, with the words that people read; nothing if no message was asked about. */
export function jsonExplanations(explanations: readonly Explanation[] | undefined, invocation: Invocation) {
  return explanations && { explanations: explanations.map((each) => jsonExplanation(each, invocation)) };
}

function jsonExplanation(explanation: Explanation, invocation: Invocation) {
  const { row, line, speaker, standing, here = [], findings, advice } = explanation;
  const { id, messages, cause, sources } = row;
  return {
    ...{ id, message: messages[0], line, speaker, standing, cause, here },
    findings: [...new Set(findings.map(({ definition }) => definition.id))],
    advice: withText(advice, invocation),
    sources: sources.map(addressOf),
  };
}

/** The report with everything that people read beside the data: sentences, and commands for this call. */
export function jsonReport({ problems, ...report }: DoctorReport, invocation: Invocation) {
  return {
    ...report,
    problems: problems.map(({ definition, ...problem }) => ({
      ...{ id: definition.id, ...problem },
      advice: withText(problem.advice, invocation),
      text: textOf({ definition, ...problem }),
    })),
  };
}

function withText(all: readonly Advice[], invocation: Invocation) {
  return all.flatMap((advice) => {
    const rendered = renderAdvice(advice, invocation);
    return rendered ? [{ ...advice, ...rendered }] : [];
  });
}

/** The checks that warn of known problems before anything fails: one for each row of the table that has a warning. */
import type { Advice } from '../../advice.js';
import { listed } from '../../text.js';
import { installAdvice, newerVersion } from '../advise.js';
import { type PlatformCheck, platformCheck } from '../check.js';
import type { DoctorInput, PlatformFacts } from '../input.js';
import { addressOf, knownProblems } from '../known/index.js';
import { appliesTo, type KnownProblem } from '../known-problem.js';

/** What the check looked at. */
type EmulatorFacts = {
  readonly entry: string;
  readonly version?: string;
  readonly positionIndependent?: boolean;
  readonly glibc?: boolean;
  readonly level?: number;
  readonly randomBits: string;
};

export const knownProblemChecks = knownProblems.flatMap((row) => (row.warning ? [checkOf(row, row.warning)] : []));

function checkOf(row: KnownProblem, { summary, title }: NonNullable<KnownProblem['warning']>) {
  const check: PlatformCheck<EmulatorFacts> = platformCheck({
    id: row.id,
    summary,
    find(platform, input) {
      const { active, runs, version, elf, verdict } = platform;
      if (!active || !runs || appliesTo(row.where ?? {}, platform, input) !== 'yes') return undefined;
      const level = verdict.kind === 'runs' ? verdict.level : undefined;
      const facts: EmulatorFacts = {
        entry: active.name,
        version,
        positionIndependent: elf && !elf.fixed,
        glibc: elf?.glibc,
        level,
        randomBits: input.host.randomization.bits,
      };
      return { severity: 'warning', facts, advice: whatHelps(row, platform, input) };
    },
    title: (_, subjects) => `${listed(subjects)}: ${title}`,
    symptom: () => row.messages[0],
    cause: () => row.cause,
    evidence: (facts) => [
      describeEmulator(facts, row),
      ...row.sources.slice(0, 1).map((source) => `see ${addressOf(source)}`),
    ],
  });
  return check;
}

/** An emulator that does not have it, unless this one is that already; and what else helps. */
export function whatHelps(row: KnownProblem, platform: PlatformFacts, input: DoctorInput): readonly Advice[] {
  const isOurs = platform.interpreter?.shipped === true;
  return [...(row.fixedHere && !isOurs ? replaceAdvice(platform, input) : []), ...row.advice];
}

/** `--install` alone keeps an entry of the same name whose QEMU is not older. */
function replaceAdvice(platform: PlatformFacts, input: DoctorInput): readonly Advice[] {
  const { active, version } = platform;
  const sameName = active?.name === input.emulators.get(platform.platform.architecture)?.name;
  const stays = active && sameName && version !== undefined && newerVersion(platform, input) === undefined;
  return installAdvice(platform, input, stays ? { options: ['--uninstall', active.name] } : {});
}

function describeEmulator(facts: EmulatorFacts, { where = {} }: KnownProblem): string {
  const { entry, version, glibc, level, randomBits } = facts;
  return [
    `${entry}: ${version === undefined ? 'version unknown' : `QEMU ${version}`}`,
    ...(where.fixedAddress ? [`not position-independent, vm.mmap_rnd_bits=${randomBits}`] : []),
    ...(where.otherLibc && glibc === false ? ['not linked with glibc'] : []),
    ...(where.belowLevel && level !== undefined ? [`the processor goes up to v${level}`] : []),
  ].join(', ');
}

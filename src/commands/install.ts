/** `binfmt --install LIST`: plans each platform, registers what is missing, and believes only what then runs. */
import { type Architecture, architectures } from '../core/architectures.js';
import type { Failure } from '../core/failure.js';
import { type InstallOptions, planInstall, type Step } from '../core/plan.js';
import { type Platform, parsePlatform } from '../core/platform.js';
import { describeVerdict, type Probe } from '../core/probe.js';
import { runnerOf, type Snapshot } from '../core/snapshot.js';
import { register, unregister } from '../system/binfmt-fs.js';
import { type System, takeSnapshot } from '../system/snapshot.js';
import { type Item, type Report, reportBatch } from './report.js';

export interface InstallReport extends Report {
  /** Probes that hold after the installation. */
  readonly probes: ReadonlyMap<Architecture, Probe>;
}

interface Job {
  readonly platform: Platform;
  readonly step: Step;
  /** Why the step could not be taken. */
  readonly refused?: Failure;
}

export async function install(
  words: readonly string[],
  options: InstallOptions,
  system: System,
): Promise<InstallReport> {
  const all = words.includes('all');
  const { platforms, unknown } = parseWords(words.filter((word) => word !== 'all'));
  const before = await takeSnapshot(system, {
    probes: all ? architectures : platforms.map(({ architecture }) => architecture),
    emulators: true,
  });
  const jobs = [...platforms, ...(all ? remaining(platforms, before) : [])].map((platform): Job => {
    const step = planInstall(platform, options, before);
    return { platform, step, refused: take(step, system) };
  });

  const changed = jobs.filter(({ step }) => step.kind === 'register').map(({ platform }) => platform.architecture);
  const known = new Map([...before.probes].filter(([row]) => !changed.includes(row)));
  const after = await takeSnapshot(system, { probes: changed, known });
  const items = jobs.map((job) => judge(job, after, system));
  const empty = all && before.emulators.size === 0 ? [nothingAtHand(system)] : [];
  return { ...reportBatch('installing', [...unknown, ...empty, ...items]), probes: after.probes };
}

/** The words as platforms, each architecture once, with the highest variant that was asked for. */
function parseWords(words: readonly string[]): { platforms: Platform[]; unknown: Item[] } {
  const platforms = new Map<Architecture, Platform>();
  const unknown: Item[] = [];
  for (const word of words) {
    const parsed = parsePlatform(word);
    if (parsed.kind === 'unknown') {
      unknown.push({ subject: word, failure: { code: 'unknown-platform', subject: word, cause: parsed.cause } });
      continue;
    }
    const { architecture, level = 0 } = parsed.platform;
    const before = platforms.get(architecture);
    if (before === undefined || (before.level ?? 0) < level) platforms.set(architecture, parsed.platform);
  }
  return { platforms: [...platforms.values()], unknown };
}

/** What `all` adds: every architecture with an emulator at hand that the machine does not run by itself. */
function remaining(platforms: readonly Platform[], snapshot: Snapshot): Platform[] {
  return [...snapshot.emulators.keys()]
    .filter((row) => !platforms.some(({ architecture }) => architecture === row))
    .filter((row) => runnerOf(row, snapshot).kind !== 'native')
    .map((architecture) => ({ architecture }));
}

/** The only place that changes the machine. Removing comes first: a name can be taken once. */
function take(step: Step, { registry, machine }: System): Failure | undefined {
  if (step.kind !== 'register' || registry.kind !== 'writable') return undefined;
  const { registration, replaces } = step;
  const failure = replaces && unregister(registry.dir, replaces.name);
  return failure ?? register(registry.dir, registration, machine.ownPrograms);
}

/** What became of it: only a platform that runs now is a success. */
function judge({ platform, step, refused }: Job, after: Snapshot, { registry }: System): Item {
  const { architecture, level } = platform;
  const subject = architecture.name;
  if (step.kind === 'impossible') return { subject, failure: step.failure };
  const verdict = after.probes.get(architecture)?.verdict ?? { kind: 'timeout' };
  if (verdict.kind !== 'runs') {
    // An entry that only breaks programs is worse than none.
    if (step.kind === 'register' && !refused && registry.kind === 'writable')
      unregister(registry.dir, step.registration.name);
    return { subject, failure: refused ?? doesNotRun(subject, describeVerdict(verdict)) };
  }
  if (level !== undefined && (verdict.level ?? 0) < level) {
    return {
      subject,
      failure: { code: 'does-not-run', subject, cause: `runs only up to v${verdict.level}, not v${level}` },
    };
  }
  return { subject, note: refused ? refused.cause : step.note };
}

function doesNotRun(subject: string, cause: string): Failure {
  return { code: 'does-not-run', subject, cause: `does not run: ${cause}` };
}

function nothingAtHand({ folder }: System): Item {
  const cause = `no emulator is in ${folder.dir}`;
  const hint = `set QEMU_BINARY_PATH to the folder of statically linked ${folder.prefix}qemu-* programs`;
  return { subject: 'all', failure: { code: 'no-emulator', subject: folder.dir, cause, hint } };
}

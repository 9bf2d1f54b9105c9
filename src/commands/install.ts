/** `binfmt --install LIST`: plans each platform, registers what is missing, and believes only what then runs. */
import { type Architecture, architectures } from '../core/architectures.js';
import type { InstallOptions } from '../core/plan.js';
import { type Platform, parsePlatform } from '../core/platform.js';
import type { Probe } from '../core/probe.js';
import { runnerOf, type Snapshot } from '../core/snapshot.js';
import { establish } from '../system/apply.js';
import { type System, takeSnapshot } from '../system/snapshot.js';
import { type Item, type Report, reportBatch } from './report.js';

export interface InstallReport extends Report {
  /** Probes that hold after the installation. */
  readonly probes: ReadonlyMap<Architecture, Probe>;
}

export interface InstallArguments {
  readonly words: readonly string[];
  readonly options: InstallOptions;
}

export async function install({ words, options }: InstallArguments, system: System): Promise<InstallReport> {
  const all = words.includes('all');
  const { platforms, unknown } = parseWords(words.filter((word) => word !== 'all'));
  const before = await takeSnapshot(system, {
    probes: all ? architectures : platforms.map(({ architecture }) => architecture),
    emulators: true,
  });
  const wanted = [...platforms, ...(all ? remaining(platforms, before) : [])];
  const { results, after } = await establish(wanted, options, { before, lasting: true, system });
  const empty = all && before.emulators.size === 0 ? [nothingAtHand(system)] : [];
  const items = results.map(({ platform, ...result }) => ({ subject: platform.architecture.name, ...result }));
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

function nothingAtHand({ folder }: System): Item {
  const cause = `no emulator is in ${folder.dir}`;
  const hint = `set QEMU_BINARY_PATH to the folder of statically linked ${folder.prefix}qemu-* programs`;
  return { subject: 'all', failure: { code: 'no-emulator', subject: folder.dir, cause, hint } };
}

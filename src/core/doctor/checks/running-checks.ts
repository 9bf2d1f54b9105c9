/** Platforms that run, but not as well as they could: flags, versions, and which entry takes their programs. */
import type { Advice } from '../../advice.js';
import type { Entry } from '../../binfmt/entry.js';
import { interpreterOf } from '../../binfmt/probe.js';
import { matchingEntries } from '../../binfmt/snapshot.js';
import { type ProbeFacts, probeFacts, probeLine } from '../../binfmt/verdict-text.js';
import { FIRST_KERNEL_WITH_ARGV0 } from '../../install/plan.js';
import { shortPlatform } from '../../platform/platform.js';
import { listed } from '../../text.js';
import { compareVersions } from '../../version.js';
import { installAdvice, newerVersion, uninstallAdvice } from '../advise.js';
import { platformCheck } from '../check.js';
import { type DoctorInput, isNamedFor, type PlatformFacts } from '../input.js';

const run = (subjects: readonly string[]) => `${listed(subjects)} ${subjects.length > 1 ? 'run' : 'runs'}`;
const flagsLine = ({ entry, flags }: { readonly entry: string; readonly flags: string }) =>
  `${entry}: flags ${flags || 'none'}`;

type EntryFlags = { readonly entry: string; readonly flags: string };

export const shadowed = platformCheck<{
  entry: string;
  interpreter: string;
  hidden: string;
  others: readonly string[];
  runs: boolean;
  seen: boolean;
  probe: ProbeFacts;
}>({
  id: 'shadowed',
  summary: "several entries match the platform's programs (box64, FEX, Rosetta, QEMU): which one the kernel takes",
  find(platform, input) {
    const { active, runs, probe } = platform;
    const { architecture } = platform.platform;
    const matching = matchingEntries(architecture, input.entries).filter((entry) => entry !== active);
    const [hidden] = [...matching.filter((entry) => isNamedFor(architecture, entry)), ...matching];
    if (!active || !hidden) return undefined;
    const { name: entry, interpreter } = active;
    const seen = interpreterOf(probe) === interpreter;
    const others = matching.map(({ name }) => name);
    return {
      severity: runs ? 'note' : 'problem',
      facts: { entry, interpreter, hidden: hidden.name, others, runs, seen, probe: probeFacts(platform) },
      advice: otherEntryAdvice(platform, input, matching),
    };
  },
  title: (_, subjects) => `${listed(subjects)}: several entries match the programs`,
  cause: () => 'of all entries that match, the kernel takes the one that was registered last',
  evidence: ({ entry, interpreter, others, seen, probe }) => [
    `${entry} (${interpreter}) was registered after ${listed(others)}`,
    `${probeLine(probe)} (${seen ? 'seen when the probe was started' : 'the newest entry that matches'})`,
  ],
});

/** What it takes to have another one of the entries. */
function otherEntryAdvice(platform: PlatformFacts, input: DoctorInput, others: readonly Entry[]): readonly Advice[] {
  const { active, platform: asked } = platform;
  if (!active) return [];
  const isOurs = (entry: Entry) => entry.name === input.emulators.get(asked.architecture)?.name;
  if (!isOurs(active)) return [...installAdvice(platform, input, { because: 'in-front' }), uninstallAdvice(active)];
  const platforms = [shortPlatform(asked)];
  return others.map(({ name }): Advice => ({ do: 'install', platforms, after: name }));
}

export const oldEmulator = platformCheck<{ entry: string; version: string; available: string }>({
  id: 'old-emulator',
  summary: 'the registered emulator is older than the one that binfmt has',
  find(platform, input) {
    const { active, version } = platform;
    const available = newerVersion(platform, input);
    if (!active || version === undefined || available === undefined) return undefined;
    return {
      severity: 'warning',
      facts: { entry: active.name, version, available },
      advice: installAdvice(platform, input),
    };
  },
  title: (_, subjects) => `${run(subjects)} through an old emulator`,
  symptom: () => 'Function not implemented; qemu: Unsupported syscall; Illegal instruction',
  cause: ({ version, available }) =>
    `QEMU ${version} lacks system calls and CPU features that programs may need; QEMU ${available} is available`,
  evidence: ({ entry, version }) => [`${entry} reports QEMU ${version}`],
});

export const credentials = platformCheck<EntryFlags>({
  id: 'credentials',
  summary: 'flag C is missing: sudo and other setuid programs have no privileges',
  find(platform, input) {
    const { active, runs } = platform;
    if (!runs || !active || active.flags.includes('C')) return undefined;
    return {
      severity: 'warning',
      facts: { entry: active.name, flags: active.flags },
      advice: installAdvice(platform, input),
    };
  },
  title: (_, subjects) => `${listed(subjects)}: sudo and other setuid programs have no privileges`,
  symptom: () => "sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set?",
  cause: () =>
    "the entry has no flag C, so the kernel takes the privileges from the emulator's file, not from the program's file",
  evidence: (facts) => [flagsLine(facts)],
});

export const credentialsKept = platformCheck<EntryFlags>({
  id: 'credentials-kept',
  summary: 'flag C is set: what that means for security',
  verbose: true,
  find(platform, input) {
    const { active, runs } = platform;
    if (!runs || !active?.flags.includes('C')) return undefined;
    return {
      severity: 'note',
      facts: { entry: active.name, flags: active.flags },
      advice: installAdvice(platform, input, { options: ['--no-credentials'] }),
    };
  },
  title: (_, subjects) => `${listed(subjects)}: setuid programs keep their privileges`,
  cause: () =>
    'the entry has flag C. A setuid program runs as its owner, under an emulator that was not written as a security boundary. If untrusted users can start such programs, register without flag C',
  evidence: (facts) => [flagsLine(facts)],
});

export const argv0 = platformCheck<EntryFlags>({
  id: 'argv0',
  summary: 'flag P is missing: programs get their path as argv[0], not the name with which they were started',
  find(platform, input) {
    const { active, runs } = platform;
    const possible = compareVersions(input.kernel, FIRST_KERNEL_WITH_ARGV0) >= 0;
    if (!runs || !active || active.flags.includes('P') || !possible) return undefined;
    return {
      severity: 'note',
      facts: { entry: active.name, flags: active.flags },
      advice: installAdvice(platform, input),
    };
  },
  title: (_, subjects) => `${listed(subjects)}: programs do not get the name with which they were started (argv[0])`,
  symptom: () => 'applet not found; a login shell that does not behave like one',
  cause: () => "the entry has no flag P, so argv[0] is always the program's path",
  evidence: (facts) => [flagsLine(facts)],
});

export const argv0Kernel = platformCheck<EntryFlags & { kernel: string }>({
  id: 'argv0-kernel',
  summary: `flag P is set, but QEMU cannot see it on Linux before ${FIRST_KERNEL_WITH_ARGV0}: arguments are shifted`,
  find(platform, input) {
    const { active } = platform;
    const { kernel } = input;
    if (!active?.flags.includes('P') || compareVersions(kernel, FIRST_KERNEL_WITH_ARGV0) >= 0) return undefined;
    return { facts: { entry: active.name, flags: active.flags, kernel }, advice: installAdvice(platform, input) };
  },
  title: (_, subjects) => `${listed(subjects)}: programs get their arguments shifted by one`,
  symptom: () => 'Error while loading …: No such file or directory; a program takes its own name for an argument',
  cause: () =>
    `the entry has flag P, but kernels before Linux ${FIRST_KERNEL_WITH_ARGV0} do not tell QEMU about it. QEMU passes the extra argument to the program as if it were the program's own`,
  evidence: (facts) => [`kernel ${facts.kernel}`, flagsLine(facts)],
});

export const native = platformCheck<{ entry: string; probe: ProbeFacts }>({
  id: 'native',
  summary: "the processor could run the platform's programs, but an entry takes them",
  find(platform, { native: all }) {
    const { active } = platform;
    if (!active || !all.has(platform.platform.architecture)) return undefined;
    return {
      severity: 'warning',
      facts: { entry: active.name, probe: probeFacts(platform) },
      advice: [uninstallAdvice(active)],
    };
  },
  title: (_, subjects) =>
    `${listed(subjects)} ${subjects.length > 1 ? 'are' : 'is'} emulated, although this machine could run ${subjects.length > 1 ? 'them' : 'it'} directly`,
  symptom: () => 'programs are ten times slower than they should be',
  cause: () => 'an entry matches the programs. Without that entry, the processor would run them',
  evidence: ({ entry, probe }) => [
    `${entry}: ${probeLine(probe)}`,
    'with its header changed so that no entry matches, the same test program runs without an emulator',
  ],
});

export const imagePlatform = platformCheck<{ probe: ProbeFacts }>({
  id: 'image-platform',
  summary: 'emulation works, and a container still does not start: how to find out why',
  verbose: true,
  find(platform) {
    const { name, runs } = platform;
    if (!runs) return undefined;
    return {
      severity: 'note',
      facts: { probe: probeFacts(platform) },
      advice: [{ do: 'inspect-image' }, { do: 'choose-platform', platform: name, because: 'explicit' }],
    };
  },
  title: (_, subjects) => `${run(subjects)}: if a container does not start, look at its image`,
  symptom: () =>
    "exec format error; exec /app: no such file or directory; The requested image's platform does not match",
  cause: () =>
    'an image is for one platform, which need not be the one of the machine that pulled it. You see the same messages if a program in the image is for another architecture, if a script does not begin with #!, or if a loader is missing',
  evidence: ({ probe }) => [probeLine(probe)],
});

export const runningChecks = [
  shadowed,
  oldEmulator,
  credentials,
  credentialsKept,
  argv0,
  argv0Kernel,
  native,
  imagePlatform,
];

/**
 * Why a platform does not run. The order of the list is the order in which causes are reported; the last one is for
 * everything that none of the others explains.
 */
import { exportAdvice, installAdvice, newerVersion, uninstallAdvice } from '../doctor/advise.js';
import { platformCheck } from '../doctor/check.js';
import { isNamedFor, type PlatformFacts } from '../doctor/input.js';
import { takesProgramsOf } from '../elf.js';
import { formatPlatform, shortPlatform } from '../platform.js';
import type { Severity } from '../problem.js';
import { listed } from '../text.js';
import { BINFMT_DIRECTORY } from './machine-checks.js';
import { describeFailure, factsOf, type ProbeFacts, probeFacts, probeLine } from './verdict-text.js';

const FORMAT_ERROR = 'exec /bin/sh: exec format error';
const NO_SUCH_FILE = 'exec /bin/sh: no such file or directory';
const CRASH = 'qemu: uncaught target signal 11 (Segmentation fault) - core dumped';

const doNotRun = (subjects: readonly string[], where = '') =>
  `${listed(subjects)} ${subjects.length > 1 ? 'do' : 'does'} not run${where}`;

const refusedWith = (errno: string, { verdict }: PlatformFacts) =>
  verdict.kind === 'refused' && verdict.errno === errno;

/** It may run here, and still not in a container. */
const severityOf = ({ runs }: PlatformFacts): Severity => (runs ? 'warning' : 'problem');

type Randomization = { readonly mode: string; readonly bits: string };
const randomizationLine = ({ mode, bits }: Randomization) =>
  `address-space randomization: kernel.randomize_va_space=${mode || '?'}, vm.mmap_rnd_bits=${bits || '? (not readable)'}`;

export const emulated = platformCheck<{ program: string; processor: string; probe: ProbeFacts }>({
  id: 'emulated',
  summary: 'this program is built for another machine, and is emulated itself',
  find(platform, { own, host }) {
    const { emulatedOn } = host;
    if (!emulatedOn || !own || platform.runs || !platform.active) return undefined;
    const processor = formatPlatform({ architecture: emulatedOn });
    return {
      facts: { program: formatPlatform({ architecture: own }), processor, probe: probeFacts(platform) },
      advice: host.container
        ? [{ do: 'install', platforms: [shortPlatform(platform.platform)], because: 'for-processor' }]
        : [{ do: 'consider', what: 'use-program-for-processor', detail: processor }],
    };
  },
  title: (_, subjects) => doNotRun(subjects, ' in containers'),
  symptom: () => 'Error while loading /usr/bin/qemu-…: No such file or directory',
  cause: ({ program, processor }) =>
    `this program is built for ${program} and is emulated itself, on ${processor}. The emulator of this program looks for other emulators inside each container, and cannot find them there`,
  evidence: ({ program, processor, probe }) => [
    probeLine(probe),
    `/proc/self/exe is a ${program} program, the processor is ${processor}`,
  ],
});

export const disabledEntry = platformCheck<{ entry: string; probe: ProbeFacts }>({
  id: 'disabled-entry',
  summary: 'the entry for it exists, but is disabled',
  find(platform, input) {
    const { architecture } = platform.platform;
    const disabled = platform.entries.find((entry) => !entry.enabled && takesProgramsOf(architecture, entry));
    if (!refusedWith('ENOEXEC', platform) || platform.active || !disabled) return undefined;
    return {
      facts: { entry: disabled.name, probe: probeFacts(platform) },
      advice: [
        { do: 'enable-entries', entries: [disabled.name] },
        ...installAdvice(platform, input, { because: 'replace' }),
      ],
    };
  },
  title: (_, subjects) => doNotRun(subjects),
  symptom: () => `${FORMAT_ERROR}; from a tool that registers it again: File exists`,
  cause: () => 'its entry is disabled, and no other entry matches its programs',
  evidence: ({ entry, probe }) => [`${BINFMT_DIRECTORY}/${entry} says "disabled"`, probeLine(probe)],
});

export const noEntry = platformCheck<{
  entries?: number;
  configured: readonly { file: string; entry: string }[];
  boot: boolean;
  probe: ProbeFacts;
}>({
  id: 'no-entry',
  summary: 'no entry matches its programs: it was never registered, or the entry is gone since a reboot',
  find(platform, input) {
    if (!refusedWith('ENOEXEC', platform) || platform.entries.length > 0) return undefined;
    const { binfmt, entries, host } = input;
    const { architecture } = platform.platform;
    const readable = binfmt.kind !== 'unavailable';
    const configured = host.configurations
      .filter(({ entry }) => readable && takesProgramsOf(architecture, entry))
      .map(({ file, entry }) => ({ file, entry: entry.name }));
    const boot = configured.length > 0;
    const install = installAdvice(platform, input, boot ? { because: 'replace' } : {});
    return {
      facts: { entries: readable ? entries.length : undefined, configured, boot, probe: probeFacts(platform) },
      advice: boot
        ? [{ do: 'restart-systemd-binfmt' }, ...install, exportAdvice(platform)]
        : [...install, ...(readable ? [{ do: 'watch', platforms: [shortPlatform(platform.platform)] } as const] : [])],
    };
  },
  title: (_, subjects) => doNotRun(subjects),
  symptom: () => FORMAT_ERROR,
  cause({ entries, boot }) {
    if (entries === undefined) return 'no working entry matches its programs, and the entries cannot be read from here';
    const nothing = 'no entry matches its programs';
    return boot
      ? `${nothing}, although a file on this host registers one at boot: systemd-binfmt has not run, or something has removed the entries since`
      : `${nothing}. Entries live in the kernel's memory: after a reboot, or after something has removed them, they have to be registered again`;
  },
  evidence: ({ entries, configured, probe }) => [
    `${probeLine(probe)}; ${entries === undefined ? 'the entries cannot be read from here' : `none of ${entries} entries matches`}`,
    ...configured.map(({ file, entry }) => `${file} has ${entry}`),
  ],
});

type Magic = { readonly offset: number; readonly magic: string; readonly mask: string };
const magicLine = ({ offset, magic, mask }: Magic) =>
  `offset ${offset}, magic ${magic || 'none'}, mask ${mask || 'none'}`;

export const wrongMagic = platformCheck<{ entry: string; runs: boolean; found: Magic; expected: Magic }>({
  id: 'wrong-magic',
  summary: 'an entry never matches the programs that it is named for',
  find(platform, input) {
    const { architecture } = platform.platform;
    const named = platform.entries.find((entry) => isNamedFor(architecture, entry));
    if (named === undefined || takesProgramsOf(architecture, named)) return undefined;
    const { offset, magic, mask } = named;
    return {
      severity: severityOf(platform),
      facts: {
        entry: named.name,
        runs: platform.runs,
        found: { offset, magic, mask },
        expected: { offset: 0, magic: architecture.magic, mask: architecture.mask },
      },
      advice: [uninstallAdvice(named), ...installAdvice(platform, input)],
    };
  },
  title: ({ entry, runs }, subjects) => (runs ? `${entry} never matches a program` : doNotRun(subjects)),
  symptom: () => FORMAT_ERROR,
  cause: () => 'its entry has its name, but magic and mask that never match one of its programs',
  evidence: ({ entry, found, expected }) => [`${entry}: ${magicLine(found)}`, `it should be: ${magicLine(expected)}`],
});

export const notInContainers = platformCheck<{
  entry: string;
  flags: string;
  interpreter: string;
  probe: ProbeFacts;
}>({
  id: 'not-in-containers',
  summary: 'flag F is missing: the kernel looks for the emulator inside each container, where it does not exist',
  find(platform, input) {
    const { active, runs } = platform;
    if (!active || active.flags.includes('F') || (!runs && !refusedWith('ENOENT', platform))) return undefined;
    const { name: entry, flags, interpreter } = active;
    return {
      severity: severityOf(platform),
      facts: { entry, flags, interpreter, probe: probeFacts(platform) },
      advice: [...installAdvice(platform, input), exportAdvice(platform)],
    };
  },
  title: (_, subjects) => doNotRun(subjects, ' in containers'),
  symptom: () => NO_SUCH_FILE,
  cause: () =>
    'its entry has no flag F. Without it the kernel looks for the emulator inside each container, and only containers that have the file can use it',
  evidence: ({ entry, flags, interpreter, probe }) => [
    `${entry}: flags ${flags || 'none'}, emulator ${interpreter}`,
    probeLine(probe),
  ],
});

export const dynamicEmulator = platformCheck<{
  entry: string;
  interpreter: string;
  loader?: string;
  seen?: 'started' | 'file';
  probe: ProbeFacts;
}>({
  id: 'dynamic-emulator',
  summary: 'the emulator is dynamically linked: containers do not have its loader and libraries',
  find(platform, input) {
    const { active, verdict, elf, interpreter } = platform;
    const missing = refusedWith('ENOENT', platform) || (verdict.kind === 'exit' && verdict.status === 127);
    // A script, or anything else that is not ELF, is not this problem.
    const known = interpreter !== undefined;
    if (!active?.flags.includes('F') || (known ? elf?.loader === undefined : !missing)) return undefined;
    const { name: entry, interpreter: path } = active;
    return {
      severity: severityOf(platform),
      facts: { entry, interpreter: path, loader: elf?.loader, seen: interpreter?.seen, probe: probeFacts(platform) },
      advice: [...installAdvice(platform, input), exportAdvice(platform)],
    };
  },
  title: (_, subjects) => doNotRun(subjects, ' in containers'),
  symptom: () => NO_SUCH_FILE,
  cause: ({ seen }) =>
    `its emulator is dynamically linked${seen ? '' : ', or a script'}. Flag F keeps the emulator open, but not its loader and libraries, and containers do not have them`,
  evidence: ({ interpreter, loader, seen, probe }) => [
    `${probeLine(probe)} although flag F is set`,
    ...(loader ? [`${seen === 'file' ? 'on the host' : 'started by the kernel'}: ${interpreter} needs ${loader}`] : []),
  ],
});

/** What QEMU prints about a signal. */
const crashes: Readonly<Record<string, string>> = {
  SIGSEGV: CRASH,
  SIGILL: 'qemu: uncaught target signal 4 (Illegal instruction) - core dumped',
  SIGABRT: 'qemu: uncaught target signal 6 (Aborted) - core dumped',
};

export const emulatorCrash = platformCheck<{
  signal: string;
  positionIndependent?: boolean;
  interpreter?: string;
  version?: string;
  probe: ProbeFacts;
  randomization: Randomization;
}>({
  id: 'emulator-crash',
  summary: 'the emulator is killed by a signal',
  find(platform, input) {
    const { verdict, active, elf, version } = platform;
    if (verdict.kind !== 'signal') return undefined;
    const { randomization } = input.host;
    return {
      facts: {
        signal: verdict.signal,
        positionIndependent: elf && !elf.fixed,
        interpreter: active?.interpreter,
        version,
        probe: probeFacts(platform),
        randomization,
      },
      advice: [
        ...installAdvice(platform, input),
        ...(elf?.fixed && Number(randomization.bits) > 28
          ? [{ do: 'set-sysctl', setting: 'vm.mmap_rnd_bits', value: 28, until: 'fixed' } as const]
          : []),
      ],
    };
  },
  title: (_, subjects) => doNotRun(subjects),
  symptom: ({ signal }) => crashes[signal] ?? `killed by ${signal}`,
  cause: ({ signal, positionIndependent }) =>
    positionIndependent === false && signal === 'SIGSEGV'
      ? 'its emulator crashes. It was built for one fixed address (it is not a PIE): such emulators are known to crash if address-space randomization is strong'
      : 'its emulator crashes',
  evidence: ({ interpreter, version, positionIndependent, probe, randomization }) => [
    probeLine(probe),
    `emulator: ${interpreter ?? 'unknown'}, ${version ? `QEMU ${version}` : 'version unknown'}${
      positionIndependent === false ? ', not position-independent' : ''
    }`,
    randomizationLine(randomization),
  ],
});

export const cpuLevel = platformCheck<{ has: number; wanted: number; by: 'emulator' | 'processor'; version?: string }>({
  id: 'cpu-level',
  summary: 'the emulated processor is not as new as the platform needs, such as linux/amd64/v3',
  find(platform, input) {
    const { verdict, active, version } = platform;
    const { architecture, level = 0 } = platform.platform;
    if (platform.runs || verdict.kind !== 'runs') return undefined;
    return {
      facts: { has: verdict.level ?? 0, wanted: level, by: active ? 'emulator' : 'processor', version },
      advice: [
        ...(newerVersion(platform, input) ? installAdvice(platform, input) : []),
        { do: 'choose-platform', platform: formatPlatform({ architecture }), because: 'lower' },
      ],
    };
  },
  title: (_, subjects) => doNotRun(subjects),
  symptom: () => 'qemu: uncaught target signal 4 (Illegal instruction) - core dumped',
  cause: ({ has, wanted, by }) =>
    `${by === 'emulator' ? 'its emulator' : "this machine's processor"} goes up to v${has}, and v${wanted} was asked for`,
  evidence: ({ has, version }) => [`probe: v${has}`, ...(version ? [`emulator: QEMU ${version}`] : [])],
});

export const intermittent = platformCheck<{
  ran: number;
  failed: number;
  positionIndependent?: boolean;
  probe: ProbeFacts;
  randomization: Randomization;
}>({
  id: 'intermittent',
  summary: 'with --repeat N: it fails now and then',
  find(platform, input) {
    const { architecture } = platform.platform;
    const first = platform.probe?.verdict ?? platform.verdict;
    const all = [first, ...(input.repeats.get(architecture) ?? [])];
    const failed = all.filter((verdict) => verdict.kind !== 'runs' && verdict.kind !== 'untried');
    const [example] = failed;
    if (example === undefined || !platform.runs) return undefined;
    return {
      facts: {
        ran: all.length - failed.length,
        failed: failed.length,
        positionIndependent: platform.elf && !platform.elf.fixed,
        probe: factsOf(example),
        randomization: input.host.randomization,
      },
      advice: installAdvice(platform, input),
    };
  },
  title: (_, subjects) => `${listed(subjects)} ${subjects.length > 1 ? 'run' : 'runs'}, but not every time`,
  symptom: () => CRASH,
  cause: ({ ran, failed, probe }) =>
    `${failed} of ${ran + failed} runs of the same test program failed: ${describeFailure(probe)}`,
  evidence: ({ ran, failed, positionIndependent, randomization }) => [
    `probes: ${ran} ran, ${failed} failed`,
    ...(positionIndependent === false ? ['the emulator is not position-independent'] : []),
    randomizationLine(randomization),
  ],
});

/** What people see if the kernel refuses a program, and no other check explains it. */
const refusalSymptoms: Readonly<Record<string, string>> = {
  ENOEXEC: FORMAT_ERROR,
  ENOENT: NO_SUCH_FILE,
  EACCES: 'exec /bin/sh: permission denied',
  ELOOP: 'exec /bin/sh: too many levels of symbolic links',
};

export const emulatorFails = platformCheck<{
  probe: ProbeFacts;
  entry?: string;
  entries: readonly { name: string; interpreter: string }[];
  version?: string;
}>({
  id: 'emulator-fails',
  summary: 'the emulator does not start, or does not end as the program that it runs',
  fallback: true,
  find(platform, input) {
    const { verdict, active, entries, version } = platform;
    if (platform.runs || verdict.kind === 'runs' || input.host.switchedOff) return undefined;
    return {
      facts: {
        probe: probeFacts(platform),
        entry: active?.name,
        entries: entries.map(({ name, interpreter }) => ({ name, interpreter })),
        version,
      },
      advice:
        verdict.kind === 'untried' ? [{ do: 'consider', what: 'try-again-later' }] : installAdvice(platform, input),
    };
  },
  title: (_, subjects) => doNotRun(subjects),
  symptom: ({ probe }) => refusalSymptoms[probe.errno ?? ''],
  cause: ({ probe, entry }) =>
    probe.errno === 'ENOEXEC' && entry !== undefined
      ? 'its entry matches, but the kernel cannot run the emulator: it is built for a different CPU architecture, or is itself run by an entry with flag O or C'
      : describeFailure(probe),
  evidence: ({ probe, entries, version }) => [
    probeLine(probe),
    ...entries.map(({ name, interpreter }) => `${name}: ${interpreter}${version ? `, QEMU ${version}` : ''}`),
  ],
});

export const notRunningChecks = [
  emulated,
  disabledEntry,
  noEntry,
  wrongMagic,
  notInContainers,
  dynamicEmulator,
  emulatorCrash,
  cpuLevel,
  intermittent,
  emulatorFails,
];

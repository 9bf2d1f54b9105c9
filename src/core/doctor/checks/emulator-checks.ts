/**
 * Why a platform does not run, if the reason is its emulator. The last check is for everything that no other one
 * explains.
 */
import { interpreterOf } from '../../binfmt/probe.js';
import { categoriesOf } from '../../binfmt/selinux-label.js';
import { describeFailure, factsOf, type ProbeFacts, probeFacts, probeLine } from '../../binfmt/verdict-text.js';
import { formatPlatform } from '../../platform/platform.js';
import { listed } from '../../text.js';
import { installAdvice, newerVersion, persistAdvice } from '../advise.js';
import { platformCheck } from '../check.js';
import { isStrong, MOST_RANDOM_BITS } from '../known-problem.js';
import { CRASH, doNotRun, FORMAT_ERROR, NO_SUCH_FILE, refusedWith, severityOf } from './not-running.js';

type Randomization = { readonly mode: string; readonly bits: string };
const randomizationLine = ({ mode, bits }: Randomization) =>
  `address-space randomization: kernel.randomize_va_space=${mode || '?'}, vm.mmap_rnd_bits=${bits || '? (not readable)'}`;

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
      advice: [...installAdvice(platform, input), ...persistAdvice(platform, input)],
    };
  },
  title: (_, subjects) => doNotRun(subjects, ' in containers'),
  symptom: () => NO_SUCH_FILE,
  cause: ({ seen }) =>
    `the emulator is dynamically linked${seen ? '' : ', or a script'}. Flag F keeps the emulator open, but not its loader and libraries, and containers do not have them`,
  evidence: ({ interpreter, loader, seen, probe }) => [
    `${probeLine(probe)} although flag F is set`,
    ...(loader && seen === 'file' ? [`on the host, ${interpreter} needs ${loader}`] : []),
    ...(loader && seen !== 'file' ? [`the kernel uses ${interpreter}, which needs ${loader}`] : []),
  ],
});

export const emulatorLabel = platformCheck<{ interpreter: string; label: string; categories: string }>({
  id: 'emulator-label',
  summary: 'SELinux does not let other containers read the emulator',
  find(platform, input) {
    const { probe, verdict } = platform;
    const categories = categoriesOf(probe?.label);
    if (categories === undefined || probe?.label === undefined || verdict.kind !== 'runs') return undefined;
    return {
      facts: { interpreter: interpreterOf(probe) ?? '', label: probe.label, categories },
      advice: [
        ...installAdvice(platform, input),
        ...installAdvice(platform, input, { because: 'label' }),
        ...persistAdvice(platform, input),
      ],
    };
  },
  title: (_, subjects) => doNotRun(subjects, ' in containers that SELinux confines'),
  symptom: () => 'nothing, and exit status 139 (Segmentation fault)',
  cause: ({ categories }) =>
    `SELinux lets only containers with the categories ${categories} read the emulator, and every confined container has categories of its own`,
  evidence: ({ interpreter, label }) => [`label of ${interpreter}: ${label}`],
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
        ...(elf?.fixed && isStrong(randomization)
          ? [{ do: 'set-sysctl', setting: 'vm.mmap_rnd_bits', value: MOST_RANDOM_BITS, until: 'fixed' } as const]
          : []),
      ],
    };
  },
  title: (_, subjects) => doNotRun(subjects),
  symptom: ({ signal }) => crashes[signal] ?? `killed by ${signal}`,
  cause: ({ signal, positionIndependent }) => {
    if (signal === 'SIGILL') return 'the emulator crashes. The processor may be older than this emulator needs';
    return positionIndependent === false && signal === 'SIGSEGV'
      ? 'the emulator crashes. It is not a PIE: it was built for one fixed address. Such emulators are known to crash if address-space randomization is strong'
      : 'the emulator crashes';
  },
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
  summary: 'the emulated processor is older than a platform such as linux/amd64/v3 needs',
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
    `you asked for v${wanted}, but ${by === 'emulator' ? 'the emulator' : "this machine's processor"} only goes up to v${has}`,
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
  summary: 'with --repeat N: the test program fails now and then',
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
  matched: boolean;
  entries: readonly { name: string; interpreter: string }[];
  version?: string;
}>({
  id: 'emulator-fails',
  summary: 'the emulator does not start, or changes the exit status of the program that it runs',
  fallback: true,
  find(platform, input) {
    const { verdict, active, entries, version } = platform;
    if (platform.runs || verdict.kind === 'runs' || input.host.switchedOff) return undefined;
    return {
      facts: {
        probe: probeFacts(platform),
        matched: active !== undefined,
        entries: entries.map(({ name, interpreter }) => ({ name, interpreter })),
        version,
      },
      advice:
        verdict.kind === 'untried' ? [{ do: 'consider', what: 'try-again-later' }] : installAdvice(platform, input),
    };
  },
  title: (_, subjects) => doNotRun(subjects),
  symptom: ({ probe }) => refusalSymptoms[probe.errno ?? ''],
  cause: ({ probe, matched }) =>
    probe.errno === 'ENOEXEC' && matched
      ? 'an entry matches, but the kernel cannot start its emulator. The emulator is built for another CPU architecture, or is itself emulated through an entry with flag O or C'
      : describeFailure(probe),
  evidence: ({ probe, entries, version }) => [
    probeLine(probe),
    ...entries.map(({ name, interpreter }) => `${name}: ${interpreter}${version ? `, QEMU ${version}` : ''}`),
  ],
});

export const emulatorChecks = [dynamicEmulator, emulatorLabel, emulatorCrash, cpuLevel, intermittent, emulatorFails];

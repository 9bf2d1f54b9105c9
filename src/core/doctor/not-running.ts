/** Why a platform does not run: each way in which its probe fails has its check, from the most telling on. */
import { takesProgramsOf } from '../elf.js';
import { formatPlatform } from '../platform.js';
import { describeVerdict } from '../probe.js';
import { quoted } from '../program.js';
import { type Examination, isNamedFor, type Patient } from './examination.js';
import type { Check, Finding } from './finding.js';
import {
  calling,
  exporting,
  flagsOf,
  installing,
  isErrno,
  isOutdated,
  probed,
  randomized,
  serving,
  uninstalling,
} from './words.js';

const FORMAT_ERROR = 'exec /bin/sh: exec format error';
const NO_SUCH_FILE = 'exec /bin/sh: no such file or directory';
const CRASH = 'qemu: uncaught target signal 11 (Segmentation fault) - core dumped';
/** What QEMU says of a signal; of others a shell says something. */
const CRASHES: Readonly<Record<string, string>> = {
  SIGSEGV: CRASH,
  SIGILL: 'qemu: uncaught target signal 4 (Illegal instruction) - core dumped',
  SIGABRT: 'qemu: uncaught target signal 6 (Aborted) - core dumped',
};
/** What is seen of a refusal that has no check of its own. */
const REFUSALS: Readonly<Record<string, string>> = {
  ENOEXEC: FORMAT_ERROR,
  ENOENT: NO_SUCH_FILE,
  EACCES: 'exec /bin/sh: permission denied',
  ELOOP: 'exec /bin/sh: too many levels of symbolic links',
};

/** About a platform that does not run; a warning where it runs only here. */
function problem({ name, runs }: Patient, where: '' | ' in containers', finding: Omit<Finding, 'severity' | 'title'>) {
  return { severity: runs ? 'warning' : 'problem', title: `${name} does not run${where}`, ...finding } as const;
}

const causes: readonly Check[] = [
  {
    name: 'emulated',
    text: 'this program is for another machine, and runs through an emulator itself',
    about: 'platform',
    find(patient, examination) {
      const { own, surroundings } = examination;
      const { emulatedOn, program } = surroundings;
      if (!emulatedOn || !own || patient.runs || !patient.picked) return undefined;
      const [here, machine] = [own, emulatedOn].map((row) => formatPlatform(row));
      const name = formatPlatform(patient.platform.architecture, patient.platform.level).replace('linux/', '');
      return problem(patient, ' in containers', {
        see: 'Error while loading /usr/bin/qemu-…: No such file or directory',
        because:
          `this program is for ${here}, and runs through an emulator itself, on ${machine}. An emulator for ${here} is ` +
          'started by another one, which looks for its file in each container, and does not find it there.',
        evidence: [probed(patient), `/proc/self/exe is a program for ${here}, the processor is ${machine}`],
        remedies: [
          program.kind === 'image'
            ? { when: `the image for ${machine}`, command: calling(examination, `--install ${name}`) }
            : { when: `use the program for ${machine}` },
        ],
      });
    },
  },
  {
    name: 'disabled-entry',
    text: 'its entry is there, and disabled',
    about: 'platform',
    find(patient, examination) {
      const { architecture } = patient.platform;
      const disabled = patient.entries.find((entry) => !entry.enabled && takesProgramsOf(architecture, entry));
      if (!isErrno(patient.verdict, 'ENOEXEC') || patient.picked || !disabled) return undefined;
      const file = `/proc/sys/fs/binfmt_misc/${disabled.name}`;
      return problem(patient, '', {
        see: `${FORMAT_ERROR}; of a tool that would register it again: File exists`,
        because: `its entry ${disabled.name} is disabled, and no other takes its programs.`,
        evidence: [`${file} says "disabled"`, probed(patient)],
        remedies: [
          { when: 'as it was', command: `echo 1 | sudo tee ${quoted(file)}` },
          { when: 'replaced by ours', ...installing(patient, examination) },
        ],
      });
    },
  },
  {
    name: 'no-entry',
    text: 'no entry matches its programs: never registered, or gone since a reboot, or wiped',
    about: 'platform',
    find(patient, examination) {
      if (!isErrno(patient.verdict, 'ENOEXEC') || patient.entries.length > 0) return undefined;
      return problem(patient, '', { see: FORMAT_ERROR, ...gone(patient, examination) });
    },
  },
  {
    name: 'wrong-magic',
    text: 'an entry never matches the programs that it is named for',
    about: 'platform',
    find(patient, examination) {
      const { architecture } = patient.platform;
      const named = patient.entries.find((entry) => isNamedFor(architecture, entry));
      if (named === undefined || takesProgramsOf(architecture, named)) return undefined;
      const { magic, mask } = architecture;
      const about = problem(patient, '', {
        see: FORMAT_ERROR,
        because: `the entry ${named.name} is named for it, but its magic and mask never match one of its programs.`,
        evidence: [
          `${named.name}: offset ${named.offset}, magic ${named.magic || 'none'}, mask ${named.mask || 'none'}`,
          `as it should be: offset 0, magic ${magic}, mask ${mask}`,
        ],
        remedies: [uninstalling(named, examination), installing(patient, examination)],
      });
      return patient.runs ? { ...about, title: `${named.name} never takes a program` } : about;
    },
  },
  {
    name: 'not-in-containers',
    text: 'flag F is missing: the emulator is looked for in each container, and is not there',
    about: 'platform',
    find(patient, examination) {
      const { picked, verdict, runs } = patient;
      if (!picked || picked.flags.includes('F') || (!runs && !isErrno(verdict, 'ENOENT'))) return undefined;
      return problem(patient, ' in containers', {
        see: NO_SUCH_FILE,
        because:
          `the entry ${picked.name} has no flag F. Without it the kernel looks for the emulator at ` +
          `${picked.interpreter} in every container, and only where a container has that file does it run.`,
        evidence: [flagsOf(picked), probed(patient)],
        remedies: [installing(patient, examination), exporting(patient, examination)],
      });
    },
  },
  {
    name: 'dynamic-emulator',
    text: 'the emulator is dynamically linked: its loader and libraries are not there in containers',
    about: 'platform',
    find(patient, examination) {
      const { picked, verdict, elf, interpreter } = patient;
      const missing = isErrno(verdict, 'ENOENT') || (verdict.kind === 'exit' && verdict.status === 127);
      // A script, or anything else that is not ELF, is something else.
      const known = interpreter !== undefined;
      if (!picked?.flags.includes('F') || (known ? elf?.loader === undefined : !missing)) return undefined;
      const how = interpreter?.seen === 'file' ? 'on the host, ' : 'the kernel starts it: ';
      return problem(patient, ' in containers', {
        see: NO_SUCH_FILE,
        because:
          `the emulator of ${picked.name} is dynamically linked${known ? '' : ', or a script'}. F keeps the opened file, not its loader and ` +
          'libraries, and a container has none of them.',
        evidence: [
          `${probed(patient)} although flag F is set`,
          ...(elf ? [`${how}${picked.interpreter} needs ${elf.loader}`] : []),
        ],
        remedies: [installing(patient, examination), exporting(patient, examination)],
      });
    },
  },
  {
    name: 'emulator-crash',
    text: 'the emulator is killed by a signal',
    about: 'platform',
    find(patient, examination) {
      const { verdict, picked, elf, version } = patient;
      if (verdict.kind !== 'signal') return undefined;
      const { randomization } = examination.surroundings;
      const fixed = elf?.fixed === true;
      return problem(patient, '', {
        see: CRASHES[verdict.signal] ?? `killed by ${verdict.signal}`,
        because:
          fixed && verdict.signal === 'SIGSEGV'
            ? 'its emulator crashes. It was built for one fixed address (no PIE): such ones are known to crash where ' +
              'address-space randomisation is strong.'
            : 'its emulator crashes.',
        evidence: [
          probed(patient),
          `emulator: ${picked?.interpreter ?? 'unknown'}, ${version ? `QEMU ${version}` : 'version unknown'}${
            fixed ? ', not position-independent' : ''
          }`,
          randomized(examination),
        ],
        remedies: [
          installing(patient, examination),
          ...(fixed && Number(randomization.bits) > 28
            ? [{ when: 'until then, on the host', command: 'sudo sysctl vm.mmap_rnd_bits=28' }]
            : []),
        ],
      });
    },
  },
  {
    name: 'cpu-level',
    text: 'the emulator has not the processor that was asked for, as linux/amd64/v3',
    about: 'platform',
    find(patient, examination) {
      const { verdict, platform, picked, version } = patient;
      if (patient.runs || verdict.kind !== 'runs') return undefined;
      const who = picked ? `its emulator${version ? `, QEMU ${version},` : ''}` : "this machine's processor";
      return problem(patient, '', {
        see: 'qemu: uncaught target signal 4 (Illegal instruction) - core dumped',
        because: `${who} goes up to v${verdict.level}, and v${platform.level} was asked for.`,
        evidence: [`probe: v${verdict.level}`],
        remedies: [
          ...(isOutdated(patient, examination) ? [installing(patient, examination)] : []),
          { when: 'take an image for less', command: `docker run --platform linux/${platform.architecture.name} …` },
        ],
      });
    },
  },
  {
    name: 'intermittent',
    text: 'with --repeat N: it fails now and then',
    about: 'platform',
    find(patient, examination) {
      const { architecture } = patient.platform;
      const first = patient.probe?.verdict ?? patient.verdict;
      const all = [first, ...(examination.repeats.get(architecture) ?? [])];
      const failed = all.filter((verdict) => verdict.kind !== 'runs' && verdict.kind !== 'untried');
      const [example] = failed;
      if (example === undefined || !patient.runs) return undefined;
      return {
        severity: 'problem',
        title: `${patient.name} runs, but not every time`,
        see: CRASH,
        because: `${failed.length} of ${all.length} runs of the same test program failed: ${describeVerdict(example)}.`,
        evidence: [
          `probes: ${all.length - failed.length} ran, ${failed.length} failed`,
          ...(patient.elf?.fixed ? ['the emulator is not position-independent'] : []),
          randomized(examination),
        ],
        remedies: [installing(patient, examination)],
      };
    },
  },
];

/** What no other check explains. */
const anythingElse: Check = {
  name: 'emulator-fails',
  text: 'the emulator does not start, or ends in another way than the program that it runs',
  about: 'platform',
  find(patient, examination) {
    const { verdict, picked, entries, version } = patient;
    if (patient.runs || verdict.kind === 'runs') return undefined;
    const explained = causes.some((check) => check.about === 'platform' && check.find(patient, examination));
    if (explained || examination.surroundings.switchedOff) return undefined;
    const foreign = isErrno(verdict, 'ENOEXEC') && picked;
    return problem(patient, '', {
      ...(verdict.kind === 'refused' && REFUSALS[verdict.errno] ? { see: REFUSALS[verdict.errno] } : {}),
      because: foreign
        ? `the entry ${picked.name} matches, but the kernel cannot run its emulator ${picked.interpreter}: it is ` +
          "no program of this machine's architecture, or itself runs through an entry with flag O or C."
        : `${describeVerdict(verdict)}.`,
      evidence: [
        probed(patient),
        ...entries.map(({ name, interpreter }) => `${name}: ${interpreter}${version ? `, QEMU ${version}` : ''}`),
      ],
      remedies:
        verdict.kind === 'untried'
          ? [{ when: 'look again when this machine is less busy' }]
          : [installing(patient, examination)],
    });
  },
};

export const notRunningChecks: readonly Check[] = [...causes, anythingElse];

/** Nothing is registered: what should have done it, and did not? */
function gone(patient: Patient, examination: Examination): Pick<Finding, 'because' | 'evidence' | 'remedies'> {
  const { registry, entries, surroundings } = examination;
  const { architecture } = patient.platform;
  const configured = surroundings.configurations.filter(({ entry }) => takesProgramsOf(architecture, entry));
  const seen =
    registry.kind === 'closed' ? 'the entries cannot be read from here' : `none of ${entries.length} entries matches`;
  const evidence = [`${probed(patient)}; ${seen}`, ...configured.map(({ file, entry }) => `${file} has ${entry.name}`)];
  if (registry.kind === 'closed') {
    return {
      because: 'the kernel takes its programs to no emulator that works. Its entries cannot be read from here.',
      evidence,
      remedies: [installing(patient, examination)],
    };
  }
  if (configured.length > 0) {
    return {
      because:
        'no entry of binfmt_misc matches its programs, although a file of this host registers one at boot: ' +
        'systemd-binfmt has not run, or something has wiped the entries since.',
      evidence,
      remedies: [
        { when: 'as that file says, on the host', command: 'sudo systemctl restart systemd-binfmt' },
        { when: 'ours', ...installing(patient, examination) },
        exporting(patient, examination),
      ],
    };
  }
  return {
    because:
      'no entry of binfmt_misc matches its programs. Entries live in the memory of the kernel: after a reboot, ' +
      'or after something has wiped them, they have to be registered again.',
    evidence,
    remedies: [installing(patient, examination), serving(examination, architecture.name)],
  };
}

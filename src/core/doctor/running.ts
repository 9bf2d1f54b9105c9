/** A platform that runs, and yet not as well as it could: flags, versions, and who takes its programs. */
import { takesProgramsOf } from '../elf.js';
import type { Entry } from '../entry.js';
import { compareVersions } from '../version.js';
import { isNamedFor, type Patient } from './examination.js';
import type { Check } from './finding.js';
import { flagsOf, installing, isOutdated, probed, uninstalling } from './words.js';

/** Linux learned to tell QEMU of flag P here: AT_FLAGS_PRESERVE_ARGV0 in linux/binfmts.h. */
const PRESERVE_ARGV0 = '5.12';

export const runningChecks: readonly Check[] = [
  {
    name: 'shadowed',
    text: "another handler's entry is newer than ours, and takes the programs (box64, FEX, Rosetta, another QEMU)",
    about: 'platform',
    find(patient, examination) {
      const { picked, runs, probe, name } = patient;
      const ours = patient.entries.find((entry) => isShadowed(entry, patient));
      if (!picked || !ours) return undefined;
      const proof =
        probe?.interpreter === picked.interpreter ? 'seen when the probe was started' : 'the newest that matches';
      return {
        severity: runs ? 'warning' : 'problem',
        title: `${name} ${runs ? 'runs' : 'does not run'} through ${picked.name}, not through ${ours.name}`,
        because:
          `both entries match its programs, and the kernel takes the one that was registered last: ` +
          `${picked.name} (${picked.interpreter}).`,
        evidence: [`${probed(patient)}: ${proof}`],
        remedies: [{ when: 'ours in front', ...installing(patient, examination) }, uninstalling(picked, examination)],
      };
    },
  },
  {
    name: 'old-emulator',
    text: 'the emulator is older than the one that this program ships: system calls and processors are missing',
    about: 'platform',
    find(patient, examination) {
      const { picked, version, platform, name } = patient;
      if (!picked || !isOutdated(patient, examination)) return undefined;
      const ours = examination.emulators.get(platform.architecture)?.version;
      return {
        severity: 'warning',
        title: `${name} runs through an old emulator`,
        see: 'Function not implemented; qemu: Unsupported syscall; Illegal instruction',
        because: `what QEMU ${version} does not know yet of system calls and processors, programs miss; ${ours} is at hand.`,
        evidence: [`${picked.name} answers: QEMU ${version}`],
        remedies: [installing(patient, examination)],
      };
    },
  },
  {
    name: 'credentials',
    text: 'flag C is missing: sudo and other setuid programs have no rights',
    about: 'platform',
    find(patient, examination) {
      const { picked, runs, name } = patient;
      if (!runs || !picked || picked.flags.includes('C')) return undefined;
      return {
        severity: 'warning',
        title: `${name}: sudo and other setuid programs have no rights`,
        see: "sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set?",
        because: `the entry ${picked.name} has no flag C: the kernel takes the rights from the emulator's file, not from the program's.`,
        evidence: [flagsOf(picked)],
        remedies: [installing(patient, examination)],
      };
    },
  },
  {
    name: 'credentials-kept',
    text: 'flag C is there: what that means for security',
    about: 'platform',
    verbose: true,
    find(patient, examination) {
      const { picked, runs, name } = patient;
      if (!runs || !picked?.flags.includes('C')) return undefined;
      return {
        severity: 'note',
        title: `${name}: setuid programs keep their rights`,
        because:
          `the entry ${picked.name} has flag C. A setuid program runs as its owner, under an emulator that was not ` +
          'written to guard that border. Where untrusted users can start such programs, do without.',
        evidence: [flagsOf(picked)],
        remedies: [installing(patient, examination, ' --no-credentials')],
      };
    },
  },
  {
    name: 'argv0',
    text: 'flag P is missing: programs see their path, not the name that they were called by',
    about: 'platform',
    find(patient, examination) {
      const { picked, runs, name } = patient;
      const possible = compareVersions(examination.kernel, PRESERVE_ARGV0) >= 0;
      if (!runs || !picked || picked.flags.includes('P') || !possible) return undefined;
      return {
        severity: 'note',
        title: `${name}: programs do not see the name that they were called by`,
        see: 'applet not found; login shells that are none',
        because: `the entry ${picked.name} has no flag P: argv[0] is the path of the program, whatever it was called with.`,
        evidence: [flagsOf(picked)],
        remedies: [installing(patient, examination)],
      };
    },
  },
  {
    name: 'argv0-kernel',
    text: 'flag P on a kernel that does not tell QEMU of it: arguments are shifted',
    about: 'platform',
    find(patient, examination) {
      const { picked, name } = patient;
      if (!picked?.flags.includes('P') || compareVersions(examination.kernel, PRESERVE_ARGV0) >= 0) return undefined;
      return {
        severity: 'problem',
        title: `${name}: programs get their arguments shifted by one`,
        see: 'Error while loading …: No such file or directory; a program that takes its own name for an argument',
        because:
          `the entry ${picked.name} has flag P, which Linux tells the emulator of since ${PRESERVE_ARGV0}. On this ` +
          'kernel QEMU takes the extra argument for one of the program.',
        evidence: [`kernel ${examination.kernel}`, flagsOf(picked)],
        remedies: [installing(patient, examination)],
      };
    },
  },
  {
    name: 'native',
    text: 'the processor runs it by itself, and an entry takes it over',
    about: 'platform',
    find(patient, examination) {
      const { picked, name, platform } = patient;
      if (!picked || !examination.native.has(platform.architecture)) return undefined;
      return {
        severity: 'warning',
        title: `${name} is emulated, though this machine runs it by itself`,
        see: 'programs that are ten times slower than they should be',
        because: `the entry ${picked.name} takes its programs, and without it the processor would.`,
        evidence: [`${probed(patient)}; the same program with a header that no entry matches runs without an emulator`],
        remedies: [uninstalling(picked, examination)],
      };
    },
  },
  {
    name: 'image-platform',
    text: 'emulation works, and a container still says "exec format error": how to tell',
    about: 'platform',
    verbose: true,
    find(patient) {
      const { name, runs } = patient;
      if (!runs) return undefined;
      return {
        severity: 'note',
        title: `if a container still does not start: ${name} runs, so it is the image`,
        see: "exec format error; exec /app: no such file or directory; The requested image's platform does not match",
        because:
          'an image has a platform of its own, whatever machine it was pulled on, and a program of yet another ' +
          'architecture, a script without its first line, or a missing loader in it gives the same messages.',
        evidence: [probed(patient)],
        remedies: [
          {
            when: 'which platform it is for',
            command: "docker image inspect --format '{{.Os}}/{{.Architecture}}' IMAGE",
          },
          { when: 'to say which one you mean', command: `docker run --platform ${name} IMAGE` },
        ],
      };
    },
  },
];

/** An enabled entry named for the platform that matches, and is not the one that the kernel takes. */
function isShadowed(entry: Entry, { picked, platform }: Patient): boolean {
  const { architecture } = platform;
  const ours = entry.enabled && entry !== picked && isNamedFor(architecture, entry);
  return ours && takesProgramsOf(architecture, entry);
}

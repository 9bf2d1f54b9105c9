/** What is wrong with the machine as a whole, whatever platform is asked for. */
import { architectures } from '../architectures.js';
import { disabledFailure, vanishingFailure } from '../causes.js';
import { takesProgramsOf } from '../elf.js';
import { matches } from '../entry.js';
import type { Failure, FailureCode } from '../failure.js';
import { formatPlatform } from '../platform.js';
import { quoted } from '../program.js';
import { compareVersions } from '../version.js';
import { type Examination, isNamedFor, patientsOf } from './examination.js';
import type { Check, Finding } from './finding.js';
import { calling, serving, uninstalling } from './words.js';

const MOUNT = '/proc/sys/fs/binfmt_misc';

export const machineChecks: readonly Check[] = [
  {
    name: 'kernel-module',
    text: 'the kernel has no binfmt_misc, or its module is not loaded',
    about: 'machine',
    find: (examination) =>
      ofRegistry(examination, 'binfmt-missing', {
        title: 'binfmt_misc is not there',
        see: 'cannot mount binfmt_misc filesystem at /proc/sys/fs/binfmt_misc: no such device',
      }),
  },
  {
    name: 'user-namespace',
    text: "this is a user namespace (a rootless container), whose own list would hide the host's",
    about: 'machine',
    find: (examination) =>
      examination.surroundings.initialUserNamespace
        ? undefined
        : ofRegistry(examination, 'no-permission', {
            title: `binfmt_misc cannot be ${examination.registry.kind === 'readable' ? 'written to' : 'reached'} from here`,
          }),
  },
  {
    name: 'permission',
    text: 'binfmt_misc may not be mounted, or not be written to',
    about: 'machine',
    find: (examination) =>
      examination.surroundings.initialUserNamespace
        ? ofRegistry(examination, 'no-permission', {
            title: 'binfmt_misc may not be used from here',
            see: 'cannot mount binfmt_misc filesystem: operation not permitted',
          })
        : undefined,
  },
  {
    name: 'read-only',
    text: 'binfmt_misc is mounted read-only',
    about: 'machine',
    find: (examination) =>
      ofRegistry(examination, 'read-only', {
        title: 'binfmt_misc is read-only here',
        see: 'read-only file system',
      }),
  },
  {
    name: 'switched-off',
    text: 'binfmt_misc is switched off as a whole',
    about: 'machine',
    find({ surroundings, registry }) {
      if (!surroundings.switchedOff || registry.kind === 'closed') return undefined;
      return {
        severity: 'problem',
        title: 'binfmt_misc is switched off',
        see: 'exec /bin/sh: exec format error',
        ...explained(disabledFailure(registry.dir)),
        evidence: [`${registry.dir}/status says "disabled"`],
      };
    },
  },
  {
    name: 'automount',
    text: 'the host mounts binfmt_misc when it is first looked at, and nobody has',
    about: 'machine',
    find({ surroundings }) {
      if (surroundings.hostMounts?.[0] !== 'autofs') return undefined;
      return {
        severity: 'problem',
        title: 'the host has not mounted binfmt_misc yet',
        see: 'exec /bin/sh: exec format error',
        because:
          `${MOUNT} of the host is an automount point that was never triggered (systemd's ` +
          'proc-sys-fs-binfmt_misc.automount): what a container registers ends with the container.',
        evidence: [`${MOUNT} on the host: autofs, and no binfmt_misc on it`],
        remedies: [{ when: 'on the host', command: 'sudo systemctl start proc-sys-fs-binfmt_misc.mount' }],
      };
    },
  },
  {
    name: 'vanishing',
    text: 'entries vanish with the container that registers them',
    about: 'machine',
    find(examination) {
      const { vanishing, hostMounts } = examination.surroundings;
      if (!vanishing) return undefined;
      const { remedies = [] } = vanishingFailure(MOUNT);
      const [mount] = remedies;
      return {
        severity: 'problem',
        title: 'what a container registers ends with it',
        see: 'installing: arm64 OK, and then: exec /bin/sh: exec format error',
        because:
          'the host does not keep binfmt_misc mounted. Entries end with its last mount, and the mount of a container ' +
          'ends with the container.',
        evidence: [
          'an entry was registered for a moment, binfmt_misc unmounted and mounted again: the entry was gone',
          ...(hostMounts ? [`${MOUNT} on the host: ${hostMounts[0] ?? 'nothing is mounted there'}`] : []),
        ],
        remedies: [
          ...(mount ? [mount] : []),
          { when: 'let it be mounted there', command: calling(examination, '--install all', ['--pid=host']) },
          serving(examination, 'all'),
        ],
      };
    },
  },
  {
    name: 'old-kernel',
    text: 'the kernel is older than Linux 4.8, and has no flag F',
    about: 'machine',
    find({ kernel }) {
      if (compareVersions(kernel, '4.8') >= 0) return undefined;
      return {
        severity: 'problem',
        title: 'this kernel cannot run emulators in containers',
        see: 'cannot register: invalid argument',
        because: 'flag F, which keeps the emulator open for every container, is in Linux since 4.8.',
        evidence: [`kernel ${kernel}`],
        remedies: [
          { when: 'a newer kernel; until then, copy the static emulator into each image, to the path of the entry' },
        ],
      };
    },
  },
  {
    name: 'catches-native',
    text: "an entry matches the machine's own programs: none can be started",
    about: 'machine',
    find({ entries, processorPrograms }) {
      const caught = entries.filter(
        (entry) => entry.enabled && processorPrograms.some((program) => matches(entry, program)),
      );
      const [first] = caught;
      if (!first) return undefined;
      return {
        severity: 'problem',
        title: `${first.name} takes this machine's own programs`,
        see: 'exec format error, for every program',
        because: 'its magic and mask match the programs of this machine itself, the emulator among them.',
        evidence: caught.map(({ name, magic, mask }) => `${name}: magic ${magic}, mask ${mask}`),
        remedies: caught.map(({ name }) => ({
          when: 'in a shell that is open already, as it needs no new program',
          command: `echo -1 >${quoted(`${MOUNT}/${name}`)}`,
        })),
      };
    },
  },
  {
    name: 'wide-magic',
    text: 'an entry also catches programs of architectures that it is not for',
    about: 'machine',
    find(examination) {
      const wide = examination.entries.flatMap((entry) => {
        const caught = architectures.filter((row) => entry.enabled && takesProgramsOf(row, entry));
        return caught.length > 1 ? [{ entry, caught }] : [];
      });
      const [first] = wide;
      if (!first) return undefined;
      const others = first.caught.filter((row) => !isNamedFor(row, first.entry)).map((row) => formatPlatform(row));
      return {
        severity: 'warning',
        title: `${first.entry.name} also catches programs of ${others.join(', ')}`,
        see: 'Invalid ELF image for this architecture',
        because: 'its magic and mask match more than the architecture that its emulator is for.',
        evidence: wide.map(
          ({ entry, caught }) =>
            `${entry.name}: magic ${entry.magic}, mask ${entry.mask}: ${caught.map((row) => formatPlatform(row)).join(', ')}`,
        ),
        remedies: wide.map(({ entry }) => uninstalling(entry, examination)),
      };
    },
  },
  {
    name: 'confinement',
    text: 'SELinux or AppArmor confines this program, and something was forbidden',
    about: 'machine',
    find(examination) {
      const { confinement } = examination.surroundings;
      const { registry } = examination;
      const closed = registry.kind !== 'writable' && /EACCES|EPERM/.test(registry.failure.cause);
      const refused = patientsOf(examination).filter(
        ({ verdict }) => verdict.kind === 'refused' && ['EACCES', 'EPERM'].includes(verdict.errno),
      );
      if (confinement === undefined || (refused.length === 0 && !(closed && isTroubled(examination)))) return undefined;
      return {
        severity: 'note',
        title: 'a security module confines this container',
        see: 'permission denied',
        because: `what is forbidden here may be forbidden by ${confinement}, not by missing capabilities.`,
        evidence: [`/proc/self/attr/current: ${confinement}`],
        remedies: [
          { when: 'AppArmor', command: 'docker run --security-opt apparmor=unconfined …' },
          { when: 'SELinux', command: 'docker run --security-opt label=disable …' },
        ],
      };
    },
  },
  {
    name: 'nothing-installed',
    text: 'no entry at all: what could be installed',
    about: 'machine',
    find(examination) {
      const { emulators, registry, asked, platforms, probes } = examination;
      if (asked || registry.kind === 'closed' || platforms.length > 0) return undefined;
      const usable = [...emulators].filter(([, { unusable }]) => !unusable).map(([row]) => row);
      const names = usable.filter((row) => probes.get(row)?.verdict.kind !== 'runs').map(({ name }) => name);
      return {
        severity: 'note',
        title: 'no platform is emulated here',
        because: `nothing is registered. At hand are emulators for ${names.join(', ') || 'no platform'}.`,
        evidence: [`${examination.entries.length} entries`],
        remedies: names.length > 0 ? [{ command: calling(examination, '--install all') }] : [],
      };
    },
  },
];

/** What is said of a failure to get at binfmt_misc, where anything depends on it. */
function ofRegistry(
  examination: Examination,
  code: FailureCode,
  words: Pick<Finding, 'title' | 'see'>,
): Finding | undefined {
  const { registry } = examination;
  if (registry.kind === 'writable' || registry.failure.code !== code) return undefined;
  // What can be read, and works, needs no more than that.
  const troubled = isTroubled(examination);
  if (registry.kind === 'readable' && !troubled) return undefined;
  const errno = /\(([A-Z]+)\)/.exec(registry.failure.cause)?.[1];
  const evidence = [`${registry.failure.subject}${errno ? `: ${errno}` : ' in a user namespace'}`];
  return { severity: troubled ? 'problem' : 'note', ...words, ...explained(registry.failure), evidence };
}

/** Something that is wanted does not run, or nothing foreign runs at all. */
function isTroubled(examination: Examination): boolean {
  const all = patientsOf(examination);
  return all.length === 0 || all.some(({ runs }) => !runs);
}

function explained({ cause, remedies = [] }: Failure): Pick<Finding, 'because' | 'remedies'> {
  return { because: `${cause}.`, remedies };
}

/**
 * Why a platform does not run, if the reason is its entry, or binfmt itself. The order of the list is the order in
 * which causes are reported.
 */
import { takesProgramsOf } from '../../binfmt/probe-executable.js';
import { BINFMT_DIRECTORY } from '../../binfmt/procfs.js';
import { type ProbeFacts, probeFacts, probeLine } from '../../binfmt/verdict-text.js';
import { formatPlatform, shortPlatform } from '../../platform/platform.js';
import { listed } from '../../text.js';
import { installAdvice, persistAdvice, uninstallAdvice, watchAdvice } from '../advise.js';
import { platformCheck } from '../check.js';
import { isNamedFor } from '../input.js';
import { doNotRun, FORMAT_ERROR, NO_SUCH_FILE, refusedWith, severityOf } from './not-running.js';

export const emulated = platformCheck<{ program: string; processor: string; probe: ProbeFacts }>({
  id: 'emulated',
  summary: 'binfmt is built for another machine, and is emulated itself',
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
  // Source: exec_binprm() in fs/exec.c, which keeps one program open for an emulator (flags O and C), and not two.
  cause: ({ program, processor, probe }) =>
    `this machine (${processor}) emulates binfmt and its emulators, which are programs for ${program}. ${
      probe.errno === 'ENOEXEC'
        ? 'With flag O or C, the kernel does not run one emulator through another'
        : 'To start such an emulator, the kernel needs a second one, which it looks for inside each container and does not find there'
    }`,
  evidence: ({ program, processor, probe }) => [
    probeLine(probe),
    `/proc/self/exe is a ${program} program, the processor is ${processor}`,
  ],
});

export const disabledEntry = platformCheck<{ entry: string; probe: ProbeFacts }>({
  id: 'disabled-entry',
  summary: "the platform's entry exists, but is disabled",
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
  cause: () => 'the entry is disabled, and no other entry matches the programs',
  evidence: ({ entry, probe }) => [`${BINFMT_DIRECTORY}/${entry} says "disabled"`, probeLine(probe)],
});

export const noEntry = platformCheck<{
  readable: boolean;
  entryCount: number;
  configured: readonly { file: string; entry: string }[];
  boot: boolean;
  probe: ProbeFacts;
}>({
  id: 'no-entry',
  summary: "no entry matches the platform's programs: none was registered, or it is gone since a reboot",
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
    const canInstall = install.some((advice) => advice.do === 'install');
    return {
      facts: { readable, entryCount: entries.length, configured, boot, probe: probeFacts(platform) },
      advice: boot
        ? [{ do: 'restart-systemd-binfmt' }, ...install, ...persistAdvice(platform, input)]
        : [...install, ...(canInstall && readable ? [watchAdvice(platform)] : [])],
    };
  },
  title: (_, subjects) => doNotRun(subjects),
  symptom: () => FORMAT_ERROR,
  cause({ readable, boot }) {
    if (!readable) return 'no working entry matches the programs, and the entries cannot be read from here';
    const nothing = 'no entry matches the programs';
    return boot
      ? `${nothing}, although a file on this host registers one at boot. Either the service that registers it did not run, or something removed the entries later`
      : `${nothing}. Entries vanish at a reboot, or when something removes them. Register them again`;
  },
  evidence: ({ readable, entryCount, configured, probe }) => [
    `${probeLine(probe)}; ${readable ? describeCount(entryCount) : 'the entries cannot be read from here'}`,
    ...configured.map(({ file, entry }) => `${file} has ${entry}`),
  ],
});

function describeCount(entries: number): string {
  return entries === 0 ? 'there are no entries' : `none of the ${entries} entries matches`;
}

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
  title: ({ runs }, subjects) => (runs ? `${listed(subjects)}: an entry never matches a program` : doNotRun(subjects)),
  symptom: () => FORMAT_ERROR,
  cause: () => 'the entry has the right name, but its magic and mask never match a program of that platform',
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
      advice: [...installAdvice(platform, input), ...persistAdvice(platform, input)],
    };
  },
  title: (_, subjects) => doNotRun(subjects, ' in containers'),
  symptom: () => NO_SUCH_FILE,
  cause: () =>
    'the entry has no flag F. Without it the kernel looks for the emulator inside each container, and only containers that have the file can use it',
  evidence: ({ entry, flags, interpreter, probe }) => [
    `${entry}: flags ${flags || 'none'}, emulator ${interpreter}`,
    probeLine(probe),
  ],
});

export const entryChecks = [emulated, disabledEntry, noEntry, wrongMagic, notInContainers];

/** Problems of the machine as a whole, whichever platform is asked for: its kernel, and entries that reach too far. */
import type { Advice } from '../../advice.js';
import { matches } from '../../binfmt/entry.js';
import { takesProgramsOf } from '../../binfmt/probe-executable.js';
import { INTERPRETER_LIMIT } from '../../binfmt/procfs.js';
import { isLabel } from '../../binfmt/selinux-label.js';
import { architectures } from '../../platform/architectures.js';
import { formatPlatform } from '../../platform/platform.js';
import { listed } from '../../text.js';
import { compareVersions } from '../../version.js';
import { uninstallAdvice } from '../advise.js';
import { machineCheck } from '../check.js';
import { isNamedFor, isTroubled, platformFacts } from '../input.js';

/** Linux keeps the emulator open (flag F) since this version. */
const FIRST_KERNEL_WITH_FLAG_F = '4.8';

export const oldKernel = machineCheck<{ kernel: string }>({
  id: 'old-kernel',
  summary: `the kernel is older than Linux ${FIRST_KERNEL_WITH_FLAG_F}, which brought flag F`,
  find({ kernel }) {
    if (compareVersions(kernel, FIRST_KERNEL_WITH_FLAG_F) >= 0) return undefined;
    return { facts: { kernel }, advice: [{ do: 'consider', what: 'install-newer-kernel' }] };
  },
  title: () => 'this kernel cannot run emulators in containers',
  symptom: () => 'cannot register: invalid argument',
  cause: () =>
    `flag F, which keeps the emulator open so that every container can use it, needs Linux ${FIRST_KERNEL_WITH_FLAG_F} or later`,
  evidence: ({ kernel }) => [`kernel ${kernel}`],
});

export const catchesNative = machineCheck<{ entries: readonly { name: string; magic: string; mask: string }[] }>({
  id: 'catches-native',
  summary: "an entry matches the machine's own programs, and none of them can be started",
  find({ entries, processorPrograms }) {
    const caught = entries.filter(
      (entry) => entry.enabled && processorPrograms.some((program) => matches(entry, program)),
    );
    if (caught.length === 0) return undefined;
    return {
      facts: { entries: caught.map(({ name, magic, mask }) => ({ name, magic, mask })) },
      advice: [{ do: 'remove-entries-by-hand', entries: caught.map(({ name }) => name) }],
    };
  },
  title: () => "an entry matches this machine's own programs",
  symptom: () => 'exec format error, for every program',
  cause: () => "its magic and mask match this machine's own programs, including the emulator",
  evidence: ({ entries }) => entries.map(({ name, magic, mask }) => `${name}: magic ${magic}, mask ${mask}`),
});

type WideEntry = {
  readonly name: string;
  readonly magic: string;
  readonly mask: string;
  readonly matches: readonly string[];
  readonly beyond: readonly string[];
};

export const wideMagic = machineCheck<{ entries: readonly WideEntry[] }>({
  id: 'wide-magic',
  summary: 'an entry matches programs of architectures that it is not for',
  find({ entries }) {
    const wide = entries.flatMap((entry): WideEntry[] => {
      const caught = architectures.filter((architecture) => entry.enabled && takesProgramsOf(architecture, entry));
      if (caught.length < 2) return [];
      const platforms = (some: typeof caught) => some.map((architecture) => formatPlatform({ architecture }));
      const beyond = platforms(caught.filter((architecture) => !isNamedFor(architecture, entry)));
      const { name, magic, mask } = entry;
      return [{ name, magic, mask, matches: platforms(caught), beyond }];
    });
    if (wide.length === 0) return undefined;
    return { severity: 'warning', facts: { entries: wide }, advice: wide.map(uninstallAdvice) };
  },
  title: ({ entries }) =>
    entries.map(({ name, beyond }) => `${name} also matches programs of ${listed(beyond)}`).join('; '),
  symptom: () => 'Invalid ELF image for this architecture',
  cause: () => 'its magic and mask match more than the architecture that its emulator is for',
  evidence: ({ entries }) =>
    entries.map(({ name, magic, mask, matches: all }) => `${name}: magic ${magic}, mask ${mask}: ${all.join(', ')}`),
});

export const confinement = machineCheck<{ profile: string }>({
  id: 'confinement',
  summary: 'SELinux or AppArmor confines binfmt, and something was forbidden',
  find(input) {
    const { binfmt, host } = input;
    const forbidden = (errno: unknown) => errno === 'EACCES' || errno === 'EPERM';
    const closed = binfmt.kind !== 'writable' && forbidden(binfmt.problem.facts['errno']) && isTroubled(input);
    const refused = platformFacts(input).some(({ verdict }) => verdict.kind === 'refused' && forbidden(verdict.errno));
    if (host.confinement === undefined || !(closed || refused)) return undefined;
    return {
      severity: 'note',
      facts: { profile: host.confinement },
      advice: [{ do: 'call-again', with: isLabel(host.confinement) ? 'no-selinux' : 'no-apparmor' }],
    };
  },
  title: () => 'a security module confines this container',
  symptom: () => 'permission denied',
  cause: ({ profile }) => `the cause may be the security profile ${profile}, and not a missing capability`,
  evidence: ({ profile }) => [`/proc/self/attr/current: ${profile}`],
});

export const nothingInstalled = machineCheck<{ available: readonly string[]; entries: number }>({
  id: 'nothing-installed',
  summary: 'no emulator is registered',
  find({ emulators, binfmt, named, platforms, probes, entries }) {
    if (named || binfmt.kind === 'unavailable' || platforms.length > 0) return undefined;
    const usable = [...emulators].filter(([, { unusable }]) => !unusable).map(([architecture]) => architecture);
    const missing = usable.filter((architecture) => probes.get(architecture)?.verdict.kind !== 'runs');
    return {
      severity: 'note',
      facts: { available: missing.map(({ name }) => name), entries: entries.length },
      advice: missing.length > 0 ? [{ do: 'install', platforms: ['all'] }] : [],
    };
  },
  title: () => 'no platform is emulated here',
  cause: ({ available }) =>
    available.length > 0
      ? `no entry runs programs of another platform. binfmt can register ${available.join(', ')}`
      : 'no entry runs programs of another platform, and binfmt has no emulators',
  evidence: ({ entries }) => [`entries: ${entries}`],
});

export const interpreterLimit = machineCheck<{ limit: number; used: number }>({
  id: 'interpreter-limit',
  summary: 'the limit for emulators that the kernel keeps open is reached',
  verbose: 'notes',
  find(input) {
    const { interpreterLimit: limit } = input.host;
    if (limit === undefined) return undefined;
    const used = input.entries.filter(({ flags }) => flags.includes('F')).length;
    if (used < limit) return { severity: 'note', facts: { limit, used }, advice: [] };
    return {
      severity: isTroubled(input) ? 'problem' : 'warning',
      facts: { limit, used },
      advice: [raiseInterpreterLimit(limit)],
    };
  },
  title: ({ limit, used }) => `${used} of at most ${limit} entries with flag F are registered`,
  symptom: ({ limit, used }) => (used < limit ? undefined : 'no space left on device (ENOSPC)'),
  cause: () => `${INTERPRETER_LIMIT} says how many emulators the kernel keeps open for its entries`,
  evidence: ({ limit, used }) => [`${INTERPRETER_LIMIT}: ${limit}`, `entries with flag F: ${used}`],
});

/** Enough for all emulators, several times. */
export function raiseInterpreterLimit(limit: number): Advice {
  return { do: 'set-sysctl', setting: INTERPRETER_LIMIT, value: Math.max(256, 2 * limit) };
}

export const bpfHandler = machineCheck<{ entries: readonly { name: string; handler: string }[] }>({
  id: 'bpf-handler',
  summary: 'an entry lets a BPF program decide which programs it takes',
  find({ entries }) {
    const found = entries.flatMap(({ name, enabled, handler }) =>
      enabled && handler !== undefined ? [{ name, handler }] : [],
    );
    return found.length > 0 ? { severity: 'note', facts: { entries: found }, advice: [] } : undefined;
  },
  title: ({ entries }) => `${listed(entries.map(({ name }) => name))} may take any program`,
  cause: () => 'a BPF program decides which programs the entry takes, and nothing shows which ones they are',
  evidence: ({ entries }) => entries.map(({ name, handler }) => `${name}: bpf ${handler}`),
});

export const machineChecks = [
  oldKernel,
  catchesNative,
  wideMagic,
  confinement,
  interpreterLimit,
  bpfHandler,
  nothingInstalled,
];

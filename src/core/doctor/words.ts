/** Words that many findings share: what was measured, and what to type. */
import type { Entry } from '../entry.js';
import type { Remedy } from '../failure.js';
import { formatPlatform } from '../platform.js';
import { describeVerdict, type Verdict } from '../probe.js';
import { call, callAsService, callPrivileged, quoted } from '../program.js';
import { compareVersions } from '../version.js';
import type { Examination, Patient, Surroundings } from './examination.js';

/** This program again, with more rights, and for the processor. `options`: further ones of docker run. */
export function calling({ surroundings }: Examination, args: string, options: readonly string[] = []): string {
  return callPrivileged(surroundings.program, args, [...options, ...platformOption(surroundings)]);
}

/** An image that is emulated itself is not the one to call. */
function platformOption({ emulatedOn }: Surroundings): string[] {
  return emulatedOn ? [`--platform ${formatPlatform(emulatedOn)}`] : [];
}

/** The remedy for almost everything: our own emulator, which is tried before success is reported. */
export function installing({ platform, picked }: Patient, examination: Examination, options = ''): Remedy {
  const { architecture, level } = platform;
  const ours = examination.emulators.get(architecture);
  if (ours?.unusable) return { when: `mend what is at hand: ${ours.unusable.cause}` };
  if (!ours)
    return {
      when: 'there is no emulator for it here; the image "full" has all, and QEMU_BINARY_PATH names their folder',
    };
  const name = level === undefined ? architecture.name : `${architecture.name}/v${level}`;
  // What has another name and works is left alone without it.
  const force = picked && picked.name !== ours.name ? ' --force' : '';
  const host = examination.surroundings.vanishing ? ['--pid=host'] : [];
  return { command: calling(examination, `--install ${name}${options}${force}`, host) };
}

/** The emulator as a file of the host, for every boot. */
export function exporting({ platform }: Patient, { surroundings }: Examination): Remedy {
  const command = call(surroundings.program, `export systemd ${platform.architecture.name} | sudo tar -x -C /`);
  return { when: 'and for every boot of a host with systemd', command };
}

/** A service that restores what is taken away. */
export function serving({ surroundings }: Examination, list: string): Remedy {
  const command = callAsService(surroundings.program, `--install ${list} --watch`, platformOption(surroundings));
  return { when: 'for good, as a service that restores them', command };
}

export function uninstalling({ name }: Entry, examination: Examination): Remedy {
  return { when: 'remove it', command: calling(examination, `--uninstall ${quoted(name)}`) };
}

export function flagsOf({ name, flags }: Entry): string {
  return `${name}: flags ${flags || 'none'}`;
}

export function isErrno(verdict: Verdict, errno: string): boolean {
  return verdict.kind === 'refused' && verdict.errno === errno;
}

/** Shipped with this program in a newer version than the one that is registered. */
export function isOutdated({ platform, version }: Patient, { emulators }: Examination): boolean {
  const ours = emulators.get(platform.architecture)?.version;
  return ours !== undefined && version !== undefined && compareVersions(version, ours) < 0;
}

/** What its test program did, in one line. */
export function probed({ verdict, probe }: Patient): string {
  const through = probe?.interpreter ? `, started through ${probe.interpreter}` : '';
  if (verdict.kind !== 'runs')
    return `probe: ${verdict.kind === 'refused' ? verdict.errno : describeVerdict(verdict)}${through}`;
  return `probe: runs${verdict.level === undefined ? '' : ` up to v${verdict.level}`}${through}`;
}

export function randomized({ surroundings }: Examination): string {
  const { mode, bits } = surroundings.randomization;
  return `address-space randomisation: kernel.randomize_va_space=${mode || '?'}, vm.mmap_rnd_bits=${bits || '? (unreadable)'}`;
}

/** Advice that many checks give. */
import type { Advice } from '../advice.js';
import type { Entry } from '../binfmt/entry.js';
import { shortPlatform } from '../platform/platform.js';
import { compareVersions } from '../version.js';
import type { DoctorInput, PlatformFacts } from './input.js';

type InstallDetails = Omit<Extract<Advice, { do: 'install' }>, 'do' | 'platforms'>;

/** Register binfmt's emulator, or what is needed to have one. */
export function installAdvice(
  { platform, active }: PlatformFacts,
  { emulators, host }: DoctorInput,
  { options = [], ...details }: InstallDetails = {},
): readonly Advice[] {
  const emulator = emulators.get(platform.architecture);
  if (emulator === undefined) {
    return [
      { do: 'consider', what: 'use-full-image' },
      { do: 'consider', what: 'set-emulator-directory' },
    ];
  }
  if (emulator.unusable) return emulator.unusable.advice;
  // An entry of another name that works stays in front otherwise.
  const force = active !== undefined && active.name !== emulator.name ? ['--force'] : [];
  const install: Advice = {
    do: 'install',
    platforms: [shortPlatform(platform)],
    options: [...options, ...force],
    ...details,
  };
  return [host.wouldVanish ? { ...install, hostNamespaces: true } : install];
}

/** Install binfmt's emulator on the host, for every boot, if there is one. */
export function persistAdvice({ platform }: PlatformFacts, { emulators }: DoctorInput): readonly Advice[] {
  const emulator = emulators.get(platform.architecture);
  if (emulator === undefined || emulator.unusable) return [];
  return [{ do: 'persist', platforms: [platform.architecture.name] }];
}

/** Keep the entry with a service. */
export function watchAdvice({ platform }: PlatformFacts): Advice {
  return { do: 'watch', platforms: [shortPlatform(platform)] };
}

export function uninstallAdvice({ name }: Pick<Entry, 'name'>): Advice {
  return { do: 'uninstall', entries: [name] };
}

/** The version of binfmt's emulator, if it is newer than the registered one. */
export function newerVersion({ platform, version }: PlatformFacts, { emulators }: DoctorInput): string | undefined {
  const available = emulators.get(platform.architecture)?.version;
  if (available === undefined || version === undefined) return undefined;
  return compareVersions(version, available) < 0 ? available : undefined;
}

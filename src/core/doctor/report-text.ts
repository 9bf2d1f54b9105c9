/** The words of the doctor's tables. */
import type { EntryLine, PlatformLine } from './report.js';

export const PLATFORM_COLUMNS = ['PLATFORM', 'RUNS', 'ENTRY', 'EMULATOR', 'FLAGS'];
export const ENTRY_COLUMNS = ['ENTRY', 'STATE', 'EMULATOR', 'FLAGS', 'MATCHES'];

export const describeRuns = ({ runs }: PlatformLine) => (runs ? 'yes' : 'NO');

/** What runs the platform's programs. */
export function describeEmulator({ emulator, native, version, static: isStatic, shipped }: PlatformLine): string {
  if (native) return 'none (runs natively)';
  if (emulator === null) return '-';
  const name = version === null ? emulator : `QEMU ${version} (${shipped ? 'from binfmt' : emulator})`;
  return isStatic === false ? `${name}, dynamic` : name;
}

/** An entry that matches the platform's programs, and that the kernel does not take. */
export function describeInactive({ enabled, interpreter }: EntryLine, { entry }: PlatformLine): string {
  const inactive = entry === null ? 'inactive' : 'inactive: a newer entry takes precedence';
  return `${interpreter} (${enabled ? inactive : 'disabled'})`;
}

export const describeState = ({ enabled }: EntryLine) => (enabled ? 'enabled' : 'disabled');

/** The platforms whose programs an entry matches. `isActive`: the kernel gives them to it. */
export function describeMatches({ matches }: EntryLine, isActive: (platform: string) => boolean): string {
  const platforms = matches.map((platform) => (isActive(platform) ? `${platform} (active)` : platform));
  return platforms.join(', ') || 'no known platform';
}

/** Advice that many rows of the table of known messages give. */
import type { Advice } from '../../advice.js';

export const step = (label: string, command?: string): Advice => ({ do: 'step', label, command });

export const install = (...platforms: string[]): Advice => ({ do: 'install', platforms });

export const buildElsewhere: Advice = { do: 'consider', what: 'build-on-own-platform' };

/** In front of Rosetta, box64 or FEX. */
export const useQemu: Advice = { do: 'install', platforms: ['amd64'], options: ['--force'], because: 'replace' };

export const variable = (platform: string, name: string, value: string): Advice => {
  return { do: 'set-variable', variable: name, value, platform };
};

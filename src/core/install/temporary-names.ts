/**
 * Names of the entries that a call registers for a moment. `id` makes the name the call's own: system/binfmt/entries.ts
 * makes it of the process id, which is not enough alone as every PID namespace has its own ones, and of a random number.
 */

/** Calls of earlier versions had the process id only. */
const ID = '\\d+(?:-\\w+)?';

/** The name under which an emulator is tried before the entry of that name is replaced. */
export const trialName = (name: string, id: string) => `${name}-trial-${id}`;

/** The name of a copy of the entry of that name. */
export const copyName = (name: string, id: string) => `${name}-binfmt-copy-${id}`;

/** The name of an entry that shows whether entries last. */
export const testName = (id: string) => `binfmt-test-${id}`;

const TRIAL = new RegExp(`^(.*qemu-.+)${trialName('', ID)}$`);
const COPY = new RegExp(`^(.+)${copyName('', ID)}$`);
const TEST = new RegExp(`^${testName(ID)}$`);

/** The name of the entry that the emulator was to get; undefined if it is not the name of a trial. */
export const triedFor = (name: string) => TRIAL.exec(name)?.[1];

/** The name of the entry that this one is a copy of; undefined if it is none. */
export const originalOf = (name: string) => COPY.exec(name)?.[1];

export const isTestEntry = (name: string) => TEST.test(name);

/** Is it the name of an entry that a call has registered for a moment? */
export const isTemporary = (name: string) => [triedFor(name), originalOf(name)].some(Boolean) || isTestEntry(name);

/** The emulators that come with this program: which there are, and whether each can be registered. */
import fs from 'node:fs';
import path from 'node:path';
import type { Advice } from '../../core/advice.js';
import { type Architecture, architectures, emulatorName } from '../../core/architectures.js';
import { parseElf, sameMachine } from '../../core/elf.js';
import { emulatorUnusable } from '../../core/messages/emulator-problems.js';
import { type Problem, problemOf } from '../../core/problem.js';
import type { Emulator } from '../../core/snapshot.js';
import { BEGINNING } from '../probing/launcher.js';
import { readStart } from './files.js';
import type { Host } from './host.js';

export interface EmulatorDirectory {
  readonly path: string;
  /** What stands before `qemu-TARGET` in the names of files and entries, usually nothing. */
  readonly prefix: string;
}

/** Every emulator in the directory. An architecture without one is not in the map. */
export function findEmulators({ path: directory, prefix }: EmulatorDirectory, host: Host): Map<Architecture, Emulator> {
  const found = new Map<Architecture, Emulator>();
  for (const architecture of architectures) {
    const name = `${prefix}${emulatorName(architecture)}`;
    const file = path.join(directory, name);
    if (!fs.existsSync(file)) continue;
    found.set(architecture, { name, path: file, unusable: checkEmulator(file, host) });
  }
  return found;
}

/** Why a file cannot serve as an emulator for programs in containers; undefined if it can. */
export function checkEmulator(file: string, { ownPrograms }: Pick<Host, 'ownPrograms'>): Problem | undefined {
  type Facts = Parameters<typeof emulatorUnusable.cause>[0];
  const replace: Advice = { do: 'consider', what: 'fix-emulator-file', detail: file };
  const unusable = (reason: Facts['reason'], advice: readonly Advice[] = [replace], loader?: string) =>
    problemOf(emulatorUnusable, file, { file, reason, loader }, advice);
  const bytes = readStart(file, BEGINNING);
  if (bytes === undefined) return unusable('unreadable');
  const elf = parseElf(bytes);
  if (!elf?.executable) return unusable('not-elf');
  const [self] = ownPrograms;
  const own = self && parseElf(self);
  if (own && !sameMachine(elf, own)) return unusable('other-architecture');
  if (elf.loader !== undefined) {
    return unusable('dynamic', [{ do: 'consider', what: 'get-static-emulator' }], elf.loader);
  }
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return undefined;
  } catch {
    const advice: Advice[] = [
      { do: 'make-executable', file },
      { do: 'consider', what: 'mount-without-noexec' },
    ];
    return unusable('not-executable', advice);
  }
}

/** The emulators beside this program: which there are, and whether they may be registered. */
import fs from 'node:fs';
import path from 'node:path';
import { type Architecture, architectures } from '../core/architectures.js';
import { parseElf, sameMachine } from '../core/elf.js';
import type { Failure, Remedy } from '../core/failure.js';
import type { Emulator } from '../core/snapshot.js';
import { type Machine, readStart } from './machine.js';

export interface EmulatorFolder {
  readonly dir: string;
  /** What stands before `qemu-TARGET` in file and entry names, usually nothing. */
  readonly prefix: string;
}

/** ELF header, program headers and the name of the loader lie within. */
const ELF_SIZE = 4096;

/** Every emulator that is at hand, checked. What is not there has no entry in the map. */
export function findEmulators({ dir, prefix }: EmulatorFolder, machine: Machine): Map<Architecture, Emulator> {
  const found = new Map<Architecture, Emulator>();
  for (const row of architectures) {
    const name = `${prefix}qemu-${row.target}`;
    const file = path.join(dir, name);
    if (!fs.existsSync(file)) continue;
    found.set(row, { name, path: file, unusable: checkEmulator(file, machine) });
  }
  return found;
}

/** Why a file cannot serve as the emulator of other machines' programs in containers; undefined if it can. */
export function checkEmulator(file: string, machine: Machine): Failure | undefined {
  const unusable = (cause: string, ...remedies: Remedy[]): Failure => ({
    code: 'emulator-unusable',
    subject: file,
    cause: `${file} ${cause}`,
    remedies,
  });
  const bytes = readStart(file, ELF_SIZE);
  if (bytes === undefined) return unusable('cannot be read, or is not a regular file');
  const elf = parseElf(bytes);
  if (elf === undefined || !elf.executable) return unusable('is not an ELF executable');
  const [self] = machine.ownPrograms;
  const own = self && parseElf(self);
  if (own && !sameMachine(elf, own)) return unusable("is a program of another machine's architecture");
  if (elf.loader !== undefined) {
    return unusable(
      `is dynamically linked: with flag F the kernel keeps the emulator open, but not its loader ${elf.loader}, which no container has`,
      { when: 'use a statically linked one (Debian 13)', command: 'sudo apt-get install qemu-user' },
    );
  }
  try {
    fs.accessSync(file, fs.constants.X_OK);
  } catch {
    return unusable(
      'may not be executed',
      { command: `sudo chmod +x ${file}` },
      { when: 'mount its file system without noexec' },
    );
  }
  return undefined;
}

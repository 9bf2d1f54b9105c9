/** What this machine is: its kernel, its architecture, and the programs that must always start here. */
import os from 'node:os';
import { programVariants } from '../../core/binfmt/elf.js';
import { HEADER_SIZE, matches } from '../../core/binfmt/entry.js';
import { type Architecture, architectures } from '../../core/platform/architectures.js';
import { readStart } from './files.js';

export interface Host {
  /** The architecture of binfmt. */
  readonly own?: Architecture;
  /** The processor's architecture, if binfmt is emulated itself. */
  readonly emulatedOn?: Architecture;
  /** As `uname -r` prints it. */
  readonly kernel: string;
  /** The first bytes of programs that must stay startable, those of binfmt first. */
  readonly ownPrograms: readonly Uint8Array[];
  /** The ones among them that the processor itself runs. */
  readonly processorPrograms: readonly Uint8Array[];
}

/**
 * Under an emulator /proc/self/exe is the emulated program, because QEMU intercepts that name. The same link in the
 * directory of the task is the emulator, a program of the real machine. Both must stay startable.
 */
export function lookAtHost(): Host {
  const self = readStart('/proc/self/exe', HEADER_SIZE);
  const started = readStart(`/proc/self/task/${process.pid}/exe`, HEADER_SIZE) ?? self;
  const [own, processor] = [self, started].map(architectureOf);
  const processorPrograms = started ? programVariants(started) : [];
  return {
    own,
    emulatedOn: processor === own ? undefined : processor,
    kernel: os.release(),
    ownPrograms: [...(self ? programVariants(self) : []), ...processorPrograms],
    processorPrograms,
  };
}

/** The architecture of a program that begins like this. */
export function architectureOf(header: Uint8Array | undefined): Architecture | undefined {
  return header && architectures.find((architecture) => matches(architecture, header));
}

/** What this machine is: its own programs, its architecture, its kernel. */
import fs from 'node:fs';
import os from 'node:os';
import { type Architecture, architectures } from '../core/architectures.js';
import { HEADER_SIZE, matches } from '../core/entry.js';

export interface Machine {
  readonly own: Architecture | undefined;
  /** The processor's, where this program itself runs through an emulator; undefined where it does not. */
  readonly emulatedOn: Architecture | undefined;
  readonly kernel: string;
  /** First bytes of programs that must stay startable, those of the own process first. */
  readonly ownPrograms: readonly Uint8Array[];
  /** Those of them that the processor itself runs. */
  readonly processorPrograms: readonly Uint8Array[];
}

/**
 * Under an emulator /proc/self/exe is the emulated program, as QEMU intercepts that name; the same file
 * through the task's directory is the emulator, a program of the machine below. Both must stay startable.
 */
export function lookAtMachine(): Machine {
  const self = readStart('/proc/self/exe', HEADER_SIZE);
  const started = readStart(`/proc/self/task/${process.pid}/exe`, HEADER_SIZE) ?? self;
  const [own, processor] = [self, started].map((bytes) => bytes && architectures.find((row) => matches(row, bytes)));
  const processorPrograms = started ? variantsOf(started) : [];
  return {
    own,
    emulatedOn: processor === own ? undefined : processor,
    kernel: os.release(),
    ownPrograms: [...(self ? variantsOf(self) : []), ...processorPrograms],
    processorPrograms,
  };
}

/** The program itself, and the same at a fixed address or at any, for any system or for GNU: this machine has them all. */
function variantsOf(program: Uint8Array): Uint8Array[] {
  const littleEndian = program[5] !== 2;
  const others = [0, 3].flatMap((abi) =>
    [2, 3].map((type) => {
      const copy = Uint8Array.from(program);
      copy[7] = abi;
      new DataView(copy.buffer).setUint16(16, type, littleEndian);
      return copy;
    }),
  );
  return [program, ...others];
}

/** The first `size` bytes of a regular file; undefined for anything else, and when it cannot be read. */
export function readStart(file: string, size: number): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    if (!fs.fstatSync(fd).isFile()) return undefined;
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, size, 0));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** False in rootless containers: a binfmt_misc mounted there is another one. Source: PROC_USER_INIT_INO in linux/proc_ns.h. */
export function inInitialUserNamespace(): boolean {
  return linkOf('/proc/self/ns/user') === 'user:[4026531837]';
}

/** False in most containers. Source: PROC_PID_INIT_INO in linux/proc_ns.h. */
export function inInitialPidNamespace(): boolean {
  return linkOf('/proc/self/ns/pid') === 'pid:[4026531836]';
}

/** A name for the mount namespace of a process; undefined where it cannot be seen. */
export function mountNamespaceOf(pid: number | 'self'): string | undefined {
  return linkOf(`/proc/${pid}/ns/mnt`);
}

/** A whole file of /proc; empty when it cannot be read. */
export function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What a symbolic link says; undefined when it cannot be read. */
function linkOf(file: string): string | undefined {
  try {
    return fs.readlinkSync(file);
  } catch {
    return undefined;
  }
}

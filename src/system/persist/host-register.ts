/** Registers emulators that are files of the host: the kernel looks for them from the host's root directory. */
import path from 'node:path';
import { type Registration, registerLine } from '../../core/binfmt/entry.js';
import { openProblem, registerProblem } from '../../core/doctor/mount-errors.js';
import { ownArchitecture } from '../../core/install/emulator-problems.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { interpreterLimit, takesOwnPrograms } from '../binfmt/entries.js';
import { userId } from '../host/namespaces.js';
import type { Register } from '../install/trials.js';
import type { System } from '../system.js';

export function registerFrom(root: string, system: System): Register {
  return (registration) => registerLineFrom(root, registration, registerLine(registration), system);
}

/** `line`: the line for `registration`, as the host has it; one character a byte, if it is not made by binfmt. */
export async function registerLineFrom(
  root: string,
  registration: Registration & { readonly offset?: number },
  line: string | Uint8Array,
  { binfmt, host, launcher }: System,
): Promise<Problem | undefined> {
  if (binfmt.kind !== 'writable') return binfmt.problem;
  const { name } = registration;
  if (takesOwnPrograms(registration, host.ownPrograms)) return problemOf(ownArchitecture, name, { entry: name });
  const file = path.join(binfmt.dir, 'register');
  // With the program's own root directory, chroot(2) is not needed, which only root may call.
  const errno = await launcher.writeExisting(file, line, root === '/' ? undefined : root);
  if (errno === undefined) return undefined;
  return ['EPERM', 'EROFS'].includes(errno)
    ? openProblem(file, errno, userId())
    : registerProblem(registration, errno, interpreterLimit());
}

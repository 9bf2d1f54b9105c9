/** What is worth knowing about something that went well, in words. */
import type { Difference, MissingIds, Note, OlderVersion } from '../note.js';
import type { Problem } from '../problem.js';
import { printable } from '../text.js';

const qemu = (version?: string) => (version === undefined ? 'unknown QEMU version' : `QEMU ${version}`);
const flags = (letters: string) => letters || 'none';

/** One line. `cause`: how the cause of a problem reads. */
export function describeNote(note: Note, cause: (problem: Problem) => string): string {
  switch (note.kind) {
    case 'native':
      return 'this machine runs it natively';
    case 'native-left-out':
      return 'this machine runs it natively, left out';
    case 'already-registered':
      return `already registered, ${qemu(note.version)}`;
    case 'other-entry':
      return `already runs through ${note.entry}, left alone`;
    case 'hidden-entry':
      return `already runs through ${note.interpreter ?? 'an emulator'}, by an entry that cannot be read from here; left alone`;
    case 'kept':
      return `kept ${qemu(note.version)}${describeKept(note.difference)}`;
    case 'not-replaced':
      return `already registered, ${qemu(note.version)}, not replaced: ${cause(note.problem)}`;
    case 'changed':
      return describeChange(note.difference);
    case 'renewed':
      return "registered again, through the host's own file";
    case 'persisted':
      return `${note.registers} at every boot (${note.chosen ? 'as chosen' : 'found on this host; choose another way with --persist=FORMAT'})`;
    case 'boot-service-off':
      return `at boot, ${note.service} will register nothing, because ${note.file} is a link to /dev/null`;
    case 'in-front-at-boot':
      return `from the next boot on, ${note.other} is in front of ${note.entry}, because ${note.file} is read later`;
    case 'record-clash':
      return `update-binfmts will not register ${note.entry} at boot, because it has ${note.other} for the same programs; remove that one first`;
    case 'own-entry-restored':
      return `the host's own entry is registered again, ${note.interpreter}`;
    case 'replaced':
      return note.entry === 'broken' ? 'replaced an entry that did not work' : 'replaced a disabled entry';
    case 'in-front-of':
      return `in front of ${note.entry}`;
    case 'behind':
      return `behind ${note.entry}`;
    case 'runs-anyway':
      return cause(note.problem);
    case 'this-container-only': {
      const alone = `in this container only, because this program is emulated itself, on ${note.platform}`;
      return note.note === undefined ? alone : `${describeNote(note.note, cause)}; ${alone}`;
    }
    case 'other-names':
      return `${describeFiles(note.files)} not used, because emulators have other names here; in a container, -v FILE:${printable(note.instead)}:ro would be used`;
    case 'not-registered':
      return 'not registered';
    case 'entries-unreadable':
      return `entries cannot be read: ${cause(note.problem)}`;
    case 'one-user-only':
      return `only root is mapped in the namespace, and package managers may need more users: ${describeMissing(note.missing)}`;
    case 'no-watcher':
      return 'no watcher is running here';
    case 'next-step':
      return note.step;
  }
}

function describeFiles([first = '', ...more]: readonly string[]): string {
  const file = printable(first);
  if (more.length === 0) return `${file} is`;
  return more.length === 1 ? `${file} and another such file are` : `${file} and ${more.length} other such files are`;
}

function describeChange(difference: Difference): string {
  switch (difference.in) {
    case 'version':
      return `QEMU ${difference.have ?? '(unknown version)'} is now ${difference.want}`;
    case 'flags':
      return `flags ${flags(difference.have)} are now ${flags(difference.want)}${describeOlder(difference.older)}`;
    case 'magic':
      return `magic and mask are now right${describeOlder(difference.older)}`;
  }
}

const describeOlder = (older?: OlderVersion) =>
  older === undefined ? '' : `, and QEMU ${older.have} is now ${older.want}, which is older`;

function describeKept(difference: Difference): string {
  const older = difference.in === 'version' ? undefined : difference.older;
  switch (difference.in) {
    case 'version':
      return `; QEMU ${difference.want} is available`;
    case 'flags':
      return ` with flags ${flags(difference.have)}; without --keep it would get ${flags(difference.want)}${older === undefined ? '' : `, and QEMU ${older.want}, which is older`}`;
    case 'magic':
      return '; its magic or mask is not the usual one';
  }
}

function describeMissing(missing: MissingIds): string {
  switch (missing.kind) {
    case 'no-range':
      return `${missing.file} has no range for ${missing.user}`;
    case 'no-program':
      return `the program ${missing.program} is not installed`;
    case 'refused':
      return printable(missing.output);
  }
}

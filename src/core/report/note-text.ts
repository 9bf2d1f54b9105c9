/** What is worth knowing about something that went well, in words. */
import type { Difference, MissingIds, Note, OlderVersion } from '../note.js';
import type { Problem } from '../problem.js';
import { printable } from '../text.js';

const qemu = (version?: string) => (version === undefined ? 'unknown QEMU version' : `QEMU ${version}`);
const flags = (letters: string) => letters || 'none';

type Cause = (problem: Problem) => string;
type Texts = {
  readonly [Kind in Note['kind']]: (note: Extract<Note, { kind: Kind }>, cause: Cause) => string;
};

const texts: Texts = {
  native: () => 'this machine runs it natively',
  'native-left-out': () => 'this machine runs it natively, left out',
  'already-registered': ({ version }) => `already registered, ${qemu(version)}`,
  'other-entry': ({ entry }) => `already runs through ${entry}, left alone`,
  'hidden-entry': ({ interpreter = 'an emulator' }) =>
    `already runs through ${interpreter}, whose entry cannot be read from here; left alone`,
  kept: ({ version, difference }) => `kept ${qemu(version)}${describeKept(difference)}`,
  'not-replaced': ({ version, problem }, cause) =>
    `already registered, ${qemu(version)}, not replaced: ${cause(problem)}`,
  changed: ({ difference }) => describeChange(difference),
  renewed: () => 'registered again, now with the copy of the emulator on the host',
  persisted: ({ registers, chosen }) =>
    `${registers} at every boot (${chosen ? 'as chosen' : 'found on this host; choose another way with --persist=FORMAT'})`,
  'boot-service-off': ({ service, file }) =>
    `at boot, ${service} will register nothing, because ${file} is a link to /dev/null`,
  'in-front-at-boot': ({ entry, other, file }) =>
    `from the next boot on, ${other} takes precedence over ${entry}, because ${file} is read later`,
  'record-clash': ({ entry, other }) =>
    `update-binfmts will not register ${entry} at boot, because it has ${other} for the same programs; first remove that record of update-binfmts`,
  'own-entry-restored': ({ interpreter }) =>
    `the host's own entry is registered again, with the emulator ${interpreter}`,
  replaced: ({ entry }) => (entry === 'broken' ? 'replaced an entry that did not work' : 'replaced a disabled entry'),
  'in-front-of': ({ entry }) => `takes precedence over ${entry}`,
  behind: ({ entry }) => `${entry} takes precedence`,
  'runs-anyway': ({ problem }, cause) => cause(problem),
  'this-container-only'({ platform, note }, cause) {
    const alone = `in this container only, because binfmt is emulated itself, on ${platform}`;
    return note === undefined ? alone : `${describeNote(note, cause)}; ${alone}`;
  },
  'other-names': ({ files, instead }) =>
    `${describeFiles(files)} not used, because binfmt looks for emulators with other names. In a container, add yours with -v FILE:${printable(instead)}:ro`,
  'not-registered': () => 'not registered',
  'entries-unreadable': ({ problem }, cause) => `entries cannot be read: ${cause(problem)}`,
  'one-user-only': ({ missing }) =>
    `only root is mapped in the namespace, and package managers may need more users: ${describeMissing(missing)}`,
  'no-watcher': () => 'no watcher is running here',
  'next-step': ({ step }) => step,
};

/** One line. `cause`: how the cause of a problem reads. */
export function describeNote(note: Note, cause: Cause): string {
  const text = texts[note.kind] as (note: Note, cause: Cause) => string;
  return text(note, cause);
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

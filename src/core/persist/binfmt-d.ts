/**
 * The files from which a host registers entries at boot: which of them count, and the entries in them.
 * Source: binfmt.d(5), and src/binfmt/binfmt.c of systemd.
 */
import { parseRegisterLine, type Registration } from '../binfmt/entry.js';
import { byteString, decodeUtf8, type FileText } from '../bytes.js';

/** The highest precedence first. */
export const BINFMT_D_DIRECTORIES: readonly string[] = [
  '/etc/binfmt.d',
  '/run/binfmt.d',
  '/usr/local/lib/binfmt.d',
  '/usr/lib/binfmt.d',
];

export interface ConfigurationFile {
  /** One of BINFMT_D_DIRECTORIES; files of any other directory come after theirs. */
  readonly directory: string;
  readonly name: string;
  /** Empty for a link to /dev/null, and for a file that cannot be read. */
  readonly text: FileText;
}

/** An entry that the host registers at boot, and the path of the file that it is in. */
export interface ConfiguredEntry {
  readonly file: string;
  readonly entry: Registration & { readonly offset: number };
}

/**
 * The entries in the order in which they are registered, which is that of the files' names, whatever their
 * directories. A file masks the files of its name in directories of lower precedence, even if it is empty.
 * If two lines have the same entry name, the later one replaces the earlier one. Never throws: a line that is
 * no registration by magic is skipped.
 */
export function configuredEntries(files: readonly ConfigurationFile[]): ConfiguredEntry[] {
  const entries = new Map<string, ConfiguredEntry>();
  for (const { directory, name, text } of effectiveFiles(files)) {
    for (const line of byteString(text).split('\n')) {
      const entry = parseLine(line);
      if (entry === undefined) continue;
      entries.delete(entry.name); // so that the later one is also registered later
      entries.set(entry.name, { file: `${directory}/${name}`, entry });
    }
  }
  return [...entries.values()];
}

/** The line that registers an entry of that name, one character a byte; undefined if there is none. */
export function configuredLine(files: readonly ConfigurationFile[], name: string): string | undefined {
  const lines = effectiveFiles(files).flatMap(({ text }) =>
    byteString(text)
      .split('\n')
      .map((line) => line.trim()),
  );
  return lines.filter((line) => parseLine(line)?.name === name).at(-1);
}

function effectiveFiles(files: readonly ConfigurationFile[]): ConfigurationFile[] {
  const chosen = new Map<string, ConfigurationFile>();
  for (const file of files) {
    if (!file.name.endsWith('.conf') || file.name.startsWith('.')) continue;
    const other = chosen.get(file.name);
    if (other === undefined || rank(file) < rank(other)) chosen.set(file.name, file);
  }
  return [...chosen.values()].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

function rank({ directory }: ConfigurationFile): number {
  const index = BINFMT_D_DIRECTORIES.indexOf(directory);
  return index < 0 ? BINFMT_D_DIRECTORIES.length : index;
}

/** `line` has one character a byte, as a magic may hold any byte; name and path are UTF-8. */
function parseLine(line: string): ConfiguredEntry['entry'] | undefined {
  const parsed = parseRegisterLine(line.replace(/^[ \t\r]+|[ \t\r]+$/g, ''));
  if (parsed === undefined || !isEntryName(parsed.name)) return undefined;
  return { ...parsed, name: decodeUtf8(parsed.name), interpreter: decodeUtf8(parsed.interpreter) };
}

/** systemd registers no others: each is a file name in binfmt_misc, and two names are taken. */
function isEntryName(name: string): boolean {
  return !name.includes('/') && !['.', '..', 'register', 'status'].includes(name);
}

/** The entries that a word of `--uninstall` means: a name, a pattern, an architecture, or `all`. */
import type { Entry } from '../binfmt/entry.js';
import { architectures, emulatorName } from '../platform/architectures.js';
import { parsePlatform } from '../platform/platform.js';
import { type Problem, problemOf } from '../problem.js';
import { closest } from '../text.js';
import { badPattern, unknownEntry } from './request-problems.js';

export type Removal =
  /** `names` is empty if nothing that the word means is registered: then nothing has to be done. */
  | { readonly kind: 'entries'; readonly names: readonly string[] }
  | { readonly kind: 'unknown'; readonly problem: Problem };

/**
 * The words of a list that is separated by commas or spaces. An entry may have a comma or a space in its name: a part
 * of the text that is exactly such a name stays one word.
 */
export function splitRemovals(text: string, entries: readonly Pick<Entry, 'name'>[]): string[] {
  const names = entries.map(({ name }) => name).filter((name) => /[,\s]/.test(name));
  // The longest first, as one name may be the beginning of another.
  const whole = names.sort((one, other) => other.length - one.length).map(escapeRegExp);
  const separator = '(?=[,\\s]|$)';
  const pattern = new RegExp([...whole.map((name) => `${name}${separator}`), '[^,\\s]+'].join('|'), 'gy');
  const words: string[] = [];
  for (let at = 0; at < text.length; ) {
    pattern.lastIndex = at;
    const [word] = pattern.exec(text) ?? [];
    if (word !== undefined) words.push(word);
    at += word?.length ?? 1;
  }
  return words;
}

/** `prefix`: what stands before `qemu-TARGET` in the names of binfmt's entries, usually nothing. */
export function planRemoval(word: string, entries: readonly Pick<Entry, 'name'>[], prefix: string): Removal {
  const names = entries.map(({ name }) => name);
  if (names.includes(word)) return { kind: 'entries', names: [word] };

  const emulators = new Set(architectures.map((architecture) => `${prefix}${emulatorName(architecture)}`));
  const registered = names.filter((name) => emulators.has(name)).sort();
  if (word === 'all') return { kind: 'entries', names: registered };
  if (/[*?[]/.test(word)) {
    const pattern = globPattern(word);
    if (pattern === undefined) return { kind: 'unknown', problem: problemOf(badPattern, word, { word }) };
    return { kind: 'entries', names: registered.filter((name) => pattern.test(name)) };
  }
  if (emulators.has(word)) return { kind: 'entries', names: [] };
  const parsed = parsePlatform(word);
  if (parsed.kind === 'unknown') {
    const suggestion = closest(word, [...names, ...architectures.map(({ name }) => name)]);
    return { kind: 'unknown', problem: problemOf(unknownEntry, word, { word, suggestion }) };
  }
  const wanted = `${prefix}${emulatorName(parsed.platform.architecture)}`;
  return { kind: 'entries', names: registered.filter((name) => name === wanted) };
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** A shell pattern for one name: `*`, `?`, `[abc]`, `[!abc]`. A bracket that is not closed stands for itself. */
function globPattern(glob: string): RegExp | undefined {
  const source = glob.replace(/\*|\?|\[[!^]?[^\]]+\]|[^*?[]|\[/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length > 2) return `[${part.slice(1, -1).replace(/^[!^]/, '^').replace(/\\/g, '\\\\')}]`;
    return escapeRegExp(part);
  });
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    return undefined; // a range that runs backwards, such as [z-a]
  }
}

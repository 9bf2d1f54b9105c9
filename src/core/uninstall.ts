/** Which entries a word of `--uninstall` means: a name, a glob, an architecture, or `all`. */
import { architectures } from './architectures.js';
import type { Entry } from './entry.js';
import type { Failure } from './failure.js';
import { parsePlatform } from './platform.js';

export type Removal =
  /** `names` is empty when what is to go is not there: as wanted already. */
  | { readonly kind: 'entries'; readonly names: readonly string[] }
  | { readonly kind: 'unknown'; readonly failure: Failure };

/** `prefix`: what stands before `qemu-TARGET` in the names of our entries, usually nothing. */
export function planUninstall(word: string, entries: readonly Entry[], prefix: string): Removal {
  const names = entries.map((entry) => entry.name);
  if (names.includes(word)) return { kind: 'entries', names: [word] };

  const emulators = new Set(architectures.map(({ target }) => `${prefix}qemu-${target}`));
  const ours = names.filter((name) => emulators.has(name)).sort();
  if (word === 'all') return { kind: 'entries', names: ours };
  if (/[*?[]/.test(word)) {
    const pattern = globPattern(word);
    if (pattern === undefined) return unknown(word, `"${word}" is no pattern`);
    return { kind: 'entries', names: ours.filter((name) => pattern.test(name)) };
  }
  if (emulators.has(word)) return { kind: 'entries', names: [] };
  const parsed = parsePlatform(word);
  if (parsed.kind === 'platform') {
    const wanted = `${prefix}qemu-${parsed.platform.architecture.target}`;
    return { kind: 'entries', names: ours.filter((name) => name === wanted) };
  }
  return unknown(word, `"${word}" is neither an entry nor an architecture`);
}

function unknown(subject: string, cause: string): Removal {
  return { kind: 'unknown', failure: { code: 'unknown-entry', subject, cause } };
}

/** A shell pattern for one name: `*`, `?`, `[abc]`, `[!abc]`. A bracket that is not closed stands for itself. */
function globPattern(glob: string): RegExp | undefined {
  const source = glob.replace(/\*|\?|\[[!^]?[^\]]+\]|[^*?[]|\[/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length > 2) return `[${part.slice(1, -1).replace(/^[!^]/, '^').replace(/\\/g, '\\\\')}]`;
    return part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  });
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    return undefined; // a range the wrong way round
  }
}

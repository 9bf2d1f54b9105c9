/** Text for people: what is quoted, how lists read, and what a terminal may be given. */

/** Longer than any name, path or option that is right. */
const LONGEST_QUOTE = 80;

/** What was typed, or what a file says: in quotation marks, cut at about 80 characters, without control characters. */
export function quote(text: string): string {
  return `"${shortened(text)}"`;
}

/** The same without quotation marks, cut at `longest` characters. */
export function shortened(text: string, longest = LONGEST_QUOTE): string {
  const characters = [...text];
  return printable(characters.length > longest ? `${characters.slice(0, longest - 3).join('')}...` : text);
}

/** Control characters could change what a terminal shows: they become visible escapes, such as `\x1b`. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
}

/** `one`, `one and two`, `one, two and three`. */
export function listed(items: readonly string[], conjunction: 'and' | 'or' = 'and'): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} ${conjunction} ${items.at(-1)}`;
}

/** The candidate that was probably meant by `typed`; undefined if none is near. */
export function closest(typed: string, candidates: readonly string[]): string | undefined {
  const word = typed.toLowerCase().slice(0, LONGEST_QUOTE);
  const near = candidates
    .map((candidate) => ({ candidate, distance: distanceOf(word, candidate) }))
    // Half of a short word may be wrong by accident: one letter in three is the most.
    .filter(
      ({ candidate, distance }) =>
        candidate.length > 2 && distance > 0 && distance <= Math.max(1, Math.floor(candidate.length / 3)),
    )
    .sort((one, other) => one.distance - other.distance);
  return near[0]?.candidate;
}

/** How many letters have to be added, left out, replaced, or swapped with their neighbour. */
function distanceOf(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1;
      let best = Math.min(at(rows, i - 1, j) + 1, (row[j - 1] ?? 0) + 1, at(rows, i - 1, j - 1) + same);
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
        best = Math.min(best, at(rows, i - 2, j - 2) + 1);
      }
      row.push(best);
    }
    rows.push(row);
  }
  return at(rows, one.length, other.length);
}

function at(rows: readonly (readonly number[])[], i: number, j: number): number {
  return rows[i]?.[j] ?? 0;
}

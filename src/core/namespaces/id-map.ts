/** User and group ids in a user namespace: the lines of uid_map and gid_map. Sources: user_namespaces(7); subuid(5). */

/** A range of ids: `0 1000 1` maps the one id 1000 outside to 0 inside. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** The lines of /proc/PID/uid_map. */
export function parseIdMap(text: string): IdRange[] {
  return text.split('\n').flatMap((line) => {
    const [inside, outside, count] = line.trim().split(/\s+/).map(Number);
    return count === undefined ? [] : [{ inside: inside ?? 0, outside: outside ?? 0, count }];
  });
}

export function formatIdMap(ranges: readonly IdRange[]): string {
  return ranges.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join('');
}

/** Maps every id of the current namespace to itself. */
export function sameIds(ranges: readonly IdRange[]): IdRange[] {
  return ranges.map(({ inside, count }) => ({ inside, outside: inside, count }));
}

/** The range that /etc/subuid or /etc/subgid gives to a user; undefined if there is none. */
export function subordinateIds(text: string, user: { readonly name: string; readonly uid: number }) {
  for (const line of text.split('\n')) {
    const [owner, start, count] = line.trim().split(':');
    if (owner !== user.name && owner !== String(user.uid)) continue;
    if (Number(start) > 0 && Number(count) > 0) return { start: Number(start), count: Number(count) };
  }
  return undefined;
}

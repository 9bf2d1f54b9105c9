/**
 * Labels of SELinux, `USER:ROLE:TYPE:LEVEL`. Container engines give each confined container two categories of its own, as in
 * `s0:c12,c345`: it may read files without categories, and files with no other categories than these. Source: selinux(8),
 * container_selinux(8).
 */

/** The categories that a process needs to read a file with this label; undefined if it needs none. */
export function categoriesOf(label = ''): string | undefined {
  const [, , lower = ''] = partsOf(label) ?? [];
  const [, ...categories] = lower.split(':');
  return categories.length === 0 ? undefined : categories.join(':');
}

/** The same label, for every container. */
export function withoutCategories(label: string): string {
  const [, start, lower = ''] = partsOf(label) ?? [];
  return start === undefined ? label : `${start}:${lower.split(':')[0]}`;
}

/** Everything before the level, and the lower level of a range. A type may have a hyphen too. */
function partsOf(label: string): RegExpExecArray | null {
  return /^([^:]*:[^:]*:[^:]*):([^-]*)/.exec(label);
}

/** Is this, from /proc/self/attr/current, a label of SELinux? AppArmor has names of profiles there. */
export function isLabel(text: string): boolean {
  return /^[^\s:/]+:[^\s:/]+:[^\s:/]+(:\S+)?$/.test(text.replace(/[\0\n]/g, ''));
}

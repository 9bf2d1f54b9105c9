/** Commands that become another command, with something missing. */

/** A script that prepares something, and becomes its arguments, in a mount namespace of its own. */
export const prepared = (script: string): string[] => [
  ...['unshare', '--mount', '--propagation', 'private', 'bash', '-euc'],
  `${script}; exec "$@"`,
  'bash',
];

/** With a root directory that has everything but one directory; `readOnly`: nothing in it can be written. */
export function rootWithout(directory: string, readOnly = false): string[] {
  // In a root directory that chroot made there are no user namespaces; but umount needs /proc.
  const enter = directory === '/proc' ? 'set -- chroot . "$@"' : 'pivot_root . .; umount --lazy .; cd /';
  return prepared(`
    root=$(mktemp -d)
    mount -t tmpfs root "$root"
    for each in /*; do
      if [ "$each" = ${directory} ]; then continue
      elif [ -L "$each" ]; then cp -a "$each" "$root"
      elif [ -d "$each" ]; then mkdir "$root$each"; mount --rbind "$each" "$root$each"
      fi
    done
    ${readOnly ? 'findmnt --raw --noheadings --output TARGET --submounts "$root" | grep -v /proc | while read -r each; do mount -o remount,bind,ro "$(printf %b "$each")"; done' : ''}
    cd "$root"
    ${enter}`);
}

/** Commands that become another command, with something missing. */
import { MOUNT } from '../support/kernel.js';
import { ROOT } from '../support/program.js';

/** A script that prepares something, and becomes its arguments, in a mount namespace of its own. */
export const prepared = (script: string): string[] => [
  ...['unshare', '--mount', '--propagation', 'private', 'bash', '-euc'],
  `${script}; exec "$@"`,
  'bash',
];

/**
 * The same, with the checkout in another place: it may be in a directory that the script takes away.
 */
export const preparedElsewhere = (script: string): string[] =>
  prepared(`
    mount --rbind ${ROOT} /mnt
    set -- "\${@/#${ROOT.replaceAll('/', '\\/')}//mnt}"
    export QEMU_BINARY_PATH="\${QEMU_BINARY_PATH/#${ROOT.replaceAll('/', '\\/')}//mnt}"
    ${script}`);

/** Where nothing in memory can be executed, by /proc/self/fd or otherwise: vm.memfd_noexec, which each PID namespace has. */
export const withoutExecutableMemory = [
  ...['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', 'bash', '-euc'],
  `misc=$(mktemp -d)
    mount --bind ${MOUNT} "$misc"
    mount -t proc proc /proc
    mount --move "$misc" ${MOUNT}
    rmdir "$misc"
    if [ -e /proc/sys/vm/memfd_noexec ]; then echo 2 >/proc/sys/vm/memfd_noexec; fi
    exec "$@"`,
  'bash',
];

/** With a root directory that has everything but one directory; `readOnly`: nothing in it can be written. */
export function rootWithout(directory: string, readOnly = false): string[] {
  // In a root directory that chroot made there are no user namespaces; but umount needs /proc.
  const enter = directory === '/proc' ? 'set -- chroot . "$@"' : 'pivot_root . .; umount --lazy .; cd /';
  return preparedElsewhere(`
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

/** Does SELinux keep containers apart on this machine? */
import { isLabel } from '../../core/binfmt/selinux-label.js';
import { readText } from './files.js';

/** False if it is off, or only logs what it would forbid. In most containers that cannot be seen: then it counts as on. */
export function selinuxEnforces(): boolean {
  return isLabel(readText('/proc/self/attr/current')) && readText('/sys/fs/selinux/enforce') !== '0';
}

/** Why an entry cannot be kept in front of what is registered (--after). */
import type { ProblemDefinition } from '../problem.js';
import { quote } from '../text.js';

export type WhyNotInFront = keyof typeof reasons;

const reasons = {
  missing: 'there is no entry of that name',
  disabled: 'it is disabled',
  own: 'binfmt registers an entry of that name itself',
  'other-kind': 'it does not match programs by magic bytes, so it cannot be registered again unchanged',
  'no-match': 'it does not match programs of the platforms that were listed',
  unreachable:
    'it has to be registered again, and for that the kernel opens its emulator (flag F), which cannot be reached from here',
  'other-file': 'the file of its emulator is no longer the one that the kernel keeps open (flag F)',
  'does-not-run': 'its emulator does not run when it is registered again',
  changed: 'after it was registered again, its text in the kernel is not the same as before',
} as const;

export const cannotStayInFront: ProblemDefinition<{ entry: string; why: WhyNotInFront; interpreter?: string }> = {
  id: 'cannot-stay-in-front',
  title: ({ entry }) => `${quote(entry)} cannot take precedence`,
  cause: ({ entry, why, interpreter }) =>
    `${quote(entry)} cannot take precedence: ${reasons[why]}${interpreter === undefined ? '' : `: ${interpreter}`}`,
};

export const entryCopyLeft: ProblemDefinition<{ entry: string; copy: string; errno?: string }> = {
  id: 'entry-copy-left',
  title: ({ entry }) => `${quote(entry)} has another name`,
  cause: ({ entry, copy, errno }) =>
    `${quote(entry)} could not be registered${errno === undefined ? '' : ` (${errno})`}; the same entry works under the name ${quote(copy)}, and the next call with --install or --uninstall gives it its own name back`,
};

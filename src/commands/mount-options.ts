/** Options that several commands share. */
import { type Address, parseAddress } from '../core/address.js';
import type { Problem } from '../core/problem.js';
import { exitStatusOf } from '../core/render.js';
import type { BinfmtMount } from '../core/snapshot.js';
import type { MountOptions } from '../system/binfmt/mount.js';
import { flag, type Option, parsed, text } from './command.js';

export const mountOptions = {
  mount: text('DIR', 'where binfmt_misc is, or is to be mounted (default: /proc/sys/fs/binfmt_misc)', 'a directory'),
  'allow-userns': flag('mount binfmt_misc even in a user namespace, for that namespace only'),
} as const;

export function readMountOptions(values: { readonly mount?: string; readonly 'allow-userns': boolean }) {
  return { dir: values.mount, allowUserNamespace: values['allow-userns'] } satisfies Omit<MountOptions, 'toChange'>;
}

/** Why --mount names a directory that must not be used; undefined if it may be. */
export function refusedDirectory(binfmt: BinfmtMount): Problem | undefined {
  return binfmt.kind === 'unavailable' && exitStatusOf([binfmt.problem]) === 2 ? binfmt.problem : undefined;
}

/** `description` says whose address it is. */
export function listenOption(description: string): Option<Address | undefined> {
  return parsed(
    'ADDRESS',
    `${description}: [HOST:]PORT (default host: 127.0.0.1) or unix:PATH`,
    '[HOST:]PORT or unix:PATH',
    parseAddress,
  );
}

/** Addresses that a watcher listens at: `[HOST:]PORT` or `unix:PATH`. */

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/**
 * A watcher always listens at the first of these that it can use, and the health check of the same user asks there. `uid`:
 * each user of a machine may have a watcher for a rootless engine.
 */
export function defaultAddresses(uid: number): Address[] {
  const paths =
    uid === 0
      ? ['/run/binfmt.sock', '/dev/shm/binfmt.sock']
      : [`/run/user/${uid}/binfmt.sock`, `/dev/shm/binfmt-${uid}.sock`];
  return paths.map((path) => ({ kind: 'unix', path }));
}

/** Undefined for anything else. Without a host it is the loopback address. */
export function parseAddress(text: string): Address | undefined {
  if (text.startsWith('unix:')) return text.length > 5 ? { kind: 'unix', path: text.slice(5) } : undefined;
  const found = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (!found || port > 65535) return undefined;
  return { kind: 'tcp', host: found[1] ?? found[2] ?? '127.0.0.1', port };
}

export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

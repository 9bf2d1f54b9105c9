/** Asks a watcher about its health, over HTTP. */
import http from 'node:http';
import fetch from 'node-fetch';
import { type Address, formatAddress } from '../../core/address.js';

/** `errno`: why nothing answered, such as `ECONNREFUSED`. */
export type WatcherAnswer =
  | { readonly kind: 'answer'; readonly ready: boolean; readonly body: string }
  | { readonly kind: 'silent'; readonly errno: string };

const LIMIT = 5000; // milliseconds

export async function askWatcher(address: Address): Promise<WatcherAnswer> {
  try {
    const url = address.kind === 'tcp' ? `http://${formatAddress(address)}/readyz` : 'http://localhost/readyz';
    const agent =
      address.kind === 'unix' ? new http.Agent({ socketPath: address.path } as http.AgentOptions) : undefined;
    const response = await fetch(url, { agent, signal: AbortSignal.timeout(LIMIT) });
    return { kind: 'answer', ready: response.ok, body: await response.text() };
  } catch (error) {
    return { kind: 'silent', errno: (error as NodeJS.ErrnoException).code ?? 'ETIMEDOUT' };
  }
}

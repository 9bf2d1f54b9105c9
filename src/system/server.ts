/** The watcher's HTTP server: a few fixed paths, GET and HEAD. */
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { type Address, DEFAULT_ADDRESSES } from '../core/address.js';
import { errnoOf } from './binfmt-fs.js';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export type Routes = Readonly<Record<string, () => Answer>>;

export interface Server {
  readonly address: Address;
  close(): void;
}

/** Listens at `address`, or at the first default that can be used. Rejects with the last error. */
export async function serve(routes: Routes, address: Address | undefined): Promise<Server> {
  let error: unknown;
  for (const each of address ? [address] : DEFAULT_ADDRESSES) {
    try {
      return await listen(routes, each);
    } catch (failed) {
      error = failed;
    }
  }
  throw error;
}

async function listen(routes: Routes, address: Address): Promise<Server> {
  const server = http.createServer((request, response) => {
    const route = routes[(request.url ?? '').replace(/\?.*/, '')];
    const allowed = request.method === 'GET' || request.method === 'HEAD';
    const found = route ? route() : { status: 404, type: 'text/plain', body: 'not found\n' };
    const { status, type, body } = allowed ? found : { status: 405, type: 'text/plain', body: 'GET only\n' };
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? '' : body);
  });
  if (address.kind === 'unix') await removeStale(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const listening = () => resolve();
    if (address.kind === 'unix') server.listen(address.path, listening);
    else server.listen(address.port, address.host, listening);
  });
  return {
    address,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A socket file that nobody answers at is left from a process that was killed. */
async function removeStale(path: string): Promise<void> {
  if (!fs.existsSync(path)) return;
  const errno = await new Promise<string | undefined>((resolve) => {
    const socket = net.connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => resolve(errnoOf(error)));
  });
  if (errno === 'ECONNREFUSED') fs.unlinkSync(path);
}

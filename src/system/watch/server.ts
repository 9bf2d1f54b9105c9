/** The watcher's HTTP server: fixed paths, GET and HEAD. Only a watcher loads Node.js' network modules. */
import fs from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type Address, defaultAddresses } from '../../core/address.js';
import { NOT_FOUND, WRONG_METHOD } from '../../core/watch/event-text.js';
import type { Answer, Routes } from '../../core/watch/health.js';
import { errnoOf } from '../host/files.js';

export interface Server {
  close(): void;
}

/** Rejects if it cannot listen at `address`. */
export async function serve(routes: Routes, address: Address): Promise<Server> {
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    const { status, type, body } = answerTo(request, routes);
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? '' : body);
  });
  if (address.kind === 'unix') await removeStaleSocket(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const listening = () => resolve();
    if (address.kind === 'unix') server.listen(address.path, listening);
    else server.listen(address.port, address.host, listening);
  });
  // If a connection cannot be accepted, the next one may be.
  server.on('error', () => {});
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** At the first default address that can be used. Rejects with the last error if there is none. */
export async function serveAtDefault(routes: Routes): Promise<Server> {
  let last: unknown;
  for (const address of defaultAddresses(process.getuid?.() ?? 0)) {
    try {
      return await serve(routes, address);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function answerTo({ method, url = '' }: IncomingMessage, routes: Routes): Answer {
  const path = url.replace(/\?.*/, '');
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: 'text/plain', body: WRONG_METHOD };
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  return route?.() ?? { status: 404, type: 'text/plain', body: NOT_FOUND };
}

/** A socket at which nothing answers was left by a process that was killed. Any other file stays. */
async function removeStaleSocket(path: string): Promise<void> {
  if (!fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const { connect } = await import('node:net');
  const errno = await new Promise<string | undefined>((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => resolve(errnoOf(error)));
  });
  if (errno === 'ECONNREFUSED') fs.unlinkSync(path);
}

/** A proxy between apt and its mirror, which says of some files that they do not exist, as a mirror does now and then. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Proxy {
  readonly url: string;
  /** How many requests were answered with 404. */
  refused: number;
  close(): void;
}

export async function proxyWithout(missing: (url: string) => boolean): Promise<Proxy> {
  const server = http.createServer((request, response) => {
    if (missing(request.url ?? '')) {
      proxy.refused++;
      response.writeHead(404).end();
      return;
    }
    const forwarded = http.get(request.url ?? '', { headers: request.headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.writeHead(502).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy: Proxy = {
    url: `http://127.0.0.1:${port}`,
    refused: 0,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return proxy;
}

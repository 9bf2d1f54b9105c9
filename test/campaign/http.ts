/** Clients of the watcher that are slow, many, or talk nonsense. */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { docker, IMAGE, mustDocker } from '../support/docker.js';
import { type Ended, started } from '../support/program.js';
import { type Condition, defineFault } from './fault.js';
import { candidates } from './world.js';

const NAME = 'binfmt-campaign-watcher';
/** Beside the programs of people. */
const PORT = 19_753;
const MEMORY = '64m';

interface Client extends Condition {
  /** How many of them there are. */
  readonly count: number;
  /** What each sends, one part every 20 milliseconds. `noise`: random bytes. */
  readonly sends: (noise: Uint8Array) => readonly (string | Uint8Array)[];
}

const request = (method: string, headers = '') => `${method} /healthz HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;

const clients: readonly Client[] = [
  { name: '1,000 connections that send nothing', count: 1000, sends: () => [] },
  { name: '1,000 connections that ask', count: 1000, sends: () => [request('GET')] },
  { name: 'slow clients', count: 100, sends: () => [...request('GET')].slice(0, 30) },
  { name: 'half requests', count: 200, sends: () => ['GET /healthz HTTP/1.1\r\nHost:'] },
  { name: 'huge headers', count: 50, sends: () => [request('GET', `X: ${'x'.repeat(1 << 20)}\r\n`)] },
  { name: 'a huge path', count: 50, sends: () => [`GET /${'x'.repeat(1 << 20)} HTTP/1.1\r\n\r\n`] },
  {
    name: 'a body without end',
    count: 20,
    sends: () => [
      request('POST', 'Transfer-Encoding: chunked\r\n'),
      ...Array<string>(50).fill(`10000\r\n${'x'.repeat(1 << 16)}\r\n`),
    ],
  },
  { name: 'HEAD', count: 100, sends: () => [request('HEAD')] },
  { name: 'unknown methods', count: 100, sends: () => [request('BREW'), request('CONNECT'), request('TRACE')] },
  { name: 'random bytes', count: 50, sends: (noise) => [noise] },
];

async function connect({ sends }: Client, noise: Uint8Array): Promise<net.Socket | undefined> {
  const socket = net.connect(PORT, '127.0.0.1');
  socket.on('error', () => {});
  await Promise.race([once(socket, 'connect').catch(() => {}), setTimeout(2000)]);
  for (const part of sends(noise)) {
    if (socket.destroyed) return undefined;
    socket.write(part);
    await setTimeout(20);
  }
  return socket;
}

const healthcheck = (): Promise<Ended> => started('docker', ['exec', NAME, 'binfmt', 'healthcheck', '--strict']);

/** Resolves when the watcher is ready; rejects after a while. */
async function ready(): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if ((await healthcheck()).exit === 0) return;
    await setTimeout(100);
  }
  throw new Error(`the watcher is not ready: ${docker('logs', NAME).stderr}`);
}

export const hostileClients = defineFault({
  name: "clients of the watcher's HTTP server",
  how: clients.map(({ name }) => name).join(', '),
  in: 'container',
  conditions: clients,
  tries: { short: 1, long: 3 },
  input: fc.uint8Array({ minLength: 1, maxLength: 4096 }),
  async attempt(noise, client) {
    const [first] = candidates;
    const options = ['--privileged', '--network=host', `--memory=${MEMORY}`, `--memory-swap=${MEMORY}`];
    const args = ['--install', first?.name ?? '', '--watch', '--listen', `127.0.0.1:${PORT}`];
    mustDocker('run', '--detach', '--name', NAME, ...options, IMAGE, ...args);
    try {
      await ready();
      const connecting = Array.from({ length: client.count }, () => connect(client, noise));
      const during = await healthcheck();
      const sockets = await Promise.all(connecting);
      const after = await healthcheck();
      for (const socket of sockets) socket?.destroy();
      const answer = await fetch(`http://127.0.0.1:${PORT}/healthz`);
      if (answer.status !== 200) throw new Error(`the server answers ${answer.status}`);
      for (const { exit, stdout, stderr } of [during, after])
        if (exit !== 0) throw new Error(`the health check fails: ${stdout}${stderr}; ${docker('logs', NAME).stderr}`);
      const state = mustDocker('inspect', '--format', '{{.State.Running}} {{.State.OOMKilled}}', NAME);
      if (state !== 'true false\n') throw new Error(`the watcher ran, and was short of memory: ${state}`);
    } finally {
      docker('rm', '--force', NAME);
    }
    return [];
  },
});

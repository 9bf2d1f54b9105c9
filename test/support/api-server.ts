/** A real API server of Kubernetes, as KUBECONFIG names it: asking it, service accounts on it, its node, and a network that fails. */
import { once } from 'node:events';
import fs from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { Transform } from 'node:stream';
import { text } from 'node:stream/consumers';
import { must } from './program.js';
import { scratch } from './scratch.js';

/** A failure of the command fails the test; returns its output. */
export const mustKubectl = (...args: string[]) => must('kubectl', args);

/** How the API server is reached, by KUBECONFIG. */
function client(): https.RequestOptions & { readonly server: string } {
  const config = mustKubectl('config', 'view', '--minify', '--raw', '--flatten', '--output=json');
  const { clusters, users } = JSON.parse(config);
  const [{ cluster }, { user }] = [clusters[0], users[0]];
  const decoded = (text?: string) => text && Buffer.from(text, 'base64');
  const agent = new https.Agent({
    ca: decoded(cluster['certificate-authority-data']),
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
  });
  return { server: cluster.server, agent, headers: user.token && { authorization: `Bearer ${user.token}` } };
}
let known: ReturnType<typeof client> | undefined;

/** What the API server answers. For what is asked again and again: kubectl would take much more of the processors. */
export async function api(path: string, method = 'GET', body?: object): Promise<string> {
  known ??= client();
  const request = https.request(new URL(path, known.server), { ...known, method });
  request.setHeader('content-type', 'application/json').end(body && JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const answer = await text(response);
  if ((response.statusCode ?? 0) >= 300) throw new Error(`${method} ${path}: ${answer}`);
  return answer;
}

/** `kubectl apply` of one text. */
export function applyText(manifest: string): void {
  const file = path.join(scratch(), 'manifest.yaml');
  fs.writeFileSync(file, manifest);
  mustKubectl('apply', '--filename', file);
}

export const apply = (...objects: object[]) =>
  applyText(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));

/** Host and port of the API server. */
export function serverAddress(): { host: string; port: number } {
  const { hostname, port } = new URL(
    mustKubectl('config', 'view', '--minify', '--output=jsonpath={.clusters[0].cluster.server}'),
  );
  return { host: hostname, port: Number(port || 443) };
}

/** Makes a token for a service account, by a secret with this name. It is valid until the secret is deleted. */
export async function makeToken(namespace: string, serviceAccount: string, name: string): Promise<Token> {
  apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, annotations: { 'kubernetes.io/service-account.name': serviceAccount } },
    type: 'kubernetes.io/service-account-token',
  });
  for (let i = 0; i < 100; i++) {
    const { data = {} } = JSON.parse(mustKubectl('get', 'secret', name, '--namespace', namespace, '--output=json'));
    const decoded = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
    if (data['token']) return { token: decoded('token'), ca: decoded('ca.crt') };
  }
  throw new Error(`the secret ${name} gets no token`);
}

export interface Token {
  readonly token: string;
  readonly ca: string;
}

/** Writes the files of a service account as the kubelet does: all at once. */
export function writeServiceAccount(directory: string, { token, ca }: Token): void {
  for (const [name, text] of [
    ['token', token],
    ['ca.crt', ca],
  ] as const) {
    fs.writeFileSync(path.join(directory, `${name}.new`), text);
    fs.renameSync(path.join(directory, `${name}.new`), path.join(directory, name));
  }
}

export interface NodeObject {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly taints?: readonly { readonly key: string; readonly effect: string }[] };
}

export const getNode = async (name: string): Promise<NodeObject> => JSON.parse(await api(`/api/v1/nodes/${name}`));

const later = (delay: () => number) =>
  new Transform({
    transform(data, _, callback) {
      setTimeout(() => callback(null, data), delay());
    },
  });

/** A port of its own that leads to the API server, until the network fails. */
export interface Relay {
  readonly port: number;
  /** `deaf`: takes connections and never answers. `away`: refuses them. */
  network: 'works' | 'deaf' | 'away';
  /** Milliseconds that everything takes to get there. */
  delay: number;
  /** The connections on which nothing was or will be answered. */
  unanswered: number;
  close(): void;
}

export async function relayTo(target: { host: string; port: number }): Promise<Relay> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    if (relay.network === 'away') socket.resetAndDestroy();
    if (relay.network === 'deaf') relay.unanswered++;
    if (relay.network !== 'works') return;
    const onward = net.connect(target).on('error', () => socket.destroy());
    sockets.add(onward);
    socket
      .pipe(later(() => relay.delay))
      .pipe(onward)
      .pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const relay: Relay = {
    port: (server.address() as AddressInfo).port,
    network: 'works',
    delay: 0,
    unanswered: 0,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return relay;
}

/** The cluster that a watcher is a part of: names as Kubernetes allows them, and where its API server is. */
import { formatAddress } from '../address.js';

/** What a watcher does with its node. */
export interface NodeOptions {
  /** The name of the node. */
  readonly node: string;
  /** The names of its labels begin with this, and a slash. */
  readonly prefix: string;
  /** The key of the taints that are removed once every platform runs. */
  readonly taint?: string;
}

/** How a pod reaches the API server, as its environment says. */
export interface ClusterAccess {
  /** Values of environment variables; undefined if they are not set. */
  readonly host?: string;
  readonly port?: string;
  /** The directory with `token` and `ca.crt` of the service account. */
  readonly serviceAccount: string;
}

/** The variables in which every pod finds its API server. */
export const HOST_VARIABLE = 'KUBERNETES_SERVICE_HOST';
export const PORT_VARIABLE = 'KUBERNETES_SERVICE_PORT';

export const DEFAULT_PREFIX = 'binfmt';

const DNS_LABEL = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
const dnsName = new RegExp(`^${DNS_LABEL}(?:\\.${DNS_LABEL})*$`);

/** A name of a node, or a prefix of labels: a DNS name in lower case. Undefined for anything else. */
export function parseDnsName(text: string): string | undefined {
  return text.length <= 253 && dnsName.test(text) ? text : undefined;
}

/** The key of a taint: a name, or PREFIX/NAME. Undefined for anything else. */
export function parseTaintKey(text: string): string | undefined {
  const slash = text.indexOf('/');
  const name = text.slice(slash + 1);
  if (slash >= 0 && parseDnsName(text.slice(0, slash)) === undefined) return undefined;
  return /^[a-z0-9](?:[-\w.]{0,61}[a-z0-9])?$/i.test(name) ? text : undefined;
}

export type ServerUrl =
  | { readonly kind: 'url'; readonly url: string }
  /** A variable is not set, or has a value that cannot be right. */
  | { readonly kind: 'unusable'; readonly variable: string; readonly value?: string };

/** Where the API server is, such as `https://10.96.0.1:443`. */
export function serverUrl({ host = '', port = '443' }: ClusterAccess): ServerUrl {
  if (host === '') return { kind: 'unusable', variable: HOST_VARIABLE };
  if (!/^[\w.:-]+$/.test(host)) return { kind: 'unusable', variable: HOST_VARIABLE, value: host };
  const number = Number(port);
  if (!/^\d+$/.test(port) || number < 1 || number > 65535) {
    return { kind: 'unusable', variable: PORT_VARIABLE, value: port };
  }
  return { kind: 'url', url: `https://${formatAddress({ kind: 'tcp', host, port: number })}` };
}

/** Reads a Kubernetes node and changes it, and counts the requests that this takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ApiMethod,
  type ApiRequests,
  counted,
  type Judged,
  judge,
  NO_REQUESTS,
  type NodeAnswer,
} from '../../core/cluster/api-answer.js';
import type { ClusterNode, NodeChange } from '../../core/cluster/node-labels.js';
import type { Problem } from '../../core/problem.js';
import type { NodeRequest } from './api-server.js';
import { type Cluster, readServiceAccount } from './find-cluster.js';

export interface NodeClientOptions extends Cluster {
  /** The name of the node. */
  readonly node: string;
  request(request: NodeRequest): Promise<NodeAnswer>;
}

export type Outcome =
  /** `change`: what was written; undefined if nothing had to be. */
  { readonly kind: 'done'; readonly change?: NodeChange } | { readonly kind: 'failed'; readonly problem: Problem };

export interface NodeClient {
  /** Reads the node and writes what `decide` makes of it. Begins anew if another client was faster. */
  change(decide: (node: ClusterNode) => NodeChange | undefined, stop: AbortSignal): Promise<Outcome>;
  requests(): ApiRequests;
}

const LIMIT = 10_000; // milliseconds, for one request
const TRIES = 5;
const CONFLICT_WAIT = 50; // milliseconds, more after each try

export function createNodeClient({ node, url, serviceAccount, request }: NodeClientOptions): NodeClient {
  let requests = NO_REQUESTS;

  const call = async (method: ApiMethod, stop: AbortSignal, patch?: object): Promise<Judged> => {
    const account = readServiceAccount(serviceAccount);
    if (account.kind === 'unreadable') return { result: 'silent', problem: account.problem };
    const { token, ca } = account;
    const answer = await within(LIMIT, stop, (signal) => request({ url, token, ca, node, patch, signal }));
    const judged = judge(answer, method, url, node);
    requests = counted(requests, method, judged.result);
    return judged;
  };

  const change: NodeClient['change'] = async (decide, stop) => {
    for (let tries = 1; ; tries++) {
      const read = await call('GET', stop);
      if (read.result !== 'ok') return { kind: 'failed', problem: read.problem };
      const wanted = decide(read.node);
      if (wanted === undefined) return { kind: 'done' };
      const written = await call('PATCH', stop, wanted.patch);
      if (written.result === 'ok') return { kind: 'done', change: wanted };
      if (written.result !== 'conflict' || tries === TRIES) return { kind: 'failed', problem: written.problem };
      await sleep(Math.random() * CONFLICT_WAIT * tries);
    }
  };

  return { change, requests: () => requests };
}

/** Calls with a signal that comes after `limit` milliseconds, or as soon as `stop` does. */
async function within<Result>(
  limit: number,
  stop: AbortSignal,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, limit);
  stop.addEventListener('abort', abort);
  if (stop.aborted) abort();
  try {
    return await call(controller.signal);
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', abort);
  }
}

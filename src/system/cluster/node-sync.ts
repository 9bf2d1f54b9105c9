/**
 * Keeps the labels of a Kubernetes node up to date beside the watcher: one request at a time, and no failure of it ever
 * stops the watcher. What has to change is decided in src/core/cluster/node-labels.ts.
 */
import os from 'node:os';
import { type ApiRequests, causeKey } from '../../core/cluster/api-answer.js';
import type { NodeOptions } from '../../core/cluster/cluster.js';
import { changeFor, type NodeWish, releaseBy } from '../../core/cluster/node-labels.js';
import { unexpectedProblem } from '../../core/report/program-problems.js';
import { allowedAt } from '../../core/watch/backoff.js';
import type { WatchEvent } from '../../core/watch/events.js';
import { createNodeClient, type NodeClientOptions, type Outcome } from './node-client.js';

export interface NodeSyncOptions extends NodeClientOptions, NodeOptions {
  /** Milliseconds between two looks at the node, if nothing changes. */
  readonly resync: number;
  /** The longest wait between two tries, in milliseconds. */
  readonly longestWait: number;
  /** What runs now, and whether the taint may go. */
  now(): Pick<NodeWish, 'running' | 'watched'> & { readonly ready: boolean };
  report(event: WatchEvent): void;
}

export interface NodeSync {
  /** Something may run now that did not, or the other way round. */
  update(): void;
  requests(): ApiRequests;
  /** Takes the labels away, unless they are another watcher's by now. Resolves after five seconds at the latest. */
  stop(): Promise<void>;
}

const LEAST_WAIT = 1000; // milliseconds
const STOP_LIMIT = 5000; // milliseconds

export function startNodeSync(options: NodeSyncOptions): NodeSync {
  const { prefix, taint, resync, now, report } = options;
  const client = createNodeClient(options);
  // Pods with the network of their host all have its name.
  const watcher = `${os.hostname()}/${Math.random().toString(16).slice(2, 10)}`;
  const stopping = new AbortController();
  const reported = new Set<string>();
  let failures = 0;
  /** What the node is known to say. */
  let said: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;

  const wish = (): NodeWish => {
    const { running, watched, ready } = now();
    return { prefix, watcher, running, watched, ...(ready && { taint }) };
  };

  const change: typeof client.change = (decide, stop) =>
    client.change(decide, stop).catch((error) => ({ kind: 'failed', problem: unexpectedProblem(error) }));

  const start = () => {
    clearTimeout(timer);
    working = work().finally(() => {
      working = undefined;
      // Something may have changed meanwhile.
      update();
    });
  };

  const work = async () => {
    const wanted = wish();
    const outcome = await change((node) => changeFor(node, wanted, said === undefined), stopping.signal);
    if (stopping.signal.aborted) return;
    tell(outcome);
    failures = outcome.kind === 'failed' ? failures + 1 : 0;
    if (outcome.kind === 'done') said = JSON.stringify(wanted);
    timer = setTimeout(start, spread(failures > 0 ? waitAfter(failures) : resync));
  };

  const waitAfter = (streak: number) =>
    allowedAt({ streak, at: 0 }, { free: 1, longest: Math.max(options.longestWait, LEAST_WAIT) });

  const tell = (outcome: Outcome) => {
    if (outcome.kind === 'failed') {
      const { problem } = outcome;
      if (!reported.has(causeKey(problem))) report({ event: 'warning', cause: { kind: 'problem', problem } });
      reported.add(causeKey(problem));
      return;
    }
    if (reported.size > 0) report({ event: 'node', cause: { kind: 'node-reached' } });
    reported.clear();
    if (outcome.change) report({ event: 'node', cause: { kind: 'node-changed', change: outcome.change } });
  };

  const update = () => {
    if (working || failures > 0 || stopping.signal.aborted) return;
    if (JSON.stringify(wish()) !== said) start();
  };

  update();
  return {
    update,
    requests: client.requests,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await working;
      tell(await change((node) => releaseBy(watcher, node, prefix), AbortSignal.timeout(STOP_LIMIT)));
    },
  };
}

/** A tenth more or less, so that the nodes of a cluster do not ask all at once. */
function spread(wait: number): number {
  return wait * (0.9 + 0.2 * Math.random());
}

/** What a watcher answers over HTTP: a few fixed paths. */
import type { ApiRequests } from '../cluster/api-answer.js';
import type { Invocation } from '../invocation.js';
import { formatStatus, type Status } from '../report/status.js';
import type { Build } from '../version.js';
import { describeReadiness } from './event-text.js';
import { formatMetrics, METRICS_TYPE } from './metrics.js';
import { isRunning, type WatchState } from './watch-state.js';

export interface Answer {
  /** HTTP status code. */
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export type Routes = Readonly<Record<string, () => Answer>>;

/** Where the answers come from. */
export interface HealthSource {
  state(): WatchState;
  /** With the entries as they are now, and the last probes. */
  status(): Status;
  /** When test programs were last run, in milliseconds since 1970; undefined before the first time. */
  lastProbe(): number | undefined;
  /** To the API server of Kubernetes; undefined if there is nothing to ask it. */
  apiRequests?(): ApiRequests | undefined;
  readonly build: Build;
  readonly invocation: Invocation;
}

export function routesFor({ state, status, lastProbe, apiRequests, build, invocation }: HealthSource): Routes {
  const text = (code: number, body: string): Answer => ({ status: code, type: 'text/plain; charset=utf-8', body });
  return {
    '/healthz': () => text(200, 'ok\n'),
    '/readyz': () => text(state().ready ? 200 : 503, describeReadiness(state(), invocation)),
    '/status': () => ({ status: 200, type: 'application/json', body: formatStatus(status()) }),
    '/metrics': () => {
      const { platforms, restores, taken, ready, unknown } = state();
      const running = new Map(
        platforms.map((watched) => [watched.platform.architecture.name, isRunning(state(), watched)]),
      );
      const at = lastProbe();
      const counts = { running, restores, taken, unknown: unknown.length, apiRequests: apiRequests?.() };
      const metrics = { ...counts, lastProbe: at && at / 1000, ready, build };
      return { status: 200, type: METRICS_TYPE, body: formatMetrics(metrics) };
    },
  };
}

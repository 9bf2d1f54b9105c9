/** The metrics of a watcher, in version 0.0.4 of Prometheus' text format. */
import { type ApiRequests, apiMethods, apiResults } from '../cluster/api-answer.js';
import type { Build } from '../version.js';
import { type RestoreCause, restoreCauses } from './events.js';

export interface Metrics {
  /** The architectures asked for, and whether each runs. */
  readonly running: ReadonlyMap<string, boolean>;
  /** How many words of the list are not platforms. */
  readonly unknown: number;
  readonly restores: Readonly<Record<RestoreCause, number>>;
  /** How often another tool has taken the name of an entry that worked. */
  readonly taken: number;
  /** Seconds since 1970; undefined before the first probe. */
  readonly lastProbe?: number;
  readonly ready: boolean;
  /** To the API server of Kubernetes; undefined if there is nothing to ask it. */
  readonly apiRequests?: ApiRequests;
  readonly build: Build;
}

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function formatMetrics(metrics: Metrics): string {
  const { running, unknown, restores, taken, lastProbe, ready, apiRequests, build } = metrics;
  const up = [...running].map(([architecture, runs]): Sample => [{ architecture }, Number(runs)]);
  return [
    metric('binfmt_architectures_wanted', 'gauge', 'Architectures that were asked for.', [
      [{}, running.size + unknown],
    ]),
    metric('binfmt_architecture_running', 'gauge', '1 if a test program of the architecture runs, else 0.', up),
    metric('binfmt_ready', 'gauge', '1 if every architecture that was asked for runs, else 0.', [[{}, Number(ready)]]),
    metric(
      'binfmt_restores_total',
      'counter',
      'Entries that had to be registered again, by cause.',
      restoreCauses.map((cause) => [{ cause }, restores[cause]]),
    ),
    metric(
      'binfmt_entries_taken_total',
      'counter',
      'Entries that another tool has replaced, or over which its own entry takes precedence.',
      [[{}, taken]],
    ),
    metric(
      'binfmt_last_probe_timestamp_seconds',
      'gauge',
      'When test programs were last run, in seconds since 1970.',
      lastProbe === undefined ? [] : [[{}, lastProbe]],
    ),
    apiRequests === undefined ? '' : apiMetric(apiRequests),
    metric('binfmt_build_info', 'gauge', 'Always 1; the labels are versions.', [
      [{ version: build.version, revision: build.revision, node: build.node }, 1],
    ]),
  ].join('');
}

function apiMetric(requests: ApiRequests): string {
  const samples = apiMethods.flatMap((method) =>
    apiResults.map((result): Sample => [{ method, result }, requests[method][result]]),
  );
  const help = 'Requests to the API server of Kubernetes, by what became of them.';
  return metric('binfmt_api_requests_total', 'counter', help, samples);
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

function metric(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

/** Source: Prometheus, "Exposition formats", "Text format details". */
function escapeLabel(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
}

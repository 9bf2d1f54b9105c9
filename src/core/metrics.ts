/** The metrics of a watcher, in Prometheus' text format 0.0.4. */
import { type RestoreCause, restoreCauses } from './watch.js';

export interface Metrics {
  /** Architectures that were asked for, and whether each runs. */
  readonly running: ReadonlyMap<string, boolean>;
  readonly restores: ReadonlyMap<RestoreCause, number>;
  /** Seconds since 1970, undefined before the first probe. */
  readonly lastProbe?: number | undefined;
  readonly ready: boolean;
  readonly build: Readonly<Record<'revision' | 'node', string>>;
}

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function formatMetrics({ running, restores, lastProbe, ready, build }: Metrics): string {
  const up = [...running].map(([architecture, runs]): Sample => [{ architecture }, Number(runs)]);
  return [
    metric('binfmt_architectures_wanted', 'gauge', 'Architectures that are kept working.', [[{}, running.size]]),
    metric('binfmt_architecture_running', 'gauge', '1 if a test program of the architecture runs.', up),
    metric('binfmt_ready', 'gauge', '1 if every architecture asked for runs.', [[{}, Number(ready)]]),
    metric(
      'binfmt_restores_total',
      'counter',
      'Emulators that had to be registered again, by cause.',
      restoreCauses.map((cause) => [{ cause }, restores.get(cause) ?? 0]),
    ),
    metric(
      'binfmt_last_probe_timestamp_seconds',
      'gauge',
      'When test programs were last run.',
      lastProbe === undefined ? [] : [[{}, lastProbe]],
    ),
    metric('binfmt_build_info', 'gauge', 'Always 1; versions as labels.', [[build, 1]]),
  ].join('');
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

function metric(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text.replace(/[\\"\n]/g, '\\$&')}"`);
    return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

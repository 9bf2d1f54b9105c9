/**
 * What watchers with `--node` cost an API server of Kubernetes: `npm run bench:cluster -- [--watchers N] [--minutes N]`, with
 * KUBECONFIG for a cluster that is there for that. It makes nodes, and a watcher for each: the code of a real one, with the label
 * of one platform. Times and requests are those that the API server counts itself (/metrics).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import minimist from 'minimist';
import { architectures } from '../src/core/platform/architectures.js';
import { formatPlatform } from '../src/core/platform/platform.js';
import { requestNode } from '../src/system/cluster/api-server.js';
import { startNodeSync } from '../src/system/cluster/node-sync.js';
import { apply, makeToken, mustKubectl, serverAddress, writeServiceAccount } from '../test/support/api-server.js';
import { scratch } from '../test/support/scratch.js';

const { watchers: count, minutes } = minimist(process.argv.slice(2), { default: { watchers: 1000, minutes: 3 } });
const NAME = 'binfmt-bench';
/** Instead of ten minutes, so that a few minutes show an hour. */
const RESYNC = 60_000;
const RESYNC_OF_WATCHERS = 600_000;

const nodes = Array.from({ length: count }, (_, i) => `${NAME}-${i}`);
const metadata = { name: NAME, namespace: NAME };
const rules = [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'patch'] }];

/** The sums of the API server, since it was started. */
function counters() {
  const text = mustKubectl('get', '--raw', '/metrics');
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  const requests = (verb: string) =>
    [...text.matchAll(/^apiserver_request_total\{([^}]*)\} (\d+)$/gm)]
      .filter(
        ([, labels = '']) => /contentType="application\/json"/.test(labels) && labels.includes('resource="nodes"'),
      )
      .filter(([, labels = '']) => labels.includes(`verb="${verb}"`))
      .reduce((sum, [, , number]) => sum + Number(number), 0);
  return {
    at: performance.now(),
    cpu: value('process_cpu_seconds_total'),
    memory: value('process_resident_memory_bytes'),
    get: requests('GET'),
    patch: requests('PATCH'),
  };
}

type Counters = ReturnType<typeof counters>;

function row(what: string, before: Counters, after: Counters): void {
  const seconds = (after.at - before.at) / 1000;
  const cells = [
    what,
    `${seconds.toFixed(0)} s`,
    after.get - before.get,
    after.patch - before.patch,
    `${(after.cpu - before.cpu).toFixed(1)} s`,
    `${((100 * (after.cpu - before.cpu)) / seconds).toFixed(1)} %`,
    `${(after.memory / 2 ** 20).toFixed(0)} MiB`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

apply(
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAME } },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: NAME }, rules },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: NAME },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: NAME },
    subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: NAME }],
  },
  ...nodes.map((name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { [NAME]: 'true' } } })),
);
try {
  const serviceAccount = scratch();
  writeServiceAccount(serviceAccount, await makeToken(NAME, NAME, 'token'));
  const { host, port } = serverAddress();
  const platform = architectures.slice(0, 2).map((architecture) => formatPlatform({ architecture }));
  let running: readonly string[] = platform;

  console.log('| what | time | GET | PATCH | CPU time | of one processor | memory |\n|---|---|---|---|---|---|---|');
  const start = counters();
  await sleep(minutes * 60_000);
  const idle = counters();
  row(`${count} nodes, no watcher`, start, idle);

  const syncs = nodes.map((node) =>
    startNodeSync({
      ...{ node, prefix: NAME, url: `https://${host}:${port}`, serviceAccount, resync: RESYNC, longestWait: 300_000 },
      request: requestNode,
      now: () => ({ running, watched: platform, ready: true }),
      report() {},
    }),
  );
  const done = async (what: (sums: { get: number; patch: number }) => boolean) => {
    const sum = () =>
      syncs
        .map((sync) => sync.requests())
        .reduce((all, each) => ({ get: all.get + each.GET.ok, patch: all.patch + each.PATCH.ok }), {
          get: 0,
          patch: 0,
        });
    while (!what(sum())) await sleep(100);
  };
  await done(({ patch }) => patch >= count);
  const labelled = counters();
  row('all watchers start at once', idle, labelled);

  await sleep(minutes * 60_000);
  const quiet = counters();
  row(`nothing changes, ${RESYNC_OF_WATCHERS / RESYNC} times as many looks`, labelled, quiet);

  running = platform.slice(0, 1);
  for (const sync of syncs) sync.update();
  await done(({ patch }) => patch >= 2 * count);
  row('a platform stops running on all nodes at once', quiet, counters());
  await Promise.all(syncs.map((sync) => sync.stop()));
} finally {
  mustKubectl('delete', 'nodes', '--selector', NAME, '--wait=false');
  mustKubectl('delete', 'clusterrole,clusterrolebinding', NAME);
  mustKubectl('delete', 'namespace', NAME, '--wait=false');
}

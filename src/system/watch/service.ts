/** A watcher as a service: it installs, stays, keeps platforms working, and answers about its health over HTTP. */
import { type Address, defaultAddresses, formatAddress } from '../../core/address.js';
import type { NodeOptions } from '../../core/cluster/cluster.js';
import type { Invocation } from '../../core/invocation.js';
import { architectures } from '../../core/platform/architectures.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { cannotListen, outputFailed } from '../../core/report/program-problems.js';
import { reportProblem } from '../../core/report/render.js';
import type { Report } from '../../core/report/report-lines.js';
import { formatStatus, statusOf } from '../../core/report/status.js';
import type { Build } from '../../core/version.js';
import { formatEvent, type LogFormat } from '../../core/watch/event-text.js';
import type { WatchEvent } from '../../core/watch/events.js';
import { type Routes, routesFor } from '../../core/watch/health.js';
import type { Cluster } from '../cluster/find-cluster.js';
import { type NodeSync, startNodeSync } from '../cluster/node-sync.js';
import { errnoOf } from '../host/files.js';
import type { System } from '../system.js';
import { takeSnapshot } from '../take-snapshot.js';
import { type Server, serve, serveAtDefault } from './server.js';
import { createWatcher, type Watcher, type WatchOptions } from './watcher.js';

export interface ServiceOptions extends WatchOptions {
  readonly logFormat: LogFormat;
  /** An address to answer at, in addition to the default one. */
  readonly listen?: Address;
  /** Remove the entries that it registered when it ends. */
  readonly uninstallOnExit: boolean;
  /** The node of Kubernetes that is to say what runs. */
  readonly node?: NodeOptions & Cluster;
}

/** What the process does for the service, which itself neither prints nor ends anything. */
export interface ServiceContext {
  readonly build: Build;
  readonly setup: { readonly invocation: Invocation };
  /** Returns the errno's name if not everything could be written. */
  write(fd: 1 | 2, bytes: string): string | undefined;
  /** Resolves to the signal that ends the service. Calls `check` when everything is to be checked now. */
  untilStopped(check: () => void): Promise<string>;
}

/** The node is looked at after so many checks of everything. */
const RESYNC = 10;

/** How a service finds binfmt_misc, and what it has found already. */
export interface ServiceSystem {
  open(): Promise<System>;
  readonly opened: System;
  /** Why the service has to end by itself. */
  readonly broken: Promise<Problem>;
}

/** Resolves when it has ended. */
export async function runService(
  options: ServiceOptions,
  { broken, ...system }: ServiceSystem,
  context: ServiceContext,
): Promise<Report> {
  const { invocation } = context.setup;
  const report = (event: WatchEvent) => {
    const line = formatEvent(event, new Date().toISOString(), { format: options.logFormat, invocation });
    context.write(2, `${line}\n`);
  };
  let node: NodeSync | undefined;
  const watcher = createWatcher(options, system, { report, changed: () => node?.update() });
  // A signal that arrives from now on ends the service as its options say.
  const stopped = context.untilStopped(watcher.check);
  const { build } = context;
  const apiRequests = () => node?.requests();
  const routes = routesFor({ ...watcher, apiRequests, build, invocation });
  const servers = await answer(routes, options.listen);
  if (servers.failure) {
    const status = statusOf(await takeSnapshot(system.opened, { probes: architectures }));
    return { ...reportProblem(servers.failure), stdout: formatStatus(status) };
  }
  await watcher.start();
  // Emulators that work are worth more than a health check: a default address is not worth failing for.
  if (servers.warning) report({ event: 'warning', cause: { kind: 'problem', problem: servers.warning } });
  const errno = context.write(1, formatStatus(watcher.status()));
  if (errno)
    report({ event: 'warning', cause: { kind: 'problem', problem: problemOf(outputFailed, 'binfmt', { errno }) } });
  if (options.node) node = labelNode(options.node, options, watcher, report);
  const end = await Promise.race([stopped, broken]);
  if (typeof end === 'string') report({ event: 'stopping', cause: { kind: 'signal', signal: end } });
  watcher.stop();
  for (const server of servers.listening) server.close();
  // Before the entries go, so that no pod comes for what is about to end.
  await node?.stop();
  if (typeof end !== 'string') return reportProblem(end);
  if (options.uninstallOnExit) watcher.uninstall();
  return { lines: [], exit: 0 };
}

/** The labels follow the watcher from now on. */
function labelNode(
  node: NodeOptions & Cluster,
  { interval, backoff }: WatchOptions,
  watcher: Watcher,
  report: (event: WatchEvent) => void,
): NodeSync {
  return startNodeSync({
    ...node,
    resync: RESYNC * interval,
    longestWait: backoff,
    now() {
      const { platforms, ready } = watcher.state();
      return {
        running: watcher.running(),
        watched: platforms.map(({ platform }) => platform.architecture.name),
        ready,
      };
    },
    report,
    request: async (request) => (await import('../cluster/api-server.js')).requestNode(request),
  });
}

interface Servers {
  readonly listening: readonly Server[];
  /** Why it does not listen at the address that was named. */
  readonly failure?: Problem;
  /** Why it does not listen at the default address. */
  readonly warning?: Problem;
}

/** At the address that was named, and at the default one, where the image's health check asks. */
async function answer(routes: Routes, address: Address | undefined): Promise<Servers> {
  const listening: Server[] = [];
  if (address) {
    const name = formatAddress(address);
    try {
      listening.push(await serve(routes, address));
    } catch (error) {
      const advice = [{ do: 'consider', what: 'choose-another-address' }] as const;
      return { listening, failure: problemOf(cannotListen, name, { address: name, errno: errnoOf(error) }, advice) };
    }
    if (defaultAddresses(process.getuid?.() ?? 0).some((each) => formatAddress(each) === name)) return { listening };
  }
  try {
    listening.push(await serveAtDefault(routes));
    return { listening };
  } catch (error) {
    return { listening, warning: problemOf(cannotListen, 'machine', { errno: errnoOf(error) }) };
  }
}

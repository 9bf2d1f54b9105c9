/** `binfmt --install LIST --watch`: installs, stays, keeps every architecture working, and answers how it is. */
import { type Address, formatAddress } from '../core/address.js';
import type { Event } from '../core/events.js';
import { oneLine } from '../core/failure.js';
import { formatMetrics, METRICS_TYPE } from '../core/metrics.js';
import { formatStatus } from '../core/status.js';
import { type Answer, type Routes, type Server, serve } from '../system/server.js';
import type { System } from '../system/snapshot.js';
import { startWatcher, type WatchOptions, type WatchState } from '../system/watcher.js';

export interface WatchArguments extends WatchOptions {
  readonly listen?: Address | undefined;
  readonly uninstallOnExit: boolean;
}

/** What main.ts does for the watcher, which itself neither prints nor ends the process. */
export interface Outside {
  readonly revision: string;
  emit(event: Event): void;
  /** Prints the status, once. */
  print(stdout: string): void;
  /** Resolves to the reason when it is time to stop; until then calls `check` when everything is to be checked now. */
  untilStopped(check: () => void): Promise<string>;
}

export async function watch(args: WatchArguments, open: () => Promise<System>, outside: Outside): Promise<void> {
  const watcher = await startWatcher(args, open, outside.emit);
  const { state } = watcher;
  const server = await answer(routesOf(state, outside.revision), args.listen, outside);
  outside.print(formatStatus(state.status()));
  const reason = await outside.untilStopped(watcher.check);
  outside.emit({ event: 'stopping', cause: reason });
  watcher.stop();
  server?.close();
  if (args.uninstallOnExit) watcher.uninstall();
}

/** Keeping emulators working matters more than answering: only an address that was asked for is worth failing for. */
async function answer(routes: Routes, address: Address | undefined, { emit }: Outside): Promise<Server | undefined> {
  try {
    return await serve(routes, address);
  } catch (error) {
    const where = address ? formatAddress(address) : 'any default address';
    const cause = `cannot listen at ${where} (${(error as NodeJS.ErrnoException).code ?? error})`;
    if (address) throw new Error(cause);
    emit({ event: 'warning', cause: `${cause}: health cannot be asked for` });
    return undefined;
  }
}

function routesOf(state: WatchState, revision: string): Routes {
  const text = (status: number, body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body });
  const build = { revision, node: process.versions.node };
  return {
    '/healthz': () => text(200, 'ok\n'),
    '/readyz': () => (state.ready ? text(200, 'ready\n') : text(503, reasons(state))),
    '/status': () => ({ status: 200, type: 'application/json', body: formatStatus(state.status()) }),
    '/metrics': () => {
      const running = new Map(state.watched.map(({ platform, failure }) => [platform.architecture.name, !failure]));
      const lastProbe = state.lastProbe === undefined ? undefined : state.lastProbe / 1000;
      const { restores, ready } = state;
      return { status: 200, type: METRICS_TYPE, body: formatMetrics({ running, restores, lastProbe, ready, build }) };
    },
  };
}

function reasons({ watched, unknown }: WatchState): string {
  const failing = watched.flatMap(({ platform, failure, waiting }) => {
    const why = failure ? oneLine(failure) : waiting && 'it is taken away again and again';
    return why ? [`${platform.architecture.name}: ${why}`] : [];
  });
  return `not ready\n${[...unknown.map(oneLine), ...failing].map((line) => `${line}\n`).join('')}`;
}

/** The labels of a node while its API server is away for long. Only the time is simulated. */
import { mock } from 'node:test';
import { expect } from 'chai';
import type { NodeAnswer } from '../../src/core/cluster/api-answer.js';
import type { WatchEvent } from '../../src/core/watch/events.js';
import { startNodeSync } from '../../src/system/cluster/node-sync.js';
import { writeServiceAccount } from '../support/api-server.js';
import { scratch } from '../support/scratch.js';

const SECOND = 1000; // milliseconds
const HOUR = 3600;

type Texts = Record<string, string | null>;
const present = (texts: Texts) => Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== null));

/** A node as the API server has it. */
function apiServer() {
  let [labels, annotations, version]: [Texts, Texts, number] = [{}, {}, 1];
  return {
    away: false,
    labels: () => labels,
    async request({ patch }: { readonly patch?: object | undefined }): Promise<NodeAnswer> {
      if (this.away) return { kind: 'silent', errno: 'ECONNREFUSED' };
      const { metadata = {} } = (patch ?? {}) as { metadata?: { labels?: Texts; annotations?: Texts } };
      labels = { ...labels, ...metadata.labels };
      annotations = { ...annotations, ...metadata.annotations };
      const resourceVersion = `${++version}`;
      const node = { name: 'n1', resourceVersion, labels: present(labels), annotations: present(annotations) };
      return { kind: 'answer', status: 200, body: JSON.stringify({ kind: 'Node', metadata: node, spec: {} }) };
    },
  };
}

describe('the labels of a node', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  /** Lets time pass, with all that happens meanwhile. */
  async function pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      mock.timers.tick(SECOND);
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    }
  }

  it('are right soon after an API server was away for an hour, which is asked seldom and reported once', async () => {
    const serviceAccount = scratch();
    writeServiceAccount(serviceAccount, { token: 'token', ca: 'ca' });
    const server = apiServer();
    const events: WatchEvent[] = [];
    let running = ['linux/arm64', 'linux/riscv64'];
    const sync = startNodeSync({
      ...{ node: 'n1', prefix: 'binfmt', url: 'https://127.0.0.1:1', serviceAccount },
      ...{ resync: 600 * SECOND, longestWait: 300 * SECOND },
      request: (request) => server.request(request),
      now: () => ({ running, watched: ['arm64', 'riscv64'], ready: true }),
      report: (event) => events.push(event),
    });
    await pass(1);
    expect(server.labels()).to.include({ 'binfmt/linux-arm64': 'true', 'binfmt/linux-riscv64': 'true' });

    server.away = true;
    running = ['linux/arm64'];
    sync.update();
    await pass(HOUR);
    expect(events.filter(({ event }) => event === 'warning')).to.have.length(1);
    expect(sync.requests().GET.silent).to.be.within(12, 30);

    server.away = false;
    await pass(400);
    expect(server.labels()).to.include({ 'binfmt/linux-arm64': 'true', 'binfmt/linux-riscv64': null });
    expect(events.at(-1)?.cause?.kind).to.equal('node-changed');
    const stopped = sync.stop();
    await pass(1);
    await stopped;
    expect(server.labels()).to.include({ 'binfmt/linux-arm64': null });
  });
});

import { expect } from 'chai';
import parsePrometheus from 'parse-prometheus-text-format';
import { formatAddress, parseAddress } from '../../src/core/address.js';
import { mountProblem } from '../../src/core/doctor/mount-errors.js';
import { parseSelection } from '../../src/core/install/selection.js';
import { EMPTY_STATUS } from '../../src/core/report/status.js';
import { afterTry, allowedAt, type Backoff } from '../../src/core/watch/backoff.js';
import { formatEvent } from '../../src/core/watch/event-text.js';
import { routesFor } from '../../src/core/watch/health.js';
import { formatMetrics } from '../../src/core/watch/metrics.js';
import { initialState, type WatchState } from '../../src/core/watch/watch-state.js';
import { asImage } from '../support/doctor.js';

describe('the wait between two tries', () => {
  /** Waits in seconds between tries that are each made as soon as they are allowed. */
  function waits(tries: number, free: number, longest: number): number[] {
    const limits = { free, longest };
    const found: number[] = [];
    let now = 1000;
    let last: Backoff | undefined;
    for (let i = 0; i < tries; i++) {
      last = afterTry(last, now, limits);
      found.push((allowedAt(last, limits) - now) / 1000);
      now = allowedAt(last, limits);
    }
    return found;
  }

  it('begins after some free tries, then doubles up to the longest wait', () => {
    expect(waits(15, 5, 300_000)).to.deep.equal([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    expect(waits(3, 1, 300_000)).to.deep.equal([1, 2, 4]);
  });

  it('is none if the longest wait is 0', () => {
    expect(waits(100, 5, 0).every((wait) => wait === 0)).to.equal(true);
  });

  it('begins anew after a quiet time', () => {
    const limits = { free: 5, longest: 300_000 };
    const last = { streak: 10, at: 0 };
    expect(afterTry(last, allowedAt(last, limits) + 9_000, limits).streak).to.equal(11);
    expect(afterTry(last, allowedAt(last, limits) + 11_000, limits).streak).to.equal(1);
  });
});

describe('events', () => {
  const text = { format: 'text', invocation: asImage } as const;
  const json = { format: 'json', invocation: asImage } as const;
  const restored = { event: 'restored', architecture: 'arm64', cause: { kind: 'restore', cause: 'removed' } } as const;

  it('are a line of text', () => {
    expect(formatEvent(restored, 'T', text)).to.equal('T restored arm64: its entry had been removed');
    expect(formatEvent({ event: 'ready' }, 'T', text)).to.equal('T ready');
    const waiting = {
      event: 'waiting',
      architecture: 'arm64',
      cause: { kind: 'wait', seconds: 4, failing: false },
    } as const;
    expect(formatEvent(waiting, 'T', text)).to.equal(
      'T waiting arm64: something keeps removing its entry; retrying in 4 s',
    );
  });

  it('say whose an entry is now, and what does not work without its flags', () => {
    const taker = { entry: 'qemu-aarch64', interpreter: '/usr/bin/qemu-aarch64-static', missing: 'PC' };
    const lost =
      '/usr/bin/qemu-aarch64-static; programs do not see the name that they were called by (no flag P); sudo and other setuid programs do not work (no flag C)';
    expect(formatEvent({ event: 'taken', architecture: 'arm64', cause: { kind: 'taken', taker } }, 'T', text)).to.equal(
      `T taken arm64: now runs through qemu-aarch64, an entry of another tool: ${lost}; it works, so it stays`,
    );
    const cause = { kind: 'restore', cause: 'replaced', taker } as const;
    expect(formatEvent({ event: 'restored', architecture: 'arm64', cause }, 'T', text)).to.equal(
      `T restored arm64: another tool had replaced its entry with ${lost}`,
    );
    expect(JSON.parse(formatEvent({ event: 'restored', architecture: 'arm64', cause }, 'T', json)).taker).to.deep.equal(
      taker,
    );
  });

  it('are a line of JSON, with id and facts of a problem', () => {
    expect(JSON.parse(formatEvent(restored, 'T', json))).to.deep.equal({
      ...{ time: 'T', event: 'restored', architecture: 'arm64', cause: 'its entry had been removed' },
      restoreCause: 'removed',
    });
    const problem = mountProblem('/m', 'ENODEV');
    const failed = JSON.parse(formatEvent({ event: 'failed', cause: { kind: 'problem', problem } }, 'T', json));
    expect(failed.problem).to.deep.equal({ id: 'kernel-module', facts: { ...problem.facts } });
  });
});

describe('addresses', () => {
  for (const [text, address] of [
    ['9090', '127.0.0.1:9090'],
    ['0.0.0.0:80', '0.0.0.0:80'],
    ['[::1]:80', '[::1]:80'],
    ['unix:/run/x.sock', 'unix:/run/x.sock'],
  ] as const) {
    it(`"${text}" is ${address}`, () => {
      const parsed = parseAddress(text);
      expect(parsed && formatAddress(parsed)).to.equal(address);
    });
  }
  for (const text of ['', 'x', 'unix:', '70000', 'host:', 'a:b:1']) {
    it(`"${text}" is not an address`, () => expect(parseAddress(text)).to.equal(undefined));
  }
});

describe('what a watcher answers', () => {
  const problem = mountProblem('/m', 'ENODEV');
  const start = { ...initialState(parseSelection(['arm64']), 0), started: true };
  const answers = (state: Partial<WatchState>) =>
    routesFor({
      state: () => ({ ...start, ...state }),
      status: () => EMPTY_STATUS,
      lastProbe: () => 5000,
      build: { version: '1', revision: 'r', node: '1' },
      invocation: asImage,
    });
  const ready = (state: Partial<WatchState>) => answers(state)['/readyz']?.();

  it('is ready or not, and why', () => {
    expect(ready({ ready: true })).to.include({ status: 200, body: 'ready\n' });
    const [watched] = start.platforms;
    if (!watched) throw new Error('nothing is watched');
    expect(ready({ platforms: [{ ...watched, problem }] })).to.deep.include({ status: 503 });
    expect(ready({ platforms: [{ ...watched, problem }] })?.body).to.match(
      /^not ready\narm64: cannot mount binfmt_misc/,
    );
    expect(ready({ platforms: [{ ...watched, waiting: true }] })?.body).to.equal(
      'not ready\narm64: something keeps removing its entry\n',
    );
    const { unknown } = parseSelection(['nonsense']);
    expect(ready({ unknown })?.body).to.contain('"nonsense"');
    expect(ready({ started: false })?.body).to.equal('not ready\nthe first installation is not finished\n');
    expect(ready({ failed: { streak: 1, at: 0 } })?.body).to.equal(
      'not ready\nthe last check failed; the log says why\n',
    );
  });

  it('has a metric that says what runs, which is nothing before the first installation, and not what waits', () => {
    const [watched] = start.platforms;
    if (!watched) throw new Error('nothing is watched');
    const running = (state: Partial<WatchState>) =>
      parsePrometheus(answers(state)['/metrics']?.().body ?? '').find(
        ({ name }) => name === 'binfmt_architecture_running',
      )?.metrics[0]?.value;
    expect(running({})).to.equal('1');
    expect(running({ started: false })).to.equal('0');
    expect(running({ platforms: [{ ...watched, waiting: true }] })).to.equal('0');
  });

  it('has metrics that count words that are not platforms', () => {
    const { unknown } = parseSelection(['nonsense']);
    const body = answers({ unknown })['/metrics']?.().body ?? '';
    const families = new Map(parsePrometheus(body).map((family) => [family.name, family]));
    expect(families.get('binfmt_architectures_wanted')?.metrics).to.deep.equal([{ value: '2' }]);
    expect(families.get('binfmt_last_probe_timestamp_seconds')?.metrics[0]?.value).to.equal('5');
  });
});

describe('metrics', () => {
  it('escape backslashes, quotation marks and line breaks in labels', () => {
    const { restores } = initialState(parseSelection([]), 0);
    const build = { version: '1', revision: 'a"b\\c\nd', node: '1' };
    const text = formatMetrics({ running: new Map(), unknown: 0, taken: 0, restores, ready: true, build });
    expect(text).to.contain('binfmt_build_info{version="1",revision="a\\"b\\\\c\\nd",node="1"} 1\n');
    expect(text.split('\n').filter((line) => line !== '' && !/^(#|binfmt_)/.test(line))).to.deep.equal([]);
  });
});

import { expect } from 'chai';
import type { ProbeResult } from '../../src/core/binfmt/probe.js';
import {
  type ClusterNode,
  changeFor,
  type NodeWish,
  parseNode,
  releaseBy,
} from '../../src/core/cluster/node-labels.js';
import { mountProblem } from '../../src/core/doctor/mount-errors.js';
import { parseSelection } from '../../src/core/install/selection.js';
import { architectures } from '../../src/core/platform/architectures.js';
import { runningPlatforms } from '../../src/core/watch/running-platforms.js';
import { initialState } from '../../src/core/watch/watch-state.js';

const start: NodeWish & { taint: string } = {
  ...{ prefix: 'p.example', watcher: 'pod/1', running: ['linux/arm64', 'linux/arm/v7'], watched: ['arm64', 'arm'] },
  taint: 'p.example/starting',
};
const right = { 'p.example/linux-arm64': 'true', 'p.example/linux-arm-v7': 'true' };
const mine = { 'p.example/watcher': 'pod/1' };
const theirs = { 'p.example/watcher': 'pod/2' };
const others = { 'kubernetes.io/os': 'linux', 'p.example/pool': 'a', 'other.example/linux-s390x': 'true' };

function node(fields: Partial<ClusterNode> = {}): ClusterNode {
  return { resourceVersion: '7', labels: others, annotations: {}, taints: [], ...fields };
}

describe('the labels of a node', () => {
  it('are added in one patch, with whose they are and the version of the node', () => {
    expect(changeFor(node(), start, true)).to.deep.equal({
      patch: { metadata: { resourceVersion: '7', labels: right, annotations: mine } },
      added: ['p.example/linux-arm64', 'p.example/linux-arm-v7'],
      removed: [],
    });
  });

  it('need no patch if they are right', () => {
    const labels = { ...others, ...right };
    expect(changeFor(node({ labels, annotations: mine }), start, true)).to.equal(undefined);
    expect(changeFor(node({ labels, annotations: mine }), start, false)).to.equal(undefined);
  });

  it('are set to "true" again if one was changed', () => {
    const labels = { ...right, 'p.example/linux-arm64': 'false' };
    expect(changeFor(node({ labels, annotations: mine }), start, false)).to.deep.include({
      added: ['p.example/linux-arm64'],
      removed: [],
    });
  });

  it('are taken away for what does not run, and no others with this prefix or of this name', () => {
    const labels = { ...others, ...right, 'p.example/linux-s390x': 'true' };
    const change = changeFor(node({ labels, annotations: mine }), { ...start, running: ['linux/arm64'] }, false);
    expect(change).to.deep.equal({
      patch: {
        metadata: {
          resourceVersion: '7',
          labels: { 'p.example/linux-arm-v7': null, 'p.example/linux-s390x': null },
          annotations: mine,
        },
      },
      added: [],
      removed: ['p.example/linux-arm-v7', 'p.example/linux-s390x'],
    });
  });

  it('of an earlier watcher are taken over at the start, and what does not run is removed', () => {
    const labels = { ...right, 'p.example/linux-s390x': 'true' };
    const change = changeFor(node({ labels, annotations: theirs }), start, true);
    expect(change).to.deep.include({ added: [], removed: ['p.example/linux-s390x'] });
    expect(change?.patch).to.have.deep.nested.property('metadata.annotations', mine);
  });

  it('of a later watcher stay, but for the architectures that both watch', () => {
    const labels = { 'p.example/linux-s390x': 'true', 'p.example/linux-arm': 'true', 'p.example/linux-armbe': 'true' };
    const change = changeFor(node({ labels, annotations: theirs }), start, false);
    expect(change).to.deep.include({
      added: ['p.example/linux-arm64', 'p.example/linux-arm-v7'],
      removed: ['p.example/linux-arm'],
    });
    expect(change?.patch).to.have.deep.nested.property('metadata.annotations', {});
    expect(changeFor(node({ labels: right, annotations: theirs }), start, false)).to.equal(undefined);
  });

  it('become those of a watcher that is left alone', () => {
    expect(changeFor(node({ labels: right }), start, false)?.patch).to.have.deep.nested.property(
      'metadata.annotations',
      mine,
    );
  });

  it('are taken away at the end, if they are still those of the watcher that ends', () => {
    const labels = { ...others, ...right };
    expect(releaseBy('pod/1', node({ labels, annotations: mine }), 'p.example')).to.deep.equal({
      patch: {
        metadata: {
          resourceVersion: '7',
          labels: { 'p.example/linux-arm64': null, 'p.example/linux-arm-v7': null },
          annotations: { 'p.example/watcher': null },
        },
      },
      added: [],
      removed: ['p.example/linux-arm64', 'p.example/linux-arm-v7'],
    });
    expect(releaseBy('pod/1', node({ labels, annotations: theirs }), 'p.example')).to.equal(undefined);
    expect(releaseBy('pod/1', node({ labels }), 'p.example')).to.equal(undefined);
  });
});

describe('the taint of a node', () => {
  const taint = (key: string, effect: string) => ({ key, effect, timeAdded: '2026-01-01T00:00:00Z' });
  const labelled = { labels: right, annotations: mine };

  it('is removed with every effect, and other taints stay as they are', () => {
    const other = taint('other.example/x', 'NoExecute');
    const taints = [
      taint(start.taint, 'NoSchedule'),
      other,
      taint(start.taint, 'NoExecute'),
      taint(start.taint, 'PreferNoSchedule'),
    ];
    expect(changeFor(node({ ...labelled, taints }), start, false)).to.deep.equal({
      patch: { metadata: { resourceVersion: '7', labels: {}, annotations: mine }, spec: { taints: [other] } },
      added: [],
      removed: [],
      taint: start.taint,
    });
  });

  it('stays as long as the watcher does not want it to go', () => {
    const { taint: key, ...waiting } = start;
    expect(changeFor(node({ ...labelled, taints: [taint(key, 'NoSchedule')] }), waiting, false)).to.equal(undefined);
  });

  it('is not touched by a change of labels', () => {
    const taints = [taint('other.example/x', 'NoExecute')];
    expect(changeFor(node({ taints }), start, true)?.patch).not.to.have.property('spec');
  });
});

describe("an API server's answer", () => {
  const whole = { kind: 'Node', metadata: { name: 'n', resourceVersion: '1', labels: { a: 'b' } }, spec: {} };
  const read = (value: unknown) => parseNode(JSON.stringify(value), 'n');

  it('is read with the taints as they are', () => {
    const taints = [{ key: 'k', effect: 'NoSchedule', anything: 1 }];
    expect(read({ ...whole, spec: { taints } })).to.deep.equal({
      resourceVersion: '1',
      labels: { a: 'b' },
      annotations: {},
      taints,
    });
    expect(read({ ...whole, spec: undefined })).to.deep.include({ taints: [] });
  });

  for (const [what, value] of [
    ['no object', null],
    ['a list', []],
    ['of another kind', { ...whole, kind: 'Status' }],
    ['another node', { ...whole, metadata: { ...whole.metadata, name: 'm' } }],
    ['without a version', { ...whole, metadata: { name: 'n' } }],
    ['with taints that are no list', { ...whole, spec: { taints: 'k' } }],
    ['with a taint without a key', { ...whole, spec: { taints: [{ effect: 'NoSchedule' }] } }],
  ] as const) {
    it(`is refused if it is ${what}`, () => expect(read(value)).to.equal(undefined));
  }

  it('is refused if it is not JSON', () => expect(parseNode('<html>', 'n')).to.equal(undefined));
});

describe('the platforms that get a label', () => {
  const state = { ...initialState(parseSelection(['arm64', 'arm/v6', 's390x']), 0), started: true };
  const runs = (level?: number): ProbeResult => ({
    ...{ verdict: { kind: 'runs', level }, ranBy: 'unknown', microseconds: 1 },
  });
  const named = (name: string) => {
    const found = architectures.find((each) => each.name === name);
    if (!found) throw new Error(name);
    return found;
  };
  const probes = new Map([
    [named('arm64'), runs()],
    [named('arm'), runs(7)],
    [named('s390x'), runs()],
    [named('riscv64'), runs()],
  ]);

  it('are those that are watched, with every variant that runs', () => {
    expect(runningPlatforms(state, probes)).to.deep.equal([
      ...['linux/arm', 'linux/arm/v6', 'linux/arm/v7', 'linux/arm64', 'linux/s390x'],
    ]);
  });

  it('are not those that do not run, or whose entry something keeps removing', () => {
    const problem = mountProblem('/m', 'ENODEV');
    const [arm64, arm, s390x] = state.platforms;
    if (!arm64 || !arm || !s390x) throw new Error('too few');
    const platforms = [{ ...arm64, problem }, { ...arm, waiting: true }, s390x];
    expect(runningPlatforms({ ...state, platforms }, probes)).to.deep.equal(['linux/s390x']);
  });

  it('are none before the first installation', () => {
    expect(runningPlatforms({ ...state, started: false }, probes)).to.deep.equal([]);
  });
});

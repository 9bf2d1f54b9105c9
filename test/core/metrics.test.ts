import { expect } from 'chai';
import { counted, NO_REQUESTS } from '../../src/core/cluster/api-answer.js';
import { formatMetrics, type Metrics } from '../../src/core/watch/metrics.js';

const metrics: Metrics = {
  running: new Map([
    ['arm64', true],
    ['s390x', false],
  ]),
  unknown: 0,
  taken: 0,
  restores: { removed: 3, disabled: 0, replaced: 0, shadowed: 0, broken: 0 },
  lastProbe: undefined,
  ready: false,
  build: { version: '1.0.0', revision: 'r1', node: '24.1.0' },
};
const linesOf = (fields: Partial<Metrics>) => formatMetrics({ ...metrics, ...fields }).split('\n');

describe('metrics', () => {
  it('have a sample for each architecture, and 0 for causes that never occurred', () => {
    expect(linesOf({})).to.include.members([
      'binfmt_architectures_wanted 2',
      'binfmt_architecture_running{architecture="arm64"} 1',
      'binfmt_architecture_running{architecture="s390x"} 0',
      'binfmt_restores_total{cause="removed"} 3',
      'binfmt_restores_total{cause="disabled"} 0',
      'binfmt_ready 0',
    ]);
  });

  it('have no time of the last probe before the first one', () => {
    const samples = (lastProbe?: number) =>
      linesOf({ lastProbe }).filter((line) => line.startsWith('binfmt_last_probe'));
    expect(samples()).to.deep.equal([]);
    expect(samples(1700000000.5)).to.deep.equal(['binfmt_last_probe_timestamp_seconds 1700000000.5']);
  });

  it('count requests to an API server, if there is one to ask', () => {
    expect(linesOf({}).join('\n')).not.to.contain('api_requests');
    expect(linesOf({ apiRequests: counted(NO_REQUESTS, 'PATCH', 'conflict') })).to.include.members([
      'binfmt_api_requests_total{method="GET",result="ok"} 0',
      'binfmt_api_requests_total{method="PATCH",result="conflict"} 1',
    ]);
  });

  it('escape quotation marks and backslashes in labels', () => {
    expect(linesOf({ build: { version: '1', revision: 'a"b\\c', node: '24' } })).to.include(
      'binfmt_build_info{version="1",revision="a\\"b\\\\c",node="24"} 1',
    );
  });
});

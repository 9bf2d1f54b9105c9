import { expect } from 'chai';
import { causeKey, counted, judge, NO_REQUESTS } from '../../src/core/cluster/api-answer.js';
import { parseDnsName, parseTaintKey, serverUrl } from '../../src/core/cluster/cluster.js';
import { oneLine } from '../../src/core/report/render.js';
import { formatEvent } from '../../src/core/watch/event-text.js';
import { asImage } from '../support/doctor.js';

const serviceAccount = '/d';

describe('names in a cluster', () => {
  for (const name of ['binfmt', 'a', 'ip-10-0-0-1.example.com', '9.x', 'a'.repeat(253)]) {
    it(`"${name.slice(0, 30)}" is a prefix and the name of a node`, () => expect(parseDnsName(name)).to.equal(name));
  }
  for (const name of [
    '',
    'Example.com',
    'a_b',
    '-a',
    'a-',
    'a..b',
    '.a',
    'a/b',
    'a b',
    '$(NODE_NAME)',
    'a'.repeat(254),
  ]) {
    it(`"${name.slice(0, 30)}" is neither`, () => expect(parseDnsName(name)).to.equal(undefined));
  }
  for (const key of ['starting', 'a', 'A_b.c', 'example.com/agent-not-ready', `a.b/${'x'.repeat(63)}`]) {
    it(`"${key.slice(0, 30)}" is the key of a taint`, () => expect(parseTaintKey(key)).to.equal(key));
  }
  for (const key of ['', 'a=b', 'a:NoSchedule', 'a/b/c', '/a', 'a/', 'A.b/c', '-a', 'a-', 'é', 'x'.repeat(64)]) {
    it(`"${key.slice(0, 30)}" is not the key of a taint`, () => expect(parseTaintKey(key)).to.equal(undefined));
  }
});

describe('the API server', () => {
  for (const [host, port, url] of [
    ['10.96.0.1', '443', 'https://10.96.0.1:443'],
    ['fd00::1', '6443', 'https://[fd00::1]:6443'],
    ['api.example.com', undefined, 'https://api.example.com:443'],
  ] as const) {
    it(`is at ${url}`, () => expect(serverUrl({ host, port, serviceAccount })).to.deep.equal({ kind: 'url', url }));
  }
  for (const [host, port, variable, value] of [
    [undefined, '443', 'KUBERNETES_SERVICE_HOST', undefined],
    ['', '443', 'KUBERNETES_SERVICE_HOST', undefined],
    ['https://x', '443', 'KUBERNETES_SERVICE_HOST', 'https://x'],
    ['h', 'tcp://10.0.0.1:443', 'KUBERNETES_SERVICE_PORT', 'tcp://10.0.0.1:443'],
    ['h', '0', 'KUBERNETES_SERVICE_PORT', '0'],
    ['h', '65536', 'KUBERNETES_SERVICE_PORT', '65536'],
  ] as const) {
    it(`is not found if ${variable} is ${value}`, () => {
      const found = serverUrl({ host, port, serviceAccount });
      expect(found.kind === 'unusable' && [found.variable, found.value]).to.deep.equal([variable, value]);
    });
  }
});

describe('an answer of the API server', () => {
  const judged = (status: number, body: unknown = {}, method: 'GET' | 'PATCH' = 'GET') =>
    judge({ kind: 'answer', status, body: JSON.stringify(body) }, method, 'https://s', 'n');
  const lineOf = (found: ReturnType<typeof judge>) => (found.result === 'ok' ? '' : oneLine(found.problem, asImage));

  it('is the node', () => {
    const body = { kind: 'Node', metadata: { name: 'n', resourceVersion: '1' } };
    expect(judged(200, body)).to.deep.include({ result: 'ok' });
    expect(judged(201, body).result).to.equal('refused');
  });

  for (const [status, result, text] of [
    [401, 'refused', 'does not accept the token of the service account (401): why; allow its service account'],
    [403, 'refused', 'the service account is not allowed to patch the node (403): why; allow its service account'],
    [404, 'refused', 'knows no node of this name (404): why'],
    [409, 'conflict', 'others keep changing the node (409): why'],
    [302, 'refused', 'the API server answered PATCH with 302: why'],
    [503, 'refused', 'the API server answered PATCH with 503: why'],
  ] as const) {
    it(`with status ${status} is a reason that says what to do`, () => {
      const found = judged(status, { message: 'why' }, 'PATCH');
      expect(found.result).to.equal(result);
      expect(lineOf(found))
        .to.match(/^the labels of node "n" may be out of date: /)
        .and.contain(text);
    });
  }

  it('may be rubbish, or none at all', () => {
    expect(judged(200, 'rubbish').result).to.equal('unusable');
    expect(lineOf(judged(200, 'rubbish'))).to.contain('the answer of https://s does not describe this node');
    const silent = judge({ kind: 'silent', errno: 'ETIMEDOUT' }, 'GET', 'https://s', 'n');
    expect(silent.result).to.equal('silent');
    expect(lineOf(silent)).to.contain('https://s does not answer (ETIMEDOUT: it took too long)');
  });

  it('has the same cause as another, whatever the words', () => {
    const causes = [judged(500, { message: 'a' }), judged(500, { message: 'b' }), judged(503)].map((each) =>
      each.result === 'ok' ? '' : causeKey(each.problem),
    );
    expect(causes[0]).to.equal(causes[1]);
    expect(causes[0]).not.to.equal(causes[2]);
  });

  it('is counted by what became of it', () => {
    const requests = counted(counted(NO_REQUESTS, 'GET', 'ok'), 'GET', 'ok');
    expect(requests.GET).to.deep.include({ ok: 2, silent: 0 });
    expect(requests.PATCH).to.deep.include({ ok: 0 });
  });
});

describe('an event about the node', () => {
  const said = (change: { added?: string[]; removed?: string[]; taint?: string }) =>
    formatEvent(
      { event: 'node', cause: { kind: 'node-changed', change: { added: [], removed: [], ...change } } },
      'T',
      { format: 'text', invocation: asImage },
    );

  it('says what was changed', () => {
    expect(said({ added: ['a', 'b'], removed: ['c'], taint: 'd' })).to.equal(
      'T node: added a and b; removed c; removed the taint d',
    );
    expect(said({ added: ['a'] })).to.equal('T node: added a');
    expect(said({})).to.equal('T node: no label had to change');
  });
});

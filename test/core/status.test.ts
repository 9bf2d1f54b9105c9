import { expect } from 'chai';
import { architectures } from '../../src/core/architectures.js';
import { parseEntry } from '../../src/core/entry.js';
import type { Probe } from '../../src/core/probe.js';
import type { Snapshot } from '../../src/core/snapshot.js';
import { EMPTY_STATUS, formatStatus, statusOf } from '../../src/core/status.js';
import { row } from '../support/architectures.js';

function snapshot(
  own: string,
  levels: Record<string, number | undefined>,
  entries: Snapshot['entries'] = [],
): Snapshot {
  const probe = (level: number | undefined): Probe => ({ verdict: { kind: 'runs', level }, microseconds: 1 });
  return {
    own: row(own),
    kernel: '6.1',
    registry: { kind: 'writable', dir: '/m', mountedHere: false },
    entries,
    emulators: new Map(),
    probes: new Map(Object.entries(levels).map(([name, level]) => [row(name), probe(level)])),
    registeredVersions: new Map(),
  };
}

describe('the status', () => {
  it("has the machine's own platform first, then the order that clients know", () => {
    const { supported } = statusOf(snapshot('arm64', { amd64: 2, arm64: undefined, arm: 7, '386': undefined }));
    expect(supported).to.deep.equal([
      'linux/arm64',
      'linux/amd64',
      'linux/amd64/v2',
      'linux/386',
      'linux/arm/v7',
      'linux/arm/v6',
    ]);
  });

  it('lists all enabled entries, sorted, and no disabled one', () => {
    const entries = [parseEntry('qemu-b', 'enabled'), parseEntry('jar', 'enabled'), parseEntry('off', 'disabled')];
    expect(statusOf(snapshot('amd64', {}, entries)).emulators).to.deep.equal(['jar', 'qemu-b']);
  });

  it('is written as clients parse it, empty lists as []', () => {
    expect(formatStatus(EMPTY_STATUS)).to.equal('{\n  "supported": [],\n  "emulators": []\n}\n');
  });

  it('counts only probes that ran', () => {
    const failed = snapshot('amd64', {});
    const probes = new Map(
      architectures.map((each) => [each, { verdict: { kind: 'timeout' }, microseconds: 1 } as const]),
    );
    expect(statusOf({ ...failed, probes }).supported).to.deep.equal([]);
  });
});

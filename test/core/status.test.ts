import { expect } from 'chai';
import { parseEntry } from '../../src/core/binfmt/entry.js';
import type { ProbeResult } from '../../src/core/binfmt/probe.js';
import type { Snapshot } from '../../src/core/binfmt/snapshot.js';
import { architectures } from '../../src/core/platform/architectures.js';
import { EMPTY_STATUS, formatStatus, statusOf } from '../../src/core/report/status.js';
import { row } from '../support/architectures.js';

function snapshot(
  own: string,
  levels: Record<string, number | undefined>,
  entries: Snapshot['entries'] = [],
): Snapshot {
  const probe = (level: number | undefined): ProbeResult => ({
    verdict: { kind: 'runs', level },
    ranBy: 'unknown',
    microseconds: 1,
  });
  return {
    own: row(own),
    kernel: '6.1',
    binfmt: { kind: 'writable', dir: '/m', mountedHere: false },
    entries,
    emulators: new Map(),
    emulatorDirectory: { path: '/usr/bin', prefix: '' },
    probes: new Map(Object.entries(levels).map(([name, level]) => [row(name), probe(level)])),
    registeredVersions: new Map(),
  };
}

describe('the status', () => {
  it("lists the machine's own platform first, then the others in the order that clients know", () => {
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

  it("lists the processor's platform first if the program is emulated itself", () => {
    const emulated = { ...snapshot('arm64', { arm64: undefined, amd64: 1, arm: 7 }), emulatedOn: row('amd64') };
    expect(statusOf(emulated).supported.slice(0, 2)).to.deep.equal(['linux/amd64', 'linux/arm64']);
    const other = { ...snapshot('amd64', { arm64: undefined, amd64: 1 }), emulatedOn: row('arm64') };
    expect(statusOf(other).supported).to.deep.equal(['linux/arm64', 'linux/amd64']);
  });

  it('lists the names of all enabled entries, sorted', () => {
    const entries = [parseEntry('qemu-b', 'enabled'), parseEntry('jar', 'enabled'), parseEntry('off', 'disabled')];
    expect(statusOf(snapshot('amd64', {}, entries)).emulators).to.deep.equal(['jar', 'qemu-b']);
  });

  it('is written as clients parse it, with [] for an empty list', () => {
    expect(formatStatus(EMPTY_STATUS)).to.equal('{\n  "supported": [],\n  "emulators": []\n}\n');
  });

  it('lists no platform whose probe failed', () => {
    const failed = snapshot('amd64', {});
    const probes = new Map(
      architectures.map((each) => [each, { verdict: { kind: 'timeout' }, ranBy: 'unknown', microseconds: 1 } as const]),
    );
    expect(statusOf({ ...failed, probes }).supported).to.deep.equal([]);
  });
});

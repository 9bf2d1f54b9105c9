import { expect } from 'chai';
import type { Entry } from '../../src/core/entry.js';
import { type InstallOptions, planInstall, type Step, wantedFlags } from '../../src/core/plan.js';
import type { Probe } from '../../src/core/probe.js';
import type { Emulator, Snapshot } from '../../src/core/snapshot.js';
import { row } from '../support/architectures.js';

const arm64 = row('arm64');
const defaults: InstallOptions = { credentials: true, preserveArgv0: true, force: false, keep: false };
const emulator: Emulator = { name: 'qemu-aarch64', path: '/usr/bin/qemu-aarch64', version: '11.1.3' };
const entry = (fields: Partial<Entry> = {}): Entry => ({
  name: 'qemu-aarch64',
  enabled: true,
  interpreter: '/usr/bin/qemu-aarch64',
  flags: 'POCF',
  offset: 0,
  magic: arm64.magic,
  mask: arm64.mask,
  ...fields,
});
const runs: Probe = { verdict: { kind: 'runs' }, native: false, interpreter: '/usr/bin/qemu-aarch64', microseconds: 1 };
const fails: Probe = { verdict: { kind: 'refused', errno: 'ENOEXEC' }, microseconds: 1 };

interface Case {
  readonly entries?: readonly Entry[];
  readonly probe?: Probe;
  readonly registered?: string;
  readonly emulator?: Emulator | undefined;
  readonly options?: Partial<InstallOptions>;
  readonly registry?: Snapshot['registry'];
}

function plan(given: Case): Step {
  const snapshot: Snapshot = {
    own: row('amd64'),
    kernel: '6.1.0',
    registry: given.registry ?? { kind: 'writable', dir: '/m', mountedHere: false },
    entries: given.entries ?? [],
    emulators: new Map('emulator' in given && !given.emulator ? [] : [[arm64, given.emulator ?? emulator]]),
    probes: new Map([[arm64, given.probe ?? runs]]),
    registeredVersions: new Map(given.registered ? [[arm64, given.registered]] : []),
  };
  return planInstall({ architecture: arm64 }, { ...defaults, ...given.options }, snapshot);
}

describe('the plan of an installation', () => {
  const cases: [string, Case, Step['kind'], RegExp | undefined][] = [
    ['nothing registered', { probe: fails }, 'register', undefined],
    ['native', { probe: { ...runs, native: true } }, 'ready', /natively/],
    [
      'native where nothing could be seen',
      { probe: { verdict: { kind: 'runs' }, microseconds: 1 } },
      'ready',
      /natively/,
    ],
    ['ours, same version', { entries: [entry()], registered: '11.1.3' }, 'ready', /already registered, QEMU 11.1.3/],
    ['ours, newer', { entries: [entry()], registered: '12.0' }, 'ready', /12.0/],
    ['ours, older', { entries: [entry()], registered: '8.2.2' }, 'register', /8.2.2 is now 11.1.3/],
    [
      'ours, older, --keep',
      { entries: [entry()], registered: '8.2.2', options: { keep: true } },
      'ready',
      /kept QEMU 8.2.2/,
    ],
    ['ours, not QEMU', { entries: [entry()] }, 'register', /unknown version/],
    [
      'ours, other flags',
      { entries: [entry({ flags: 'F' })], registered: '11.1.3' },
      'register',
      /flags F are now POCF/,
    ],
    ['ours, no flags', { entries: [entry({ flags: '' })], registered: '11.1.3' }, 'register', /flags none are now/],
    ['ours, other mask', { entries: [entry({ mask: 'f'.repeat(40) })], registered: '11.1.3' }, 'register', /mask/],
    ['ours, but broken', { entries: [entry()], probe: fails }, 'register', /did not work/],
    ['ours, disabled', { entries: [entry({ enabled: false })], probe: fails }, 'register', /disabled/],
    ['another name', { entries: [entry({ name: 'box64' })] }, 'ready', /box64, left alone/],
    [
      'another name, --force',
      { entries: [entry({ name: 'box64' })], options: { force: true } },
      'register',
      /front of box64/,
    ],
    ['older, but none at hand', { entries: [entry()], registered: '8.2', emulator: undefined }, 'ready', /left alone/],
    [
      'ours, could not be tried now',
      { entries: [entry()], probe: { verdict: { kind: 'untried', errno: 'EMFILE' }, microseconds: 1 } },
      'impossible',
      undefined,
    ],
    ['none at hand', { probe: fails, emulator: undefined }, 'impossible', undefined],
    [
      'runs, entries cannot be read',
      { registry: { kind: 'closed', failure: { code: 'no-permission', subject: '/m', cause: 'EPERM' } } },
      'ready',
      /cannot be read here/,
    ],
    [
      'does not run, entries cannot be written',
      { probe: fails, registry: { kind: 'closed', failure: { code: 'no-permission', subject: '/m', cause: 'EPERM' } } },
      'impossible',
      undefined,
    ],
  ];
  for (const [name, given, kind, note] of cases) {
    it(`${name}: ${kind}`, () => {
      const step = plan(given);
      expect(step.kind).to.equal(kind);
      if (note) expect('note' in step && step.note).to.match(note);
    });
  }

  it('leaves what works where ours cannot be registered', () => {
    const unusable = { code: 'emulator-unusable', subject: 'x', cause: 'x is dynamically linked' } as const;
    const step = plan({ entries: [entry()], registered: '8.2', emulator: { ...emulator, unusable } });
    expect(step).to.include({ kind: 'ready' });
    expect(plan({ probe: fails, emulator: { ...emulator, unusable } })).to.deep.equal({
      kind: 'impossible',
      failure: unusable,
    });
  });

  it('removes only an entry of our name', () => {
    const theirs = entry({ name: 'box64' });
    const forced = plan({
      entries: [theirs, entry()],
      options: { force: true },
      probe: { ...runs, interpreter: '/none' },
    });
    expect(forced).to.deep.include({ kind: 'register', replaces: entry() });
    const alone = plan({ entries: [theirs], options: { force: true } });
    expect(alone).to.have.property('replaces', undefined);
  });

  it('believes the interpreter that was seen, where several entries match', () => {
    const newest = entry({ name: 'box64', interpreter: '/usr/bin/box64' });
    const step = plan({ entries: [newest, entry()], registered: '11.1.3' });
    expect(step).to.deep.equal({ kind: 'ready', note: 'already registered, QEMU 11.1.3' });
  });
});

describe('flags', () => {
  for (const [options, kernel, flags] of [
    [{}, '6.18.0', 'POCF'],
    [{ credentials: false }, '6.18.0', 'PF'],
    [{ preserveArgv0: false }, '6.18.0', 'OCF'],
    [{}, '5.11.22-generic', 'OCF'],
    [{}, '5.12.0', 'POCF'],
    [{ credentials: false, preserveArgv0: false }, '6.18.0', 'F'],
  ] as const) {
    it(`${JSON.stringify(options)} on Linux ${kernel}: ${flags}`, () => {
      expect(wantedFlags({ ...defaults, ...options }, kernel)).to.equal(flags);
    });
  }
});

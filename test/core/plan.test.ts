import { expect } from 'chai';
import type { Entry } from '../../src/core/binfmt/entry.js';
import type { ProbeResult } from '../../src/core/binfmt/probe.js';
import type { BinfmtMount, Emulator, Snapshot } from '../../src/core/binfmt/snapshot.js';
import { mountProblem } from '../../src/core/doctor/mount-errors.js';
import { emulatorUnusable } from '../../src/core/install/emulator-problems.js';
import { type InstallOptions, planInstall, type Step, wantedFlags } from '../../src/core/install/plan.js';
import type { Note } from '../../src/core/note.js';
import { problemOf } from '../../src/core/problem.js';
import { describeNote } from '../../src/core/report/note-text.js';
import { causeOf } from '../../src/core/report/render.js';
import { row } from '../support/architectures.js';
import { entryFor } from '../support/doctor.js';

const arm64 = row('arm64');
const defaults: InstallOptions = { credentials: true, preserveArgv0: true, force: false, keep: false };
const emulator: Emulator = { name: 'qemu-aarch64', path: '/usr/bin/qemu-aarch64', version: '11.1.3' };
const entry = (fields: Partial<Entry> = {}) => entryFor(arm64, fields);
const runs: ProbeResult = {
  verdict: { kind: 'runs' },
  ranBy: { interpreter: '/usr/bin/qemu-aarch64' },
  microseconds: 1,
};
const fails: ProbeResult = { verdict: { kind: 'refused', errno: 'ENOEXEC' }, ranBy: 'unknown', microseconds: 1 };
const unavailable: BinfmtMount = { kind: 'unavailable', problem: mountProblem('/m', 'EPERM') };
const unusable = problemOf(emulatorUnusable, 'x', { file: 'x', reason: 'dynamic', loader: '/ld' });

interface Case {
  readonly entries?: readonly Entry[];
  readonly probe?: ProbeResult;
  readonly registered?: string;
  readonly emulator?: Emulator | 'none';
  readonly options?: Partial<InstallOptions>;
  readonly binfmt?: BinfmtMount;
}

function plan(given: Case): Step {
  const snapshot: Snapshot = {
    own: row('amd64'),
    kernel: '6.1.0',
    binfmt: given.binfmt ?? { kind: 'writable', dir: '/m', mountedHere: false },
    entries: given.entries ?? [],
    emulators: new Map(given.emulator === 'none' ? [] : [[arm64, given.emulator ?? emulator]]),
    emulatorDirectory: { path: '/usr/bin', prefix: '' },
    probes: new Map([[arm64, given.probe ?? runs]]),
    registeredVersions: new Map(given.registered ? [[arm64, given.registered]] : []),
  };
  return planInstall({ architecture: arm64 }, { ...defaults, ...given.options }, snapshot);
}

describe('the plan of an installation', () => {
  const version = { in: 'version', have: '8.2.2', want: '11.1.3' } as const;
  const cases: [string, Case, Step['kind'], Note | undefined][] = [
    ['registers if nothing is registered', { probe: fails }, 'register', undefined],
    ['leaves alone what the processor runs', { probe: { ...runs, ranBy: 'processor' } }, 'ready', { kind: 'native' }],
    [
      'believes that the processor runs it if nothing could be seen',
      { probe: { ...runs, ranBy: 'unknown' } },
      'ready',
      { kind: 'native' },
    ],
    [
      'leaves an entry with the same version alone',
      { entries: [entry()], registered: '11.1.3' },
      'ready',
      { kind: 'already-registered', version: '11.1.3' },
    ],
    [
      'leaves an entry with a newer version alone',
      { entries: [entry()], registered: '12.0' },
      'ready',
      { kind: 'already-registered', version: '12.0' },
    ],
    [
      'replaces an older version',
      { entries: [entry()], registered: '8.2.2' },
      'register',
      { kind: 'changed', difference: version },
    ],
    [
      'keeps an older version with --keep',
      { entries: [entry()], registered: '8.2.2', options: { keep: true } },
      'ready',
      { kind: 'kept', version: '8.2.2', difference: version },
    ],
    [
      'keeps the flags of another watcher',
      { entries: [entry({ flags: 'PF' })], registered: '11.1.3', options: { keepOurs: true } },
      'ready',
      { kind: 'kept', version: '11.1.3', difference: { in: 'flags', have: 'PF', want: 'POCF' } },
    ],
    [
      'does not keep the flags of another tool for that',
      {
        entries: [entry({ flags: 'PF', interpreter: '/usr/libexec/qemu-aarch64' })],
        registered: '11.1.3',
        options: { keepOurs: true },
      },
      'register',
      { kind: 'changed', difference: { in: 'flags', have: 'PF', want: 'POCF' } },
    ],
    [
      'replaces an emulator that does not tell its version',
      { entries: [entry()] },
      'register',
      { kind: 'changed', difference: { in: 'version', have: undefined, want: '11.1.3' } },
    ],
    [
      'replaces other flags',
      { entries: [entry({ flags: 'F' })], registered: '11.1.3' },
      'register',
      { kind: 'changed', difference: { in: 'flags', have: 'F', want: 'POCF' } },
    ],
    [
      'also says that QEMU gets older if it replaces other flags of a newer one, as it was asked to',
      { entries: [entry({ flags: 'F' })], registered: '12.0' },
      'register',
      {
        kind: 'changed',
        difference: { in: 'flags', have: 'F', want: 'POCF', older: { have: '12.0', want: '11.1.3' } },
      },
    ],
    [
      'also says that QEMU gets older if it replaces another mask of a newer one',
      { entries: [entry({ mask: 'f'.repeat(40) })], registered: '12.0' },
      'register',
      { kind: 'changed', difference: { in: 'magic', older: { have: '12.0', want: '11.1.3' } } },
    ],
    [
      'replaces another mask',
      { entries: [entry({ mask: 'f'.repeat(40) })], registered: '11.1.3' },
      'register',
      { kind: 'changed', difference: { in: 'magic' } },
    ],
    [
      'replaces a broken entry',
      { entries: [entry()], probe: fails },
      'register',
      { kind: 'replaced', entry: 'broken' },
    ],
    [
      'replaces an entry whose emulator SELinux keeps from other containers, also with --keep',
      {
        entries: [entry()],
        registered: '11.1.3',
        probe: { ...runs, label: 'system_u:object_r:container_file_t:s0:c1022,c1023' },
        options: { keep: true },
      },
      'register',
      { kind: 'replaced', entry: 'broken' },
    ],
    [
      'leaves an entry alone whose emulator every container may read',
      {
        entries: [entry()],
        registered: '11.1.3',
        probe: { ...runs, label: 'system_u:object_r:container_file_t:s0' },
      },
      'ready',
      { kind: 'already-registered', version: '11.1.3' },
    ],
    [
      'registers the same again if its file was replaced',
      { entries: [entry()], registered: '11.1.3', options: { renew: new Set([arm64]) } },
      'register',
      { kind: 'renewed' },
    ],
    [
      'registers an older QEMU in place of a newer one if its file was replaced, and says so',
      { entries: [entry()], registered: '11.2', options: { renew: new Set([arm64]) } },
      'register',
      { kind: 'changed', difference: { in: 'version', have: '11.2', want: '11.1.3' } },
    ],
    [
      'replaces a disabled entry',
      { entries: [entry({ enabled: false })], probe: fails },
      'register',
      { kind: 'replaced', entry: 'disabled' },
    ],
    [
      'leaves a working entry of another name alone',
      { entries: [entry({ name: 'box64' })] },
      'ready',
      { kind: 'other-entry', entry: 'box64' },
    ],
    [
      'registers in front of it with --force',
      { entries: [entry({ name: 'box64' })], options: { force: true } },
      'register',
      { kind: 'in-front-of', entry: 'box64' },
    ],
    [
      'leaves an entry alone that it has no emulator for',
      { entries: [entry()], registered: '8.2', emulator: 'none' },
      'ready',
      { kind: 'other-entry', entry: 'qemu-aarch64' },
    ],
    ['cannot do anything without an emulator', { probe: fails, emulator: 'none' }, 'impossible', undefined],
    [
      'leaves alone what runs through an entry that it cannot read',
      { binfmt: unavailable },
      'ready',
      { kind: 'hidden-entry', interpreter: '/usr/bin/qemu-aarch64' },
    ],
    [
      'cannot register if binfmt_misc cannot be written',
      { probe: fails, binfmt: unavailable },
      'impossible',
      undefined,
    ],
    [
      'keeps a working entry if the new emulator cannot be registered',
      { entries: [entry()], registered: '8.2', emulator: { ...emulator, unusable } },
      'ready',
      { kind: 'not-replaced', version: '8.2', problem: unusable },
    ],
    [
      'changes nothing if the probe could not be run',
      { probe: { ...fails, verdict: { kind: 'untried', errno: 'EMFILE' } } },
      'impossible',
      undefined,
    ],
  ];
  for (const [title, given, kind, note] of cases) {
    it(title, () => {
      const step = plan(given);
      expect(step.kind).to.equal(kind);
      expect('note' in step ? step.note : undefined).to.deep.equal(note);
    });
  }

  it('says why an emulator cannot be registered', () => {
    expect(plan({ probe: fails, emulator: { ...emulator, unusable } })).to.deep.equal({
      kind: 'impossible',
      problem: unusable,
    });
  });

  it('tries an emulator before it replaces an entry that works, and not otherwise', () => {
    expect(plan({ entries: [entry()], registered: '8.2.2' })).to.include({ replacesWorking: true });
    expect(plan({ entries: [entry()], probe: fails })).not.to.have.property('replacesWorking');
  });

  it('removes no entry but the one with its own name', () => {
    const other = entry({ name: 'box64' });
    const forced = plan({ entries: [other, entry()], options: { force: true }, probe: { ...runs, ranBy: 'unknown' } });
    expect(forced).to.deep.include({ kind: 'register', replaces: entry() });
    expect(plan({ entries: [other], options: { force: true } })).to.have.property('replaces', undefined);
  });

  it('believes the interpreter that was seen if several entries match', () => {
    const newest = entry({ name: 'box64', interpreter: '/usr/bin/box64' });
    expect(plan({ entries: [newest, entry()], registered: '11.1.3' })).to.deep.equal({
      kind: 'ready',
      note: { kind: 'already-registered', version: '11.1.3' },
    });
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
    it(`are ${flags} with ${JSON.stringify(options)} on Linux ${kernel}`, () => {
      expect(wantedFlags({ ...defaults, ...options }, kernel)).to.equal(flags);
    });
  }
});

describe('an entry whose emulator SELinux keeps from other containers', () => {
  it('tries a new emulator first if the entry runs in some containers', () => {
    const label = 'system_u:object_r:container_file_t:s0:c1022,c1023';
    expect(plan({ entries: [entry()], probe: { ...runs, label } })).to.have.property('replacesWorking', true);
    expect(plan({ entries: [entry()], probe: fails })).not.to.have.property('replacesWorking');
  });
});

describe('notes', () => {
  const flags = { in: 'flags', have: 'PF', want: 'POCF' } as const;
  const version = { in: 'version', have: '10.0', want: '11.1' } as const;
  const older = { have: '12.0', want: '11.1' } as const;
  for (const [note, text] of [
    [{ kind: 'already-registered', version: '11.1.3' }, 'already registered, QEMU 11.1.3'],
    [{ kind: 'already-registered' }, 'already registered, unknown QEMU version'],
    [
      { kind: 'kept', version: '11.1', difference: flags },
      'kept QEMU 11.1 with flags PF; without --keep it would get POCF',
    ],
    [{ kind: 'kept', version: '10.0', difference: version }, 'kept QEMU 10.0; QEMU 11.1 is available'],
    [{ kind: 'changed', difference: flags }, 'flags PF are now POCF'],
    [{ kind: 'changed', difference: { ...flags, have: '' } }, 'flags none are now POCF'],
    [
      { kind: 'changed', difference: { ...flags, older } },
      'flags PF are now POCF, and QEMU 12.0 is now 11.1, which is older',
    ],
    [
      { kind: 'changed', difference: { in: 'magic', older } },
      'magic and mask are now right, and QEMU 12.0 is now 11.1, which is older',
    ],
    [
      { kind: 'kept', version: '12.0', difference: { ...flags, older } },
      'kept QEMU 12.0 with flags PF; without --keep it would get POCF, and QEMU 11.1, which is older',
    ],
    [{ kind: 'changed', difference: version }, 'QEMU 10.0 is now 11.1'],
    [{ kind: 'changed', difference: { ...version, have: undefined } }, 'QEMU (unknown version) is now 11.1'],
    [
      { kind: 'not-replaced', version: '8.2', problem: unusable },
      'already registered, QEMU 8.2, not replaced: x is dynamically linked: the kernel keeps the emulator open (flag F), but not its loader /ld, which containers do not have',
    ],
    [
      { kind: 'other-names', files: ['/b/qemu-arm-static', '/b/qemu-ppc-static'], instead: '/b/qemu-arm' },
      '/b/qemu-arm-static and another such file are not used, because binfmt looks for emulators with other names. In a container, add yours with -v FILE:/b/qemu-arm:ro',
    ],
    [
      { kind: 'this-container-only', platform: 'linux/amd64', note: { kind: 'replaced', entry: 'broken' } },
      'replaced an entry that did not work; in this container only, because binfmt is emulated itself, on linux/amd64',
    ],
  ] as const) {
    it(`say "${text.slice(0, 60)}"`, () => expect(describeNote(note, causeOf)).to.equal(text));
  }
});

/**
 * Machines of every kind, captured: the one that runs the tests is one of them only. What each runs without an emulator
 * decides what is registered, listed and advised.
 */
import { expect } from 'chai';
import { type Architecture, architectures } from '../../src/core/architectures.js';
import { chartOf } from '../../src/core/doctor/chart.js';
import { diagnose } from '../../src/core/doctor/diagnose.js';
import type { Examination } from '../../src/core/doctor/examination.js';
import { planInstall, type Step } from '../../src/core/plan.js';
import { parsePlatform } from '../../src/core/platform.js';
import type { Probe } from '../../src/core/probe.js';
import { parseSelection, selectPlatforms } from '../../src/core/selection.js';
import { statusOf } from '../../src/core/status.js';
import { row } from '../support/architectures.js';
import { type Captured, captured, commandsOf, entryFor, findingOf } from '../support/doctor.js';

const options = { credentials: true, preserveArgv0: true, force: false, keep: false };
const refused: Probe = { verdict: { kind: 'refused', errno: 'ENOEXEC' }, microseconds: 1 };

/** What a machine runs by itself: the highest variant of each architecture, undefined for those without variants. */
type Native = Readonly<Record<string, number | undefined>>;

/** A machine on which nothing is registered. Its own architecture is the one with 64 bits. */
function machine(native: Native, fields: Captured = {}): Examination {
  const own = Object.keys(native).find((name) => !['386', 'arm'].includes(name)) ?? '';
  const probeOf = (each: Architecture): Probe =>
    each.name in native
      ? { verdict: { kind: 'runs', level: native[each.name] }, native: true, microseconds: 1 }
      : refused;
  const probes = architectures.map((each): [Architecture, Probe] => [each, probeOf(each)]);
  return captured({ own: row(own), platforms: [], asked: false, probes, ...fields });
}

function asked(platform: string, examination: Examination): Examination {
  const parsed = parsePlatform(platform);
  if (parsed.kind !== 'platform') throw new Error(parsed.cause);
  return { ...examination, asked: true, platforms: [parsed.platform] };
}

const stepFor = (name: string, examination: Examination): Step =>
  planInstall({ architecture: row(name) }, options, examination);

describe('a machine', () => {
  for (const [title, native, supported] of [
    [
      'amd64 v4 that runs 386 programs',
      { amd64: 4, '386': undefined },
      ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3', 'linux/amd64/v4', 'linux/386'],
    ],
    ['amd64 v3 whose kernel runs no 386 programs', { amd64: 3 }, ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3']],
    ['amd64 v2', { amd64: 2, '386': undefined }, ['linux/amd64', 'linux/amd64/v2', 'linux/386']],
    ['amd64 v1', { amd64: 1, '386': undefined }, ['linux/amd64', 'linux/386']],
    ['arm64 that runs arm programs', { arm64: undefined, arm: 8 }, ['linux/arm64', 'linux/arm/v7', 'linux/arm/v6']],
    ['arm64 whose processor has no 32-bit mode', { arm64: undefined }, ['linux/arm64']],
    ['riscv64', { riscv64: undefined }, ['linux/riscv64']],
    ['ppc64le', { ppc64le: undefined }, ['linux/ppc64le']],
    ['s390x', { s390x: undefined }, ['linux/s390x']],
  ] as [string, Native, string[]][]) {
    describe(title, () => {
      const examination = machine(native);
      const foreign = architectures.filter(({ name }) => !(name in native));

      it('lists its own platforms first, and no other', () => {
        expect(statusOf(examination).supported).to.deep.equal(supported);
      });

      it('registers with "all" an emulator for everything that it does not run, and for nothing else', () => {
        const platforms = selectPlatforms(parseSelection(['all']), examination);
        expect(platforms.map(({ architecture }) => architecture)).to.have.members(foreign);
        for (const platform of platforms) expect(planInstall(platform, options, examination).kind).to.equal('register');
      });

      it('has nothing to do for what it runs by itself, even when asked by name', () => {
        for (const name of Object.keys(native)) {
          expect(stepFor(name, examination)).to.deep.equal({ kind: 'ready', note: 'this machine runs it natively' });
        }
      });

      it('shows in the doctor that the processor runs them', () => {
        for (const name of Object.keys(native)) {
          const one = asked(name, examination);
          expect(diagnose(one)).to.deep.equal([]);
          expect(chartOf(one, []).platforms).to.have.length(1);
          expect(chartOf(one, []).platforms[0]).to.include({ runs: true, native: true, handler: null, emulator: null });
        }
      });

      it('is offered emulators for what it does not run', () => {
        const { because } = findingOf('nothing-installed', { findings: diagnose(examination) });
        const [, names = ''] = /emulators for (.*)\.$/.exec(because) ?? [];
        expect(names.split(', ')).to.have.members(foreign.map(({ name }) => name));
      });
    });
  }
});

for (const [own, second] of [
  ['amd64', '386'],
  ['arm64', 'arm'],
] as const) {
  const architecture = row(second);
  const entry = entryFor(architecture);
  const level = architecture.levels ? 7 : undefined;
  const native: Native = { [own]: own === 'amd64' ? 3 : undefined };
  const both: Native = { ...native, [second]: level };
  const emulated: Probe = {
    verdict: { kind: 'runs', level },
    native: false,
    interpreter: entry.interpreter,
    microseconds: 1,
  };
  /** The machine with the emulator's entry for the second architecture, which then runs its programs. */
  const registered = (runs: Native) =>
    machine(runs, {
      entries: [entry],
      platforms: [architecture],
      probes: [
        [row(own), { verdict: { kind: 'runs', level: native[own] }, native: true, microseconds: 1 }],
        [architecture, emulated],
      ],
      native: new Set(second in runs ? [architecture] : []),
    });

  describe(`${second} on ${own}`, () => {
    it('is missing when the kernel does not run it, with the command that installs it', () => {
      const examination = asked(second, machine(native));
      const finding = findingOf('no-entry', { findings: diagnose(examination) });
      expect(commandsOf(finding)[0]).to.equal(`docker run --privileged --rm binfmt --install ${second}`);
      expect(statusOf(examination).supported.map((each) => each.split('/')[1])).not.to.include(second);
    });

    it('runs through its entry, without a warning, when the kernel does not run it', () => {
      const examination = registered(native);
      expect(diagnose(examination)).to.deep.equal([]);
      expect(chartOf(examination, []).platforms[0]).to.include({ native: false, handler: entry.name });
      expect(statusOf(examination).emulators).to.deep.equal([entry.name]);
      expect(selectPlatforms(parseSelection(['all']), examination).map((each) => each.architecture)).to.include(
        architecture,
      );
    });

    it('is taken over by an entry when the kernel runs it, which the doctor warns of', () => {
      const finding = findingOf('native', { findings: diagnose(registered(both)) });
      expect(finding).to.include({ severity: 'warning', subject: `linux/${second}` });
      expect(commandsOf(finding)).to.deep.equal([`docker run --privileged --rm binfmt --uninstall ${entry.name}`]);
    });
  });
}

describe('a variant that the processor lacks', () => {
  for (const [platform, native, lacks] of [
    ['linux/amd64/v3', { amd64: 2 }, 'goes up to v2, and v3 was asked for'],
    ['linux/amd64/v2', { amd64: 1 }, 'goes up to v1, and v2 was asked for'],
    ['linux/arm/v7', { arm64: undefined, arm: 6 }, 'goes up to v6, and v7 was asked for'],
  ] as [string, Native, string][]) {
    it(`${platform} is a problem on ${JSON.stringify(native)}`, () => {
      const finding = findingOf('cpu-level', { findings: diagnose(asked(platform, machine(native))) });
      expect(finding).to.include({ severity: 'problem', subject: platform });
      expect(finding.because).to.contain(lacks);
    });
  }

  for (const [platform, native] of [
    ['linux/amd64/v2', { amd64: 2 }],
    ['linux/amd64/v3', { amd64: 4 }],
    ['linux/arm/v6', { arm64: undefined, arm: 8 }],
  ] as [string, Native][]) {
    it(`${platform} is none on ${JSON.stringify(native)}`, () => {
      expect(diagnose(asked(platform, machine(native)))).to.deep.equal([]);
    });
  }
});

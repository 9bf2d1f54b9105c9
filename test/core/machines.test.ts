/**
 * Machines of every kind, captured: the one that runs the tests is one of them only. What each runs without an emulator
 * decides what is registered, listed and advised.
 */
import { expect } from 'chai';
import { type Architecture, architectures } from '../../src/core/architectures.js';
import { diagnose } from '../../src/core/doctor/diagnose.js';
import type { DoctorInput } from '../../src/core/doctor/input.js';
import { doctorReport } from '../../src/core/doctor/report.js';
import { planInstall, type Step } from '../../src/core/plan.js';
import { parsePlatform } from '../../src/core/platform.js';
import type { ProbeResult } from '../../src/core/probe.js';
import { textOf } from '../../src/core/render.js';
import { parseSelection, selectPlatforms } from '../../src/core/selection.js';
import { statusOf } from '../../src/core/status.js';
import { row } from '../support/architectures.js';
import { type Captured, captured, commandsFor, entryFor, problemIn } from '../support/doctor.js';

const options = { credentials: true, preserveArgv0: true, force: false, keep: false };
const refused: ProbeResult = {
  verdict: { kind: 'refused', errno: 'ENOEXEC' },
  ranBy: 'unknown',
  microseconds: 1,
};

/** What a machine runs by itself: the highest variant of each architecture, undefined for those without variants. */
type Native = Readonly<Record<string, number | undefined>>;

/** A machine on which nothing is registered. Its own architecture is the one with 64 bits. */
function machine(native: Native, fields: Captured = {}): DoctorInput {
  const own = Object.keys(native).find((name) => !['386', 'arm'].includes(name)) ?? '';
  const probeOf = (each: Architecture): ProbeResult =>
    each.name in native
      ? { verdict: { kind: 'runs', level: native[each.name] }, ranBy: 'processor', microseconds: 1 }
      : refused;
  const probes = architectures.map((each): [Architecture, ProbeResult] => [each, probeOf(each)]);
  return captured({ own: row(own), platforms: [], named: false, probes, ...fields });
}

function asked(platform: string, input: DoctorInput): DoctorInput {
  const parsed = parsePlatform(platform);
  if (parsed.kind !== 'platform') throw new Error(JSON.stringify(parsed.error));
  return { ...input, named: true, platforms: [parsed.platform] };
}

const stepFor = (name: string, input: DoctorInput): Step => planInstall({ architecture: row(name) }, options, input);

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
      const input = machine(native);
      const foreign = architectures.filter(({ name }) => !(name in native));

      it('lists its own platforms first, and no other', () => {
        expect(statusOf(input).supported).to.deep.equal(supported);
      });

      it('registers with "all" an emulator for everything that it does not run, and for nothing else', () => {
        const platforms = selectPlatforms(parseSelection(['all']), input);
        expect(platforms.map(({ architecture }) => architecture)).to.have.members(foreign);
        for (const platform of platforms) expect(planInstall(platform, options, input).kind).to.equal('register');
      });

      it('has nothing to do for what it runs by itself, even when asked by name', () => {
        for (const name of Object.keys(native)) {
          expect(stepFor(name, input)).to.deep.equal({ kind: 'ready', note: { kind: 'native' } });
        }
      });

      it('shows in the doctor that the processor runs them', () => {
        for (const name of Object.keys(native)) {
          const one = asked(name, input);
          expect(diagnose(one)).to.deep.equal([]);
          expect(doctorReport(one, []).platforms).to.have.length(1);
          expect(doctorReport(one, []).platforms[0]).to.include({
            runs: true,
            native: true,
            entry: null,
            emulator: null,
          });
        }
      });

      it('is offered emulators for what it does not run', () => {
        const { facts } = problemIn('nothing-installed', { problems: diagnose(input) });
        expect(facts['available']).to.have.members(foreign.map(({ name }) => name));
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
  const emulated: ProbeResult = {
    verdict: { kind: 'runs', level },
    ranBy: { interpreter: entry.interpreter },
    microseconds: 1,
  };
  /** The machine with the emulator's entry for the second architecture, which then runs its programs. */
  const registered = (runs: Native) =>
    machine(runs, {
      entries: [entry],
      platforms: [architecture],
      probes: [
        [row(own), { verdict: { kind: 'runs', level: native[own] }, ranBy: 'processor', microseconds: 1 }],
        [architecture, emulated],
      ],
      native: new Set(second in runs ? [architecture] : []),
    });

  describe(`${second} on ${own}`, () => {
    it('is missing when the kernel does not run it, with the command that installs it', () => {
      const input = asked(second, machine(native));
      const problem = problemIn('no-entry', { problems: diagnose(input) });
      expect(commandsFor(problem)[0]).to.equal(`docker run --privileged --rm binfmt --install ${second}`);
      expect(statusOf(input).supported.map((each) => each.split('/')[1])).not.to.include(second);
    });

    it('runs through its entry, without a warning, when the kernel does not run it', () => {
      const input = registered(native);
      expect(diagnose(input)).to.deep.equal([]);
      expect(doctorReport(input, []).platforms[0]).to.include({ native: false, entry: entry.name });
      expect(statusOf(input).emulators).to.deep.equal([entry.name]);
      expect(selectPlatforms(parseSelection(['all']), input).map((each) => each.architecture)).to.include(architecture);
    });

    it('is taken over by an entry when the kernel runs it, which the doctor warns of', () => {
      const problem = problemIn('native', { problems: diagnose(registered(both)) });
      expect(problem).to.include({ severity: 'warning', subject: `linux/${second}` });
      expect(commandsFor(problem)).to.deep.equal([`docker run --privileged --rm binfmt --uninstall ${entry.name}`]);
    });
  });
}

describe('a variant that the processor lacks', () => {
  for (const [platform, native, lacks] of [
    ['linux/amd64/v3', { amd64: 2 }, 'only goes up to v2'],
    ['linux/amd64/v2', { amd64: 1 }, 'only goes up to v1'],
    ['linux/arm/v7', { arm64: undefined, arm: 6 }, 'only goes up to v6'],
  ] as [string, Native, string][]) {
    it(`${platform} is a problem on ${JSON.stringify(native)}`, () => {
      const problem = problemIn('cpu-level', { problems: diagnose(asked(platform, machine(native))) });
      expect(problem).to.include({ severity: 'problem', subject: platform });
      expect(textOf(problem).cause).to.contain(lacks);
    });
  }

  for (const [platform, native] of [
    ['linux/amd64/v2', { amd64: 2 }],
    ['linux/amd64/v3', { amd64: 4 }],
    ['linux/arm/v6', { arm64: undefined, arm: 8 }],
  ] as [string, Native][]) {
    it(`${platform} is not a problem on ${JSON.stringify(native)}`, () => {
      expect(diagnose(asked(platform, machine(native)))).to.deep.equal([]);
    });
  }
});

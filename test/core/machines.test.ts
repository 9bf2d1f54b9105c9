/**
 * Machines that no emulator can be, captured. What each runs by itself decides what is registered, listed and advised. The
 * others are real ones, in test/machines/processors.test.ts.
 */
import { expect } from 'chai';
import type { ProbeResult } from '../../src/core/binfmt/probe.js';
import { diagnose } from '../../src/core/doctor/diagnose.js';
import type { DoctorInput } from '../../src/core/doctor/input.js';
import { planInstall, type Step } from '../../src/core/install/plan.js';
import { parseSelection, selectPlatforms } from '../../src/core/install/selection.js';
import { type Architecture, architectures } from '../../src/core/platform/architectures.js';
import { parsePlatform } from '../../src/core/platform/platform.js';
import { textOf } from '../../src/core/report/render.js';
import { statusOf } from '../../src/core/report/status.js';
import { row } from '../support/architectures.js';
import { type Captured, captured, problemIn } from '../support/doctor.js';

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

/** No processor that QEMU emulates as a whole has the fourth level. */
describe('amd64 v4', () => {
  const native: Native = { amd64: 4, '386': undefined };
  const input = machine(native);
  const foreign = architectures.filter(({ name }) => !(name in native));

  it('lists its own platforms first, and no other', () => {
    const levels = ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3', 'linux/amd64/v4'];
    expect(statusOf(input).supported).to.deep.equal([...levels, 'linux/386']);
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

  it('is offered emulators for what it does not run', () => {
    const { facts } = problemIn('nothing-installed', { problems: diagnose(input) });
    expect(facts['available']).to.have.members(foreign.map(({ name }) => name));
  });

  it('runs v3 too', () => {
    expect(diagnose(asked('linux/amd64/v3', input))).to.deep.equal([]);
  });
});

/** No kernel of Debian runs on an ARM processor as old as this. */
describe('arm64 that runs arm programs up to v6', () => {
  it('has a problem with linux/arm/v7', () => {
    const input = asked('linux/arm/v7', machine({ arm64: undefined, arm: 6 }));
    const problem = problemIn('cpu-level', { problems: diagnose(input) });
    expect(problem).to.include({ severity: 'problem', subject: 'linux/arm/v7' });
    expect(textOf(problem).cause).to.contain('only goes up to v6');
  });
});

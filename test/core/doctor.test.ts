import { expect } from 'chai';
import { vanishingFailure } from '../../src/core/causes.js';
import { chartOf, formatChart } from '../../src/core/doctor/chart.js';
import { checks, diagnose } from '../../src/core/doctor/diagnose.js';
import type { FailureCode } from '../../src/core/failure.js';
import type { Verdict } from '../../src/core/probe.js';
import { row } from '../support/architectures.js';
import { type Captured, captured, commandsOf, entryFor, findingOf } from '../support/doctor.js';

const [arm64, i386, amd64] = [row('arm64'), row('386'), row('amd64')];
const found = (given: Captured) => ({ findings: diagnose(captured(given)) });
const probed = (verdict: Verdict, interpreter?: string): Captured['probes'] => [
  [arm64, { verdict, microseconds: 1, ...(interpreter ? { interpreter, native: false } : {}) }],
];
const works = { entries: [entryFor(arm64)], probes: probed({ kind: 'runs' }, '/usr/bin/qemu-aarch64') };

describe('doctor, of captured examinations', () => {
  it('finds nothing where everything works', () => {
    expect(found(works).findings).to.deep.equal([]);
  });

  it('old-kernel: Linux before 4.8 has no flag F', () => {
    expect(findingOf('old-kernel', found({ ...works, kernel: '4.4.0-210-generic' }))).to.include({
      severity: 'problem',
    });
    expect(found({ ...works, kernel: '4.8.0' }).findings.map(({ check }) => check)).not.to.include('old-kernel');
  });

  it('argv0-kernel: flag P on a kernel that does not tell QEMU of it', () => {
    const finding = findingOf('argv0-kernel', found({ ...works, kernel: '5.4.0-150-generic' }));
    expect(finding).to.include({ severity: 'problem', subject: 'linux/arm64' });
    const without = { ...works, entries: [entryFor(arm64, { flags: 'OCF' })], kernel: '5.4.0' };
    expect(found(without).findings).to.deep.equal([]);
  });

  it("catches-native: an entry takes the machine's own programs, and what still works without starting one", () => {
    const processorPrograms = [Buffer.from(amd64.magic.padEnd(512, '0'), 'hex')];
    const finding = findingOf('catches-native', found({ entries: [entryFor(amd64)], processorPrograms }));
    expect(finding.severity).to.equal('problem');
    expect(commandsOf(finding)).to.deep.equal(['echo -1 >/proc/sys/fs/binfmt_misc/qemu-x86_64']);
    expect(found({ ...works, processorPrograms }).findings).to.deep.equal([]);
  });

  it('emulated: the image is for another platform, and what to call in its place', () => {
    const failed: Captured = {
      own: arm64,
      platforms: [i386],
      entries: [entryFor(i386)],
      probes: [[i386, { verdict: { kind: 'exit', status: 1, output: 'Error while loading' }, microseconds: 1 }]],
    };
    const finding = findingOf('emulated', found({ ...failed, surroundings: { emulatedOn: amd64 } }));
    expect(finding).to.include({ severity: 'problem', subject: 'linux/386' });
    expect(commandsOf(finding)).to.deep.equal([
      'docker run --privileged --platform linux/amd64 --rm binfmt --install 386',
    ]);
    expect(found(failed).findings.map(({ check }) => check)).not.to.include('emulated');
  });

  it('native: what the processor runs is taken over', () => {
    const entries = [entryFor(i386)];
    const given: Captured = {
      entries,
      platforms: [i386],
      probes: [[i386, { verdict: { kind: 'runs' }, microseconds: 1 }]],
    };
    expect(findingOf('native', found({ ...given, native: new Set([i386]) })).severity).to.equal('warning');
    expect(found(given).findings).to.deep.equal([]);
  });

  it('confinement: SELinux or AppArmor, where something was forbidden', () => {
    const refused = { entries: [entryFor(arm64)], probes: probed({ kind: 'refused', errno: 'EACCES' }) };
    const confined: Captured = { surroundings: { confinement: 'docker-default (enforce)' } };
    const finding = findingOf('confinement', found({ ...refused, ...confined }));
    expect(finding.evidence).to.deep.equal(['/proc/self/attr/current: docker-default (enforce)']);
    expect(commandsOf(finding)[0]).to.contain('apparmor=unconfined');
    expect(found({ ...works, ...confined }).findings).to.deep.equal([]);
  });

  it('automount: it was never triggered', () => {
    const finding = findingOf('automount', found({ surroundings: { hostMounts: ['autofs'] } }));
    expect(commandsOf(finding)).to.deep.equal(['sudo systemctl start proc-sys-fs-binfmt_misc.mount']);
    const mounted: Captured = { ...works, surroundings: { hostMounts: ['binfmt_misc', 'autofs'] } };
    expect(found(mounted).findings).to.deep.equal([]);
  });

  it('kernel-module: ENODEV', () => {
    const failure = { code: 'binfmt-missing', subject: '/m', cause: 'ENODEV', remedies: [] } as const;
    const finding = findingOf('kernel-module', found({ registry: { kind: 'closed', failure } }));
    expect(finding.see).to.contain('cannot mount binfmt_misc filesystem');
  });

  it('vanishing: its first remedy is the one of install', () => {
    const finding = findingOf('vanishing', found({ surroundings: { vanishing: true } }));
    expect(finding.remedies[0]).to.deep.equal(vanishingFailure('/m').remedies?.[0]);
    expect(commandsOf(finding)).to.include('docker run --privileged --pid=host --rm binfmt --install all');
  });

  const failing: Verdict[] = [
    { kind: 'refused', errno: 'ENOEXEC' },
    { kind: 'refused', errno: 'ENOENT' },
    { kind: 'refused', errno: 'EACCES' },
    { kind: 'refused', errno: 'ELOOP' },
    { kind: 'exit', status: 127, output: '' },
    { kind: 'exit', status: 1, output: 'qemu: no' },
    { kind: 'signal', signal: 'SIGSEGV', output: '' },
    { kind: 'timeout' },
    { kind: 'untried', errno: 'EMFILE' },
  ];
  for (const verdict of failing) {
    for (const entries of [
      [],
      [entryFor(arm64)],
      [entryFor(arm64, { flags: '' })],
      [entryFor(arm64, { enabled: false })],
    ]) {
      const what =
        entries.map(({ flags, enabled }) => (enabled ? flags || 'no flags' : 'disabled')).join() || 'no entry';
      it(`every way not to run has a problem with something to do: ${JSON.stringify(verdict)}, ${what}`, () => {
        const problems = found({ entries, probes: probed(verdict) }).findings.filter(
          ({ severity }) => severity === 'problem',
        );
        expect(problems).to.have.length(1);
        expect(problems[0]?.remedies).not.to.deep.equal([]);
        expect(problems[0]?.evidence).not.to.deep.equal([]);
      });
    }
  }

  it('tells problems first, and one check once for several platforms', () => {
    const platforms = [arm64, row('s390x'), row('arm')];
    const examination = captured({ platforms, kernel: '4.4.0', probes: [] });
    const findings = diagnose(examination);
    expect(findings[0]).to.include({ check: 'old-kernel' });
    const text = formatChart(chartOf(examination, findings), false);
    expect(text.match(/\[emulator-fails\]/g)).to.have.length(1);
    expect(text).to.contain('the same of linux/s390x, linux/arm');
  });

  it('wraps words, and never a command', () => {
    const long = `/a/${'very/'.repeat(40)}long`;
    const examination = captured({
      surroundings: { program: { kind: 'file', name: long } },
      probes: probed(failing[0] as Verdict),
    });
    const lines = formatChart(chartOf(examination, diagnose(examination)), false).split('\n');
    expect(lines.some((line) => line.endsWith(`sudo ${long} --install arm64`))).to.equal(true);
    expect(lines.filter((line) => line.length > 110 && !line.includes(long))).to.deep.equal([]);
  });

  const closed = (code: FailureCode): Captured => ({
    registry: { kind: 'closed', failure: { code, subject: '/m', cause: 'it cannot be used', remedies: [] } },
  });
  for (const [message, given] of [
    ['exec format error', { probes: probed({ kind: 'refused', errno: 'ENOEXEC' }) }],
    [
      'no such file or directory',
      { entries: [entryFor(arm64, { flags: 'POC' })], probes: probed({ kind: 'refused', errno: 'ENOENT' }) },
    ],
    [
      'uncaught target signal 11',
      { entries: [entryFor(arm64)], probes: probed({ kind: 'signal', signal: 'SIGSEGV', output: '' }) },
    ],
    ['cannot mount binfmt_misc filesystem', closed('binfmt-missing')],
    ['cannot mount binfmt_misc filesystem', closed('no-permission')],
    ['invalid argument', { kernel: '4.4.0' }],
    [
      'File exists',
      { entries: [entryFor(arm64, { enabled: false })], probes: probed({ kind: 'refused', errno: 'ENOEXEC' }) },
    ],
    ['effective uid is not 0', { ...works, entries: [entryFor(arm64, { flags: 'PF' })] }],
  ] as const) {
    it(`shows "${message}", which people search for, where they see it`, () => {
      const seen = found(given).findings.map(({ see }) => see ?? '');
      expect(seen.filter((each) => each.includes(message))).to.have.length(1);
    });
  }

  it('has checks with names of their own', () => {
    expect(new Set(checks.map(({ name }) => name)).size).to.equal(checks.length);
  });
});

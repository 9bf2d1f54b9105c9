import { expect } from 'chai';
import type { Verdict } from '../../src/core/binfmt/probe.js';
import { checks } from '../../src/core/doctor/definitions.js';
import { diagnose, groupByCause } from '../../src/core/doctor/diagnose.js';
import { formatReport } from '../../src/core/doctor/format.js';
import {
  mountProblem,
  openProblem,
  userNamespaceProblem,
  vanishingProblem,
} from '../../src/core/doctor/mount-errors.js';
import { doctorReport, jsonReport } from '../../src/core/doctor/report.js';
import { textOf } from '../../src/core/report/render.js';
import { row } from '../support/architectures.js';
import {
  asFile,
  asImage,
  type Captured,
  captured,
  commandsFor,
  entryFor,
  idsIn,
  probeOf,
  problemIn,
} from '../support/doctor.js';

const [arm64, arm, s390x, i386, amd64] = [row('arm64'), row('arm'), row('s390x'), row('386'), row('amd64')];
const enoexec: Verdict = { kind: 'refused', errno: 'ENOEXEC' };
const found = (given: Captured) => ({ problems: diagnose(captured(given)) });
const works: Captured = {
  entries: [entryFor(arm64)],
  probes: [[arm64, probeOf({ kind: 'runs' }, '/usr/bin/qemu-aarch64')]],
};
const fails = (verdict: Verdict): Captured => ({ entries: [entryFor(arm64)], probes: [[arm64, probeOf(verdict)]] });

function textFor(given: Captured, invocation = asImage): string {
  const input = captured(given);
  return formatReport(doctorReport(input, diagnose(input)), invocation, false);
}

describe('doctor, with captured input', () => {
  it('finds nothing if everything works', () => {
    expect(found(works).problems).to.deep.equal([]);
  });

  it('reports a kernel before Linux 4.8, which has no flag F', () => {
    expect(problemIn('old-kernel', found({ ...works, kernel: '4.4.0-210-generic' })).severity).to.equal('problem');
    expect(idsIn(found({ ...works, kernel: '4.8.0' }))).not.to.include('old-kernel');
  });

  it('advises to install an emulator for every boot only if binfmt has it', () => {
    const entries = [entryFor(arm64, { flags: 'OC' })];
    const probes: Captured['probes'] = [[arm64, probeOf({ kind: 'refused', errno: 'ENOENT' })]];
    const [install, persisted] = commandsFor(problemIn('not-in-containers', found({ entries, probes })));
    expect(install).to.equal('docker run --privileged --rm binfmt --install arm64');
    expect(persisted).to.equal('docker run --privileged --pid=host --rm binfmt --install arm64 --persist');
    const without = problemIn('not-in-containers', found({ entries, probes, emulators: new Map() }));
    expect(commandsFor(without)).to.deep.equal([]);
  });

  it("reports an entry that takes the machine's own programs, and advises what starts no program", () => {
    const processorPrograms = [Buffer.from(amd64.magic.padEnd(512, '0'), 'hex')];
    const problem = problemIn('catches-native', found({ entries: [entryFor(amd64)], processorPrograms }));
    expect(commandsFor(problem)).to.deep.equal(['echo -1 >/proc/sys/fs/binfmt_misc/qemu-x86_64']);
    expect(found({ ...works, processorPrograms }).problems).to.deep.equal([]);
  });

  it('notes an entry that may take any program', () => {
    const entry = entryFor(arm64, { name: 'chooser', magic: '', mask: '', handler: 'pick' });
    const problem = problemIn('bpf-handler', found({ ...works, entries: [...(works.entries ?? []), entry] }));
    expect(problem).to.deep.include({ severity: 'note', facts: { entries: [{ name: 'chooser', handler: 'pick' }] } });
  });

  it('reports an image for another platform, and advises the one for the processor', () => {
    const failed: Captured = {
      own: arm64,
      platforms: [i386],
      entries: [entryFor(i386)],
      probes: [[i386, probeOf({ kind: 'exit', status: 1, output: 'Error while loading' })]],
    };
    const problem = problemIn('emulated', found({ ...failed, host: { emulatedOn: amd64 } }));
    expect(problem.facts).to.include({ program: 'linux/arm64', processor: 'linux/amd64' });
    expect(commandsFor(problem, { ...asImage, platform: 'linux/amd64' })).to.deep.equal([
      'docker run --privileged --platform linux/amd64 --rm binfmt --install 386',
    ]);
    expect(idsIn(found(failed))).not.to.include('emulated');
    expect(textOf(problem).cause).to.contain('needs a second one, which it looks for inside each container');
    const refused: Captured['probes'] = [[i386, probeOf({ kind: 'refused', errno: 'ENOEXEC' })]];
    const chain = found({ ...failed, probes: refused, host: { emulatedOn: amd64 } });
    expect(textOf(problemIn('emulated', chain)).cause).to.match(
      /^this machine \(linux\/amd64\) emulates .* With flag O or C, the kernel does not run one emulator through another$/,
    );
  });

  it('reports an entry for what the processor could run', () => {
    const given: Captured = {
      entries: [entryFor(i386)],
      platforms: [i386],
      probes: [[i386, probeOf({ kind: 'runs' })]],
    };
    expect(problemIn('native', found({ ...given, native: new Set([i386]) })).severity).to.equal('warning');
    expect(found(given).problems).to.deep.equal([]);
  });

  it('reports an emulator that SELinux keeps from other containers, and how to register one for all', () => {
    const label = 'system_u:object_r:container_file_t:s0:c1022,c1023';
    const probe = { ...probeOf({ kind: 'runs' }, '/usr/bin/qemu-aarch64'), label };
    const problem = problemIn('emulator-label', found({ ...works, probes: [[arm64, probe]] }));
    expect(problem.severity).to.equal('problem');
    expect(problem.facts).to.include({ label, categories: 'c1022,c1023' });
    const [plain, labelled] = commandsFor(problem);
    expect(plain).to.equal('docker run --privileged --rm binfmt --install arm64');
    expect(labelled).to.contain('--security-opt label=type:spc_t --security-opt label=level:s0');
    const open = { ...probe, label: 'system_u:object_r:container_file_t:s0' };
    expect(found({ ...works, probes: [[arm64, open]] }).problems).to.deep.equal([]);
  });

  it('reports SELinux or AppArmor only if something was forbidden', () => {
    const confined: Captured = { host: { confinement: 'docker-default (enforce)' } };
    const problem = problemIn('confinement', found({ ...fails({ kind: 'refused', errno: 'EACCES' }), ...confined }));
    expect(problem.facts).to.deep.equal({ profile: 'docker-default (enforce)' });
    expect(commandsFor(problem)).to.have.length(1);
    expect(commandsFor(problem)[0]).to.contain('--security-opt apparmor=unconfined');
    const bySelinux = { host: { confinement: 'system_u:system_r:container_t:s0:c1,c2' } };
    const other = problemIn('confinement', found({ ...fails({ kind: 'refused', errno: 'EACCES' }), ...bySelinux }));
    expect(commandsFor(other)).to.have.length(1);
    expect(commandsFor(other)[0]).to.contain('--security-opt label=disable');
    expect(found({ ...works, ...confined }).problems).to.deep.equal([]);
  });

  it('reports an automount point that was not used', () => {
    const problem = problemIn('automount', found({ host: { hostMounts: ['autofs'] } }));
    expect(commandsFor(problem)).to.deep.equal(['sudo systemctl start proc-sys-fs-binfmt_misc.mount']);
    expect(found({ ...works, host: { hostMounts: ['binfmt_misc', 'autofs'] } }).problems).to.deep.equal([]);
  });

  it('reports why binfmt_misc cannot be used, with the errno that was seen', () => {
    for (const [id, problem] of [
      ['permission', mountProblem('/m', 'EPERM')],
      ['read-only', openProblem('/m/register', 'EROFS')],
      ['mount-failed', mountProblem('/m', 'EBUSY')],
      ['mount-failed', mountProblem('/m', 'ENOMEM')],
      ['user-namespace', userNamespaceProblem('/m/register', 'EACCES')],
    ] as const) {
      const reported = problemIn(id, found({ binfmt: { kind: 'unavailable', problem } }));
      expect(reported.facts).to.deep.equal(problem.facts);
      expect(textOf(reported).evidence.join()).to.contain(problem.facts['errno'] as string);
    }
  });

  it('reports nothing about a read-only binfmt_misc if everything runs', () => {
    const binfmt = { kind: 'readable', dir: '/m', problem: openProblem('/m/register', 'EROFS') } as const;
    expect(found({ ...works, binfmt }).problems).to.deep.equal([]);
  });

  it('advises for entries that would vanish what an installation advises first', () => {
    const problem = problemIn('vanishing', found({ host: { wouldVanish: true } }));
    expect(vanishingProblem('/m').advice[0]).to.deep.equal({ do: 'call-again', with: 'host-namespaces' });
    expect(commandsFor(problem)[0]).to.equal('docker run --privileged --pid=host --rm binfmt --install all');
  });

  const failures: Verdict[] = [
    enoexec,
    { kind: 'refused', errno: 'ENOENT' },
    { kind: 'refused', errno: 'EACCES' },
    { kind: 'refused', errno: 'ELOOP' },
    { kind: 'exit', status: 127, output: '' },
    { kind: 'exit', status: 1, output: 'qemu: no' },
    { kind: 'signal', signal: 'SIGSEGV', output: '' },
    { kind: 'timeout' },
    { kind: 'untried', errno: 'EMFILE' },
  ];
  for (const verdict of failures) {
    for (const fields of [undefined, {}, { flags: '' }, { enabled: false }]) {
      const entries = fields ? [entryFor(arm64, fields)] : [];
      const entry = fields ? `the entry ${JSON.stringify(fields)}` : 'no entry';
      it(`has one problem with evidence and advice for ${JSON.stringify(verdict)} and ${entry}`, () => {
        const problems = diagnose(captured({ entries, probes: [[arm64, probeOf(verdict)]] })).filter(
          ({ severity }) => severity === 'problem',
        );
        expect(problems).to.have.length(1);
        for (const problem of problems) {
          expect(problem.advice).not.to.deep.equal([]);
          expect(textOf(problem).evidence).not.to.deep.equal([]);
        }
      });
    }
  }

  it('runs the fallback only for platforms that no other check explains, whichever checks were chosen', () => {
    const failed = fails({ kind: 'signal', signal: 'SIGSEGV', output: '' });
    expect(diagnose(captured(failed), { only: ['emulator-fails'] })).to.deep.equal([]);
    const exited = fails({ kind: 'exit', status: 3, output: '' });
    expect(diagnose(captured(exited), { only: ['emulator-fails'] })).to.have.length(1);
  });

  it('reports problems before warnings and notes', () => {
    const given: Captured = {
      platforms: [arm64, s390x],
      entries: [entryFor(arm64, { flags: 'F' })],
      probes: [
        [arm64, probeOf({ kind: 'runs' })],
        [s390x, probeOf(enoexec)],
      ],
    };
    expect(found(given).problems.map(({ severity }) => severity)).to.deep.equal(['problem', 'warning', 'note']);
  });

  it('has checks with ids that differ, in lower case', () => {
    expect(new Set(checks.map(({ id }) => id)).size).to.equal(checks.length);
    for (const { id, summary } of checks) {
      expect(id).to.match(/^[a-z0-9-]+$/);
      expect(summary).to.match(/^\S.*[^.]$/);
    }
  });
});

describe("doctor's text", () => {
  const disabled = (...architectures: (typeof arm64)[]): Captured => ({
    platforms: architectures,
    entries: architectures.map((architecture) => entryFor(architecture, { enabled: false })),
    probes: architectures.map((architecture) => [architecture, probeOf(enoexec)] as const),
  });

  it('has one command that enables every disabled entry', () => {
    const text = textFor(disabled(arm64, arm));
    expect(text.match(/\[disabled-entry\]/g)).to.have.length(1);
    expect(text).to.contain('linux/arm64 and linux/arm do not run');
    expect(text).to.contain(
      'echo 1 | sudo tee /proc/sys/fs/binfmt_misc/qemu-aarch64 /proc/sys/fs/binfmt_misc/qemu-arm\n',
    );
    expect(text).to.contain('--install arm64,arm\n');
  });

  it('has the evidence about every platform', () => {
    const text = textFor(disabled(arm64, arm));
    expect(text).to.contain('linux/arm64: /proc/sys/fs/binfmt_misc/qemu-aarch64 says "disabled"');
    expect(text).to.contain('linux/arm: /proc/sys/fs/binfmt_misc/qemu-arm says "disabled"');
  });

  it('prints each piece of advice that cannot be merged', () => {
    const emulators = new Map([[arm64, { name: 'qemu-aarch64', path: '/q/qemu-aarch64' }]]);
    const text = textFor({
      platforms: [arm64, s390x],
      emulators,
      probes: [
        [arm64, probeOf(enoexec)],
        [s390x, probeOf(enoexec)],
      ],
    });
    expect(text).to.contain('--install arm64\n').and.contain('set QEMU_BINARY_PATH');
  });

  it('keeps causes apart that differ in more than names', () => {
    const exit = (status: number): Verdict => ({ kind: 'exit', status, output: '' });
    const input = captured({
      platforms: [arm64, arm, s390x],
      entries: [arm64, arm, s390x].map((each) => entryFor(each)),
      probes: [
        [arm64, probeOf(exit(3))],
        [arm, probeOf(exit(5))],
        [s390x, probeOf(exit(3), '/other')],
      ],
    });
    const groups = groupByCause(diagnose(input)).map((group) => group.map(({ subject }) => subject));
    expect(groups).to.deep.equal([['linux/arm64', 'linux/s390x'], ['linux/arm']]);
  });

  it('puts what the same broken emulator prints for two platforms below one cause', () => {
    const input = captured({
      platforms: [arm64, arm],
      entries: [arm64, arm].map((each) => entryFor(each)),
      probes: [arm64, arm].map((each) => [each, probeOf({ kind: 'exit', status: 3, output: `no ${each.name}\nmore` })]),
    });
    const groups = groupByCause(diagnose(input));
    expect(groups).to.have.length(1);
    expect(groups[0]?.map((problem) => textOf(problem).evidence[0])).to.deep.equal([
      'probe: exit status 3: "no arm64"',
      'probe: exit status 3: "no arm"',
    ]);
  });

  it('wraps words, but never a command', () => {
    const name = `/a/${'very/'.repeat(40)}long`;
    const lines = textFor({ probes: [[arm64, probeOf(enoexec)]] }, { ...asFile, name }).split('\n');
    expect(lines.some((line) => line.endsWith(`sudo ${name} --install arm64`))).to.equal(true);
    expect(lines.filter((line) => line.length > 110 && !line.includes(name))).to.deep.equal([]);
  });

  it('prints no control characters', () => {
    const output = '\x1b]0;title\x07';
    const text = textFor(fails({ kind: 'exit', status: 3, output }));
    expect(text)
      .to.contain('0;title')
      .and.not.match(/[^\P{Cc}\n]/u);
  });

  it('advises nothing with docker to a user who calls the program without it', () => {
    for (const given of [
      disabled(arm64),
      fails(enoexec),
      { host: { wouldVanish: true } },
      { binfmt: { kind: 'unavailable', problem: mountProblem('/m', 'EACCES') } } as const,
    ]) {
      const commands = diagnose(captured(given)).flatMap((problem) => commandsFor(problem, asFile));
      expect(commands).not.to.deep.equal([]);
      for (const command of commands) expect(command).not.to.contain('docker');
    }
  });
});

describe("doctor's JSON", () => {
  it('has ids, facts, advice as data and as commands, and the sentences that people read', () => {
    const input = captured(fails(enoexec).probes ? { probes: [[arm64, probeOf(enoexec)]] } : {});
    const [problem] = jsonReport(doctorReport(input, diagnose(input)), asImage).problems;
    expect(problem).to.deep.include({ id: 'no-entry', subject: 'linux/arm64', severity: 'problem' });
    expect(problem?.facts).to.deep.equal({
      ...{ readable: true, entryCount: 0, configured: [], boot: false },
      probe: { result: 'refused', errno: 'ENOEXEC', interpreter: undefined },
    });
    expect(problem?.advice[0]).to.deep.include({
      ...{ do: 'install', platforms: ['arm64'], command: 'docker run --privileged --rm binfmt --install arm64' },
    });
    expect(problem?.text).to.include({ title: 'linux/arm64 does not run', symptom: 'exec /bin/sh: exec format error' });
  });
});

describe('the messages that people search for', () => {
  const unavailable = (errno: string): Captured => ({
    binfmt: { kind: 'unavailable', problem: mountProblem('/proc/sys/fs/binfmt_misc', errno) },
  });
  for (const [message, given] of [
    ['exec format error', { probes: [[arm64, probeOf(enoexec)]] }],
    [
      'no such file or directory',
      {
        entries: [entryFor(arm64, { flags: 'POC' })],
        probes: [[arm64, probeOf({ kind: 'refused', errno: 'ENOENT' })]],
      },
    ],
    ['uncaught target signal 11', fails({ kind: 'signal', signal: 'SIGSEGV', output: '' })],
    ['cannot mount binfmt_misc filesystem', unavailable('ENODEV')],
    ['cannot mount binfmt_misc filesystem', unavailable('EPERM')],
    ['invalid argument', { ...works, kernel: '4.4.0' }],
    ['File exists', { entries: [entryFor(arm64, { enabled: false })], probes: [[arm64, probeOf(enoexec)]] }],
    ['effective uid is not 0', { ...works, entries: [entryFor(arm64, { flags: 'PF' })] }],
  ] as [string, Captured][]) {
    it(`"${message}" is in what doctor prints when people see it`, () => {
      const symptoms = diagnose(captured(given)).map((problem) => textOf(problem).symptom ?? '');
      expect(symptoms.filter((symptom) => symptom.includes(message))).not.to.deep.equal([]);
    });
  }
});

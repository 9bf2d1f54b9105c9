import { expect } from 'chai';
import { checks } from '../../src/core/doctor/definitions.js';
import { diagnose } from '../../src/core/doctor/diagnose.js';
import { checksFor, explain, platformsOf } from '../../src/core/doctor/explain/explain.js';
import { describeForIssue } from '../../src/core/doctor/explain/explain-text.js';
import { formatAnswer } from '../../src/core/doctor/explain/format-answer.js';
import { type Interpreter, platformFacts } from '../../src/core/doctor/input.js';
import { addressOf, knownProblems } from '../../src/core/doctor/known/index.js';
import { findKnown } from '../../src/core/doctor/known/lines.js';
import { appliesTo } from '../../src/core/doctor/known-problem.js';
import { doctorReport } from '../../src/core/doctor/report.js';
import { architectureNamed } from '../../src/core/platform/platform.js';
import { row } from '../support/architectures.js';
import {
  asImage,
  type Captured,
  captured,
  commandsFor,
  entryFor,
  idsIn,
  probeOf,
  problemIn,
} from '../support/doctor.js';
import { elfHeader } from '../support/elf.js';

const [arm64, amd64, arm, s390x] = [row('arm64'), row('amd64'), row('arm'), row('s390x')];
const ids = checks.map(({ id }) => id);
const known = (text: string) => findKnown(text, knownProblems).map(({ row: { id } }) => id);

interface Emulator {
  readonly architecture?: typeof arm64;
  readonly version?: string;
  readonly elf?: Parameters<typeof elfHeader>[0];
  readonly level?: number;
}

/** One platform runs through an emulator like this one. */
function emulatedBy({ architecture = arm64, version, elf, level }: Emulator, more: Captured = {}): Captured {
  const entry = entryFor(architecture);
  const file = elf && { path: entry.interpreter, size: 1, beginning: elfHeader(elf), seen: 'started', shipped: false };
  return {
    platforms: [architecture],
    entries: [entry],
    probes: [[architecture, probeOf({ kind: 'runs', ...(level && { level }) }, entry.interpreter)]],
    registeredVersions: new Map(version ? [[architecture, version]] : []),
    interpreters: new Map(file ? [[entry.name, file as Interpreter]] : []),
    ...more,
  };
}

const warnings = (given: Captured) =>
  diagnose(captured(given))
    .filter(({ severity }) => severity === 'warning')
    .map(({ definition }) => definition.id);
/** The emulator that binfmt has. */
const ours = {
  emulators: new Map([[arm64, { name: 'qemu-aarch64', path: '/usr/bin/qemu-aarch64', version: '11.1.3' }]]),
};
const strong = { host: { randomization: { mode: '2', bits: '32' } } };

describe('the table of known problems', () => {
  it('has rows with ids of their own, messages, and names of checks and architectures that exist', () => {
    const names = knownProblems.map(({ id }) => id);
    expect(names.filter((id, i) => names.indexOf(id) !== i)).to.deep.equal([]);
    for (const { id, messages, checks: named = [], where, warning, sources } of knownProblems) {
      expect(messages, id).not.to.deep.equal([]);
      for (const check of named) expect(ids, id).to.include(check);
      expect(ids.includes(id), id).to.equal(warning !== undefined);
      for (const name of where?.architectures ?? []) expect(architectureNamed(name), name).not.to.equal(undefined);
      // Only what the checks alone can tell needs no report.
      if (named.length === 0) expect(sources, id).not.to.deep.equal([]);
      for (const source of sources) expect(addressOf(source)).to.match(/^https:\/\/\S+$/);
    }
  });

  it('knows every message of its own rows', () => {
    for (const { id, messages } of knownProblems) {
      for (const message of messages) expect(known(message.replaceAll('…', ' some words ')), message).to.include(id);
    }
  });

  it('knows what checks print as the message that people see', () => {
    const symptoms = ['exec /bin/sh: exec format error', 'exec /bin/sh: no such file or directory', 'applet not found'];
    for (const symptom of symptoms) expect(known(symptom), symptom).not.to.deep.equal([]);
  });

  it('finds a message only within one line, and one that is followed by nothing only at the end', () => {
    expect(known('#9 1.2   Determining projects to restore...\n#9 3.4   Restored /app/app.csproj\n')).to.deep.equal([]);
    expect(known('#9 0.1 start\n#9 1.2   Determining projects to restore...\n\n')).to.deep.equal(['dotnet-hangs']);
    expect(known('process "/bin/sh -c dotnet restore" did not complete successfully: exit code: 1')).to.deep.equal([]);
    expect(known('tar: a: Cannot open:\nInvalid argument')).to.deep.equal([]);
    expect(known('one\r\n#2 Value too large for defined data type\nthree')).to.deep.equal(['value-too-large']);
  });
});

describe('a known problem', () => {
  for (const [id, affected, others] of [
    [
      'slow-pointer-authentication',
      [emulatedBy({ version: '9.2.2' }), emulatedBy({ version: '4.0' })],
      [
        emulatedBy({ version: '10.0' }),
        emulatedBy({ version: '3.1' }),
        emulatedBy({}),
        emulatedBy({ architecture: s390x, version: '9.2.2' }),
      ],
    ],
    [
      'strong-randomization',
      [emulatedBy({ elf: { fixed: true } }, strong)],
      [
        emulatedBy({ elf: { fixed: true } }),
        emulatedBy({ elf: { fixed: false } }, strong),
        emulatedBy({}, strong),
        emulatedBy({ elf: { fixed: true } }, { host: { randomization: { mode: '0', bits: '32' } } }),
        emulatedBy({ elf: { fixed: true } }, { host: { randomization: { mode: '', bits: '' } } }),
      ],
    ],
    [
      'tar-invalid-argument',
      [emulatedBy({ version: '9.2.2', elf: {} }), emulatedBy({ version: '10.1.2', elf: {} })],
      [
        emulatedBy({ version: '10.1.3', elf: {} }),
        emulatedBy({ version: '9.1', elf: {} }),
        emulatedBy({ version: '10.0', elf: { glibc: true } }),
        emulatedBy({ version: '10.0' }),
        emulatedBy({ elf: {} }),
      ],
    ],
    [
      'tar-openat2',
      [emulatedBy({ version: '9.1.3' }), emulatedBy({ architecture: s390x, version: '7.2' })],
      [emulatedBy({ version: '9.2' }), emulatedBy({})],
    ],
    [
      'vsyscall-page',
      [
        emulatedBy({ architecture: amd64, version: '8.2.0' }, { own: arm64 }),
        emulatedBy({ architecture: amd64, version: '8.2.9' }, { own: arm64 }),
      ],
      [
        emulatedBy({ architecture: amd64, version: '8.2.10' }, { own: arm64 }),
        emulatedBy({ architecture: amd64, version: '8.1.5' }, { own: arm64 }),
        emulatedBy({ version: '8.2.2' }),
      ],
    ],
    [
      'old-processor-model',
      [emulatedBy({ architecture: amd64, level: 1 }, { own: arm64 })],
      [
        emulatedBy({ architecture: amd64, level: 2 }, { own: arm64 }),
        // The processor itself.
        { platforms: [amd64], probes: [[amd64, { ...probeOf({ kind: 'runs', level: 1 }), ranBy: 'processor' }]] },
      ],
    ],
  ] as const) {
    it(`${id} is warned of where it is known, and nowhere else`, () => {
      for (const given of affected) expect(warnings(given)).to.include(id);
      for (const [i, given] of others.entries()) expect(warnings(given), String(i)).not.to.include(id);
    });
  }

  it('is not warned of if the platform does not run at all', () => {
    const entries = [entryFor(arm64)];
    const probes: Captured['probes'] = [[arm64, probeOf({ kind: 'signal', signal: 'SIGSEGV', output: '' })]];
    const given: Captured = { entries, probes, registeredVersions: new Map([[arm64, '9.2.2']]) };
    expect(idsIn({ problems: diagnose(captured(given)) })).to.deep.equal(['emulator-crash']);
  });

  it('comes with a newer emulator, and with what helps until then', () => {
    const problem = problemIn('slow-pointer-authentication', {
      problems: diagnose(captured(emulatedBy({ version: '8.2.2' }, ours))),
    });
    expect(commandsFor(problem)).to.deep.equal([
      'docker run --privileged --rm binfmt --install arm64',
      'docker run --platform linux/arm64 -e QEMU_CPU=max,pauth-impdef=on IMAGE',
    ]);
  });

  it('comes with the removal of an emulator that is not older, because that would be kept', () => {
    const given = emulatedBy({ version: '11.1.3', elf: { fixed: true } }, { ...strong, ...ours });
    const problem = problemIn('strong-randomization', { problems: diagnose(captured(given)) });
    expect(commandsFor(problem)[0]).to.equal(
      'docker run --privileged --rm binfmt --uninstall qemu-aarch64 --install arm64',
    );
  });

  it('of 32-bit programs and of the host applies where it says', () => {
    const of = (id: string) => knownProblems.find((each) => each.id === id)?.where ?? {};
    const applies = (id: string, given: Captured) => {
      const input = captured(given);
      const [platform] = platformFacts(input);
      return platform && appliesTo(of(id), platform, input);
    };
    expect(applies('value-too-large', emulatedBy({ architecture: arm }))).to.equal('yes');
    expect(applies('value-too-large', emulatedBy({}))).to.equal('no');
    expect(applies('go-lfstack', emulatedBy({ architecture: amd64 }, { own: arm64 }))).to.equal('yes');
    expect(applies('go-lfstack', emulatedBy({ architecture: amd64 }, { own: s390x }))).to.equal('no');
    expect(applies('large-pages', emulatedBy({}, { host: { pageSize: 16384 } }))).to.equal('yes');
    expect(applies('large-pages', emulatedBy({}, { host: { pageSize: 4096 } }))).to.equal('no');
    expect(applies('large-pages', emulatedBy({}))).to.equal('unknown');
    const refused: Captured = { platforms: [arm], probes: [[arm, probeOf({ kind: 'refused', errno: 'ENOEXEC' })]] };
    expect(applies('no-aarch32', { ...refused, own: arm64 })).to.equal('yes');
    expect(applies('no-aarch32', refused)).to.equal('no');
  });
});

describe('a message that is not known', () => {
  it('is reported with one line to paste, which names the machine and its emulators', () => {
    const report = doctorReport(captured(emulatedBy({ version: '9.1' })), []);
    const machine = { build: { version: '1.2.3', revision: 'abc', node: '24' }, kernel: '6.18.0', processor: 'amd64' };
    expect(describeForIssue('some\u001b[1m words', report, machine)).to.equal(
      'To report it, paste: some\\x1b[1m words | binfmt 1.2.3 (abc), Linux 6.18.0, amd64 | linux/arm64 runs (qemu-aarch64, QEMU 9.1, POCF)\n',
    );
  });
});

describe('the explanation of a message', () => {
  const explained = (text: string, given: Captured) => {
    const input = captured(given);
    const found = findKnown(text, knownProblems);
    return explain(found, input, diagnose(input, { only: checksFor(found) }));
  };
  const printed = (text: string, given: Captured, verbose = false) => {
    const input = captured(given);
    const found = findKnown(text, knownProblems);
    const problems = diagnose(input, { only: checksFor(found), verbose });
    return formatAnswer(explain(found, input, problems), doctorReport(input, problems), asImage, verbose);
  };
  const firstParagraph = (text: string) => text.split('\n\n')[0]?.split('\n') ?? [];

  it('says that a row applies, and what to type', () => {
    const text = printed('tar: a: Cannot open: Invalid argument', emulatedBy({ version: '9.2.2', elf: {} }));
    expect(text).to.contain('this applies to linux/arm64 (qemu-aarch64, QEMU 9.2.2)');
    expect(text).to.contain('https://github.com/tonistiigi/binfmt/issues/285');
  });

  it('says that a row does not apply, and that what helps is for another machine', () => {
    const text = printed('tar: a: Cannot open: Invalid argument', emulatedBy({ version: '11.0', elf: {} }));
    expect(text)
      .to.contain('this does not apply here: linux/arm64 (qemu-aarch64, QEMU 11.0)')
      .and.match(/where you saw it:\n.* --install arm64\n/);
  });

  it('says that a row may apply if the version is not known', () => {
    const text = printed('tar: a: Cannot open: Invalid argument', emulatedBy({ elf: {} }));
    expect(text)
      .to.contain('this may apply to linux/arm64 (qemu-aarch64, unknown version)')
      .and.contain('--install arm64');
  });

  it('names the check that finds the cause, and leaves the advice to it', () => {
    const given: Captured = { probes: [[arm64, probeOf({ kind: 'refused', errno: 'ENOEXEC' })]] };
    const [explanation] = explained('exec format error', given);
    expect(explanation?.findings.map(({ definition }) => definition.id)).to.deep.equal(['no-entry']);
    expect(explanation?.advice).to.deep.equal([]);
    const text = printed('exec format error', given);
    expect(firstParagraph(text)[0]).to.equal('exec format error  [exec-format-error]');
    expect(firstParagraph(text).join('\n'))
      .to.match(/because +no entry/)
      .and.contain('linux/arm64 does not run [no-entry]')
      .and.contain('--install arm64');
    expect(text).not.to.contain('PLATFORM');
  });

  it('says so if the checks find nothing, and that a platform can be named', () => {
    const text = printed('exec format error', { ...emulatedBy({ version: '11.0' }), named: false });
    expect(text).to.contain('doctor finds none of its causes').and.contain('add its name').and.contain('PLATFORM');
  });

  it('has the cause and what helps in its first eight lines, whatever the message is', () => {
    const refused: Captured = { probes: [[arm64, probeOf({ kind: 'refused', errno: 'ENOEXEC' })]] };
    const machines = [
      emulatedBy({ version: '8.2.2', elf: { fixed: true } }, { ...strong, ...ours }),
      refused,
      { platforms: [] },
    ];
    for (const { id, messages } of knownProblems) {
      for (const [i, machine] of machines.entries()) {
        const lines = firstParagraph(printed(messages[0]?.replaceAll('…', 'x') ?? '', machine));
        expect(lines.length, `${id} ${i}`).to.be.at.most(8);
        expect(lines.join('\n'), `${id} ${i}`)
          .to.match(/^ {2}because /m)
          .and.match(/^ {2}do /m);
      }
    }
  }).timeout(30_000);

  it('ends with the reports, and shows the platforms only if it does not find the cause, or if asked', () => {
    const bad = emulatedBy({ version: '8.2.2' }, ours);
    const text = printed('tar: a: Cannot open: Function not implemented', bad);
    expect(text).not.to.contain('PLATFORM').and.not.contain('[old-emulator]');
    expect(text.trimEnd().split('\n').at(-1)).to.match(/^ +https:/);
    expect(printed('tar: a: Cannot open: Function not implemented', bad, true)).to.contain('PLATFORM');
    expect(printed('tar: a: Cannot open: Function not implemented', emulatedBy({}))).to.contain('PLATFORM');
  });

  it('asks for the version of the emulator first if tar lacks a function, and leaves the general row out', () => {
    const text = 'tar: a: Cannot mkdir: Function not implemented';
    const ids = (given: Captured) => explained(text, given).map(({ row: { id }, standing }) => [id, standing]);
    expect(ids(emulatedBy({ version: '9.1.2' }))).to.deep.equal([['tar-openat2', 'shown']]);
    expect(ids(emulatedBy({ version: '10.0' }))).to.deep.equal([['tar-openat2', 'elsewhere']]);
    expect(ids(emulatedBy({}))).to.deep.equal([['tar-openat2', 'possible']]);
  });

  it('begins with what applies', () => {
    const log = 'Value too large for defined data type\ntar: a: Cannot open: Invalid argument';
    const [first] = explained(log, emulatedBy({ version: '9.2.2', elf: {} }));
    expect(first?.row.id).to.equal('tar-invalid-argument');
  });

  it('ends with what is harmless, or cannot happen on such a machine', () => {
    const log = [
      'rosetta error: unhandled auxillary vector type 28',
      "The requested image's platform (linux/arm64) does not match the detected host platform",
      'qemu: uncaught target signal 11 (Segmentation fault) - core dumped',
      'iptables: Failed to initialize nft: Protocol not supported',
    ].join('\n');
    expect(explained(log, emulatedBy({ version: '11.0' })).map(({ row: { id } }) => id)).to.deep.equal([
      'netfilter',
      'segmentation-fault',
      'image-for-another-platform',
      'rosetta-and-new-kernel',
    ]);
    expect(printed('rosetta error: unhandled auxillary vector type 28', emulatedBy({}))).to.contain(
      'this cannot happen on this machine, only on arm64 ones',
    );
  });

  it('ends with what cannot happen on such a machine, and begins with it on another one', () => {
    const ids = (given: Captured) => explained('linux/arm/v7: exec format error', given).map(({ row: { id } }) => id);
    const refused: Captured = { platforms: [arm], probes: [[arm, probeOf({ kind: 'refused', errno: 'ENOEXEC' })]] };
    expect(ids(refused)).to.deep.equal(['exec-format-error', 'no-aarch32']);
    expect(ids({ ...refused, own: arm64 })).to.deep.equal(['no-aarch32']);
  });

  it('names large pages as the cause of a crash only where the kernel has them', () => {
    const ids = (pageSize?: number) =>
      explained('[app ] Segmentation fault', { ...emulatedBy({}), host: { pageSize } }).map(({ row: { id } }) => id);
    expect(ids(16384)).to.deep.equal(['large-pages-crash']);
    expect(ids(4096)).to.deep.equal(['segmentation-fault']);
    expect(ids()).to.deep.equal(['segmentation-fault']);
  });

  it('says whose emulator spoke', () => {
    const [explanation] = explained('.buildkit_qemu_emulator: x', { ...emulatedBy({}), named: false });
    expect(explanation?.speaker).to.match(/none is registered on the host/);
    expect(printed('qemu-arm-static: Unable to reserve 0x1 bytes of virtual address space', emulatedBy({}))).to.match(
      /spoke +the emulator of multiarch/,
    );
  });

  it('says "probably" where it is a guess', () => {
    for (const message of [
      'update-binfmts: warning: unable to close /proc/sys/fs/binfmt_misc/register: Invalid argument',
      'rosetta error: unhandled auxillary vector type 28',
      'gpg: key X was created 16088 days in the future (time warp or clock problem)',
      'x86_64-binfmt-P: QEMU internal SIGBUS',
      'qemu: uncaught target signal 5 (Trace/breakpoint trap) - core dumped',
    ]) {
      expect(firstParagraph(printed(message, emulatedBy({ version: '11.0' }))).join(' '), message).to.match(
        /probably/i,
      );
    }
  });

  it('is about the platforms that the text names', () => {
    expect(platformsOf([], '#9 [linux/arm/v7 2/3] RUN x: qemu-aarch64: and LINUX/S390X, linux/nothing')).to.deep.equal([
      'linux/arm/v7',
      'qemu-aarch64',
      'linux/s390x',
    ]);
    const log = 'Setting qemu-alpha-static\nSetting qemu-arm-static\nlinux/arm64: exec format error';
    expect(platformsOf(findKnown(log, knownProblems), log)).to.deep.equal(['linux/arm64']);
  });

  it('is not explained by a harmless line that a terminal has joined to it', () => {
    const joined =
      "WARNING: The requested image's platform (linux/arm64) does not match the detected host platform exec /a: exec format error";
    expect(printed(joined, emulatedBy({ version: '11.0' }))).to.contain('[exec-format-error]');
  });

  it('prints no control characters of a message', () => {
    const text = printed('\u001b[2J exec format error', {
      probes: [[arm64, probeOf({ kind: 'refused', errno: 'ENOEXEC' })]],
    });
    expect(text).not.to.match(/[^\P{Cc}\n]/u);
  });
});

import { expect } from 'chai';
import { diagnose } from '../../src/core/doctor/diagnose.js';
import { checksFor, explain, platformsIn } from '../../src/core/doctor/explain.js';
import { formatExplanations } from '../../src/core/doctor/format.js';
import { type Interpreter, platformFacts } from '../../src/core/doctor/input.js';
import { appliesTo, findKnown } from '../../src/core/doctor/known-problem.js';
import { checks } from '../../src/core/messages/index.js';
import { knownProblems } from '../../src/core/messages/known-problems.js';
import { architectureNamed } from '../../src/core/platform.js';
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
    .map(({ id }) => id);
/** The emulator that this program has. */
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
      for (const source of sources) expect(source).to.match(/^https:\/\/\S+$/);
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

  for (const [line, id] of [
    ['exec /bin/sh: exec format error', 'exec-format-error'],
    ['standard_init_linux.go:228: exec user process caused: exec format error', 'exec-format-error'],
    ['standard_init_linux.go:211: exec user process caused "exec format error"', 'exec-format-error'],
    ['bash: ./program: cannot execute binary file: Exec format error', 'exec-format-error'],
    ['#8 0.219 tar: legal/jdk.naming.rmi: Cannot mkdir: Invalid argument', 'tar-invalid-argument'],
    ['standard_init_linux.go:190: exec user process caused "no such file or directory"', 'no-such-file'],
    ['bash: ./hello: No such file or directory', 'no-such-file'],
    ['#7 99.79 qemu: uncaught target signal 11 (Segmentation fault) - core dumped', 'segmentation-fault'],
    ['\u001b[91mFatal glibc error:  CPU does not support x86-64-v2\u001b[0m', 'old-processor-model'],
    ['runtime: lfstack.push invalid packing: node=0xffff6f446a80 cnt=0x1', 'go-lfstack'],
    ["qemu-aarch64: Could not open '/lib/ld-linux-aarch64.so.1': No such file or directory", 'missing-loader'],
    ['cannot mount binfmt_misc filesystem at /proc/sys/fs/binfmt_misc', 'cannot-mount'],
  ] as const) {
    it(`finds "${line.slice(0, 60)}"`, () => expect(known(line)).to.include(id));
  }

  it('finds nothing in other lines, and a message only within one line', () => {
    for (const other of [
      'everything is fine',
      'cp: ./file: No such file or directory',
      'the executable is here: no such file or directory',
      'Registering: No space left on device',
    ]) {
      expect(known(other), other).to.deep.equal([]);
    }
    expect(known('#9 1.2   Determining projects to restore...\n#9 3.4   Restored /app/app.csproj\n')).to.deep.equal([]);
    expect(known('#9 0.1 start\n#9 1.2   Determining projects to restore...\n\n')).to.deep.equal(['dotnet-hangs']);
    expect(known('process "/bin/sh -c dotnet restore" did not complete successfully: exit code: 1')).to.deep.equal([]);
    expect(known('error while loading shared libraries: libssl.so.1.1: cannot open shared object file')).to.deep.equal(
      [],
    );
    expect(known('Segmentation fault')).to.deep.equal(['segmentation-fault']);
    expect(known('webpack: this module is slow to start')).to.deep.equal([]);
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
      'docker run --privileged --rm binfmt --install arm64 --uninstall qemu-aarch64',
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

describe('the explanation of a message', () => {
  const explained = (text: string, given: Captured) => {
    const input = captured(given);
    return explain(text, input, diagnose(input, { only: checksFor(text) }));
  };
  const printed = (text: string, given: Captured) => formatExplanations(explained(text, given), asImage);

  it('says that a row applies, and what to type', () => {
    const text = printed('tar: a: Cannot open: Invalid argument', emulatedBy({ version: '9.2.2', elf: {} }));
    expect(text).to.contain('this applies to linux/arm64 (qemu-aarch64, QEMU 9.2.2)');
    expect(text).to.contain('https://github.com/tonistiigi/binfmt/issues/285');
  });

  it('says that a row does not apply, and does not advise to replace the emulator', () => {
    const text = printed('tar: a: Cannot open: Invalid argument', emulatedBy({ version: '11.0', elf: {} }));
    expect(text)
      .to.contain('this does not apply here: linux/arm64 (qemu-aarch64, QEMU 11.0)')
      .and.not.contain('--install');
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
    expect(explanation?.findings.map(({ id }) => id)).to.deep.equal(['no-entry']);
    expect(explanation?.advice).to.deep.equal([]);
    expect(printed('exec format error', given)).to.contain('doctor finds the cause on this machine: no-entry (below)');
  });

  it('says so if the checks find nothing, and that a platform can be named', () => {
    const text = printed('exec format error', { ...emulatedBy({ version: '11.0' }), named: false });
    expect(text).to.contain('doctor finds none of its causes').and.contain('to check one, add its name');
  });

  it('begins with what applies', () => {
    const log = 'Value too large for defined data type\ntar: a: Cannot open: Invalid argument';
    const [first] = explained(log, emulatedBy({ version: '9.2.2', elf: {} }));
    expect(first?.row.id).to.equal('tar-invalid-argument');
  });

  it('is about the platforms that the text names', () => {
    expect(platformsIn('#9 [linux/arm/v7 2/3] RUN x: qemu-aarch64: and LINUX/S390X, linux/nothing')).to.deep.equal([
      'linux/arm/v7',
      'qemu-aarch64',
      'linux/s390x',
    ]);
  });

  it('prints no control characters of a message', () => {
    const text = printed('\u001b[2J exec format error', {
      probes: [[arm64, probeOf({ kind: 'refused', errno: 'ENOEXEC' })]],
    });
    expect(text).not.to.match(/[^\P{Cc}\n]/u);
  });
});

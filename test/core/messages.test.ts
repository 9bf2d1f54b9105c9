import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { type Advice, mergeAdvice } from '../../src/core/advice.js';
import { emulatorCrash } from '../../src/core/doctor/checks/emulator-checks.js';
import {
  mountProblem,
  openProblem,
  registerProblem,
  switchedOffProblem,
  userNamespaceProblem,
  vanishingProblem,
} from '../../src/core/doctor/mount-errors.js';
import { afterInstall, afterTrial } from '../../src/core/install/after-install.js';
import { noEmulator, unreliable } from '../../src/core/install/emulator-problems.js';
import { unknownPlatform } from '../../src/core/install/request-problems.js';
import { namespaceProblem } from '../../src/core/namespaces/namespace-problems.js';
import { type Problem, problemOf } from '../../src/core/problem.js';
import { renderAdvice } from '../../src/core/report/advice-text.js';
import { unexpectedProblem } from '../../src/core/report/program-problems.js';
import { adviceFor, exitStatusOf, oneLine, renderLine, reportBatch } from '../../src/core/report/render.js';
import { asFile, asImage } from '../support/doctor.js';
import { ROOT } from '../support/program.js';

it('an unexpected error shows no directory', () => {
  const error = new Error('x');
  error.stack = 'Error: x\n    at f (file:///home/me/a b/program.cjs:1:2)\n    at async /home/me/x.js:3:4';
  expect(unexpectedProblem(error).facts).to.deep.include({ stack: ['at f (program.cjs:1:2)', 'at async x.js:3:4'] });
});

describe('a problem with binfmt_misc', () => {
  const called = { ...asImage, args: ['--install', 'arm64'] };

  for (const [errno, advice] of [
    ['ENODEV', 'sudo modprobe binfmt_misc'],
    ['EPERM', 'docker run --privileged --rm binfmt --install arm64'],
    ['EACCES', '--security-opt apparmor=unconfined --rm binfmt --install arm64'],
    ['EROFS', '--mount DIR'],
    ['ENOENT', 'sudo modprobe binfmt_misc'],
    ['ENOTDIR', '--mount DIR'],
    ['EBUSY', '--mount DIR'],
  ] as const) {
    it(`names ${errno} and what to do in one line if mounting failed, and ends with status 3`, () => {
      const problem = mountProblem('/dir', errno);
      expect(oneLine(problem, called))
        .to.match(/^cannot mount binfmt_misc filesystem at \/dir: /)
        .and.contain(errno)
        .and.contain(advice)
        .and.not.contain('\n');
      expect(exitStatusOf([problem])).to.equal(3);
    });
  }

  for (const [what, problem] of [
    ['mounting it', mountProblem('/m', 'EPERM', { uid: 1000 })],
    ['mounting it, under a security module', mountProblem('/m', 'EACCES', { uid: 1000 })],
    ['writing to it', openProblem('/m/register', 'EACCES', 1000)],
    ['changing it', openProblem('/m/register', 'EPERM', 1000)],
  ] as const) {
    it(`says that the user who fails at ${what} is not root, and how to be root`, () => {
      const asRoot =
        'as root (in Kubernetes: runAsUser: 0): docker run --privileged --user 0 --rm binfmt --install arm64';
      expect(oneLine(problem, called)).to.contain(`, and binfmt runs as uid 1000; ${asRoot}`);
      const file = oneLine(problem, { ...asFile, args: called.args });
      expect(file).to.contain(`uid 1000; as root: sudo ${asFile.name} --install arm64`);
    });
  }

  it('names an errno that was not foreseen', () => {
    expect(oneLine(openProblem('/dir/register', 'EIO'), called)).to.contain('EIO');
    expect(oneLine(registerProblem({ name: 'n', interpreter: '/i' }, 'ENFILE'), called)).to.contain('ENFILE');
  });

  it('says which setting forbids more entries, and how to raise it', () => {
    const line = oneLine(registerProblem({ name: 'n', interpreter: '/i' }, 'ENOSPC', 4), called);
    expect(line).to.contain('the kernel cannot keep another emulator open, because the limit is reached (ENOSPC');
    expect(line).to.contain('user.max_binfmt_misc_interpreters allows 4');
    expect(line).to.contain('sudo sysctl user.max_binfmt_misc_interpreters=256');
    expect(oneLine(openProblem('/m/n', 'EBUSY'), called)).to.contain('sudo rm /m/n');
  });

  it('advises whole commands for the way in which the program was called', () => {
    const problems = [
      ...['ENODEV', 'EPERM', 'EACCES', 'EROFS', 'ENOENT'].map((errno) =>
        mountProblem('/proc/sys/fs/binfmt_misc', errno),
      ),
      ...['EACCES', 'EPERM', 'EROFS'].map((errno) => openProblem('/m/register', errno)),
      userNamespaceProblem('/m'),
      vanishingProblem('/m'),
      switchedOffProblem('/m'),
      namespaceProblem('unshare', 'ENOSPC', { kernel: '6.8.0', settings: { 'user.max_user_namespaces': 0 } }),
    ];
    for (const problem of problems) {
      for (const { command } of adviceFor(problem.advice, called)) {
        if (command?.startsWith('docker run')) expect(command).to.match(/ binfmt --(install|uninstall)/);
      }
      for (const { command = '' } of adviceFor(problem.advice, { ...asFile, args: called.args })) {
        expect(command).not.to.contain('docker');
      }
    }
    expect(adviceFor(vanishingProblem('/m').advice, called).map(({ command }) => command)).to.deep.equal([
      'docker run --privileged --pid=host --rm binfmt --install arm64',
      'sudo mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc',
      'docker run --detach --restart always --privileged binfmt --install arm64 --watch',
    ]);
  });
});

describe('a problem with user namespaces', () => {
  const none = { kernel: '6.8.0', settings: {} };
  for (const [title, step, rules, text] of [
    ['a setting of the kernel', 'unshare', { 'user.max_user_namespaces': 0 }, 'user.max_user_namespaces is 0 (EPERM)'],
    [
      'a setting of Debian',
      'unshare',
      { 'kernel.unprivileged_userns_clone': 0 },
      'kernel.unprivileged_userns_clone is 0',
    ],
    ['AppArmor', 'uid_map', { 'kernel.apparmor_restrict_unprivileged_userns': 1 }, 'AppArmor forbids user namespaces'],
    ['nothing that can be seen', 'unshare', {}, 'unshare failed (EPERM)'],
  ] as const) {
    it(`names ${title}, and how to allow it`, () => {
      const problem = namespaceProblem(step, 'EPERM', { ...none, settings: rules });
      expect(oneLine(problem, asImage))
        .to.contain(text)
        .and.contain('docker run --privileged --rm binfmt --install all');
      const [setting] = Object.keys(rules);
      if (setting) expect(oneLine(problem, asImage)).to.contain(`sudo sysctl ${setting}=`);
    });
  }

  it('names the kernel version that a private binfmt_misc needs', () => {
    const problem = namespaceProblem('mount', 'EPERM', {
      kernel: '5.15.0',
      settings: { 'user.max_user_namespaces': 0 },
    });
    expect(oneLine(problem, asImage)).to.contain('Linux 5.15.0 has one').and.contain('needs Linux 6.7 or later');
  });
});

describe('advice', () => {
  it('is merged if it differs only in platforms or entries', () => {
    const install = (platform: string, options: string[] = []): Advice => ({
      do: 'install',
      platforms: [platform],
      options,
    });
    expect(mergeAdvice([install('a'), install('b'), install('a'), install('c', ['--force'])])).to.deep.equal([
      { do: 'install', platforms: ['a', 'b'], options: [] },
      { do: 'install', platforms: ['c'], options: ['--force'] },
    ]);
    expect(
      mergeAdvice([
        { do: 'uninstall', entries: ['a'] },
        { do: 'uninstall', entries: ['b'] },
      ]),
    ).to.deep.equal([{ do: 'uninstall', entries: ['a', 'b'] }]);
    expect(mergeAdvice([{ do: 'load-module' }, { do: 'load-module' }])).to.have.length(1);
  });

  it('is safe to paste, whatever an entry or a file is called', () => {
    const name = "w';touch pwned;'";
    for (const advice of [
      { do: 'uninstall', entries: [name] },
      { do: 'enable-entries', entries: [name] },
      { do: 'make-executable', file: name },
      { do: 'run', platforms: ['arm64'], command: [name] },
    ] as Advice[]) {
      expect(renderAdvice(advice, asImage)?.command).to.contain("'\\''");
    }
  });

  it('after an installation that failed does not say to do the same again', () => {
    const repeated: Advice[] = [
      { do: 'install', platforms: ['arm64'], options: [] },
      { do: 'persist', platforms: ['arm64'] },
    ];
    const facts = { signal: 'SIGSEGV', probe: { result: 'signal' }, randomization: { mode: '2', bits: '28' } } as const;
    const crash = problemOf(emulatorCrash, 'linux/arm64', facts, repeated);
    expect(afterInstall(crash).advice).to.deep.equal([{ do: 'consider', what: 'use-other-emulators' }]);
    const sysctl: Advice = { do: 'set-sysctl', setting: 'vm.mmap_rnd_bits', value: 28, until: 'fixed' };
    expect(afterInstall({ ...crash, advice: [...repeated, sysctl] }).advice).to.deep.equal([sysctl]);
  });
});

describe('a problem with an emulator that was tried in front of an entry that works', () => {
  const line = (problem: Problem) => oneLine(afterTrial(problem), asImage);

  it('says that the entry was kept, and does not advise to change it', () => {
    const facts = { signal: 'SIGILL', probe: { result: 'signal' }, randomization: { mode: '2', bits: '28' } } as const;
    const useless: Advice[] = [
      { do: 'install', platforms: ['arm64'], options: ['--force'] },
      { do: 'uninstall', entries: ['qemu-aarch64-trial-1'] },
    ];
    expect(line(problemOf(emulatorCrash, 'linux/arm64', facts, useless))).to.match(
      /^kept the existing entry, because the new emulator does not run: the emulator crashes\. .*; use other emulators: /,
    );
  });

  it('says that the entry was kept, even if the emulator ran a moment later', () => {
    const advice: Advice[] = [{ do: 'consider', what: 'try-again-later' }];
    expect(line(problemOf(unreliable, 'linux/arm64', {}, advice))).to.match(
      /^kept the existing entry: .* once and ran a moment later; try again when this machine is less busy$/,
    );
  });
});

describe('lines of standard error', () => {
  const unknown = problemOf(unknownPlatform, 'x', { word: 'x', error: { kind: 'architecture', part: 'x' } });

  it('are the ones that scripts search for', () => {
    expect(renderLine({ kind: 'done', action: 'installing', subject: 'arm64' }, asImage)).to.equal(
      'installing: arm64 OK',
    );
    const removed = {
      kind: 'done',
      action: 'uninstalling',
      subject: 'riscv64',
      note: { kind: 'not-registered' },
    } as const;
    expect(renderLine(removed, asImage)).to.equal('uninstalling: riscv64 OK (not registered)');
  });

  it('tell successes first, and a problem of the whole machine once', () => {
    const machine = mountProblem('/m', 'EPERM');
    const report = reportBatch('installing', [
      { subject: 'a', problem: machine },
      { subject: 'x', problem: unknown },
      { subject: 'b', problem: machine },
      { subject: 'c' },
    ]);
    expect(report.lines.map(({ kind }) => kind)).to.deep.equal(['done', 'problem', 'failed']);
    expect(report.exit).to.equal(3);
  });

  it('say about a platform that it does not run, why, and what was measured', () => {
    const facts = {
      signal: 'SIGILL',
      probe: { result: 'signal', signal: 'SIGILL' },
      randomization: { mode: '2', bits: '28' },
    } as const;
    const problem = problemOf(emulatorCrash, 'linux/arm64', facts, [{ do: 'install', platforms: ['arm64'] }]);
    expect(renderLine({ kind: 'failed', action: 'installing', subject: 'arm64', problem }, asImage)).to.equal(
      'installing: arm64 does not run: the emulator crashes. The processor may be older than this emulator needs (probe: SIGILL); ' +
        'docker run --privileged --rm binfmt --install arm64',
    );
  });

  it('have no control characters, and no words of 5,000 letters', () => {
    const word = `\x1b[31m${'x'.repeat(5000)}`;
    const problem = problemOf(unknownPlatform, word, { word, error: { kind: 'architecture', part: word } });
    const line = renderLine({ kind: 'failed', action: 'installing', subject: word, problem }, asImage);
    expect(line).not.to.match(/\p{Cc}/u);
    expect(line.length).to.be.below(300);
  });
});

describe('exit statuses', () => {
  it('are 0 without a problem, 1 for one, 3 if the machine cannot', () => {
    const one = problemOf(noEmulator, 'linux/arm64', { emulator: 'qemu-aarch64', directory: '/usr/bin' });
    expect(exitStatusOf([])).to.equal(0);
    expect(exitStatusOf([one])).to.equal(1);
    expect(exitStatusOf([one, openProblem('/r', 'EROFS')])).to.equal(3);
  });
});

describe('the ids of problems', () => {
  it('differ', async () => {
    const folder = path.join(ROOT, 'src/core');
    const files = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const modules = await Promise.all(files.map((name) => import(path.join(folder, name)) as Promise<object>));
    const definitions = new Set(
      modules.flatMap((each) => Object.values(each).flat()).filter((each) => typeof each?.cause === 'function'),
    );
    const ids = [...definitions].map(({ id }) => id);
    expect(ids).to.have.length.above(90);
    expect(new Set(ids).size).to.equal(ids.length);
  });
});

import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { idsIn, problemIn, reportIn } from '../support/doctor.js';
import { clearEntries, entryText, MOUNT, registerForeign } from '../support/kernel.js';
import { guest, guest2, guest3, guest4, native, own, variantGuest } from '../support/machine.js';
import { binfmt, EMULATORS, lastLine, PROGRAM, run, shell, shippedVersion } from '../support/program.js';
import {
  compile,
  compileFile,
  crashingEmulator,
  dynamicEmulator,
  emulatorExiting,
  firstOfHost,
} from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const { name, platform, emulator: entry } = guest;
const shipped = path.join(EMULATORS, entry);
const doctor = (...args: string[]) => binfmt(['doctor', ...args]);
const examined = (...args: string[]) => reportIn(doctor('--json', ...args));

describe('doctor', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  describe('on a machine on which everything works', () => {
    it('prints one line for each platform', () => {
      for (const each of [guest, guest2])
        registerForeign(each.emulator, each.name, path.join(EMULATORS, each.emulator), 'POCF');
      const ended = doctor(name, guest2.name, own.name);
      const rows = ended.stdout.split('\n').map((row) => row.split(/ {2,}/));
      expect(rows).to.deep.equal([
        ['PLATFORM', 'RUNS', 'ENTRY', 'EMULATOR', 'FLAGS'],
        [platform, 'yes', entry, `QEMU ${shippedVersion()} (from binfmt)`, 'POCF'],
        [guest2.platform, 'yes', guest2.emulator, `QEMU ${shippedVersion()} (from binfmt)`, 'POCF'],
        [`linux/${own.name}`, 'yes', '-', 'none (runs natively)'],
        [''],
      ]);
      expect(ended).to.include({ exit: 0, stderr: '' });
    });

    it('reports what the processor runs without an emulator', () => {
      const lines = [...native].map(([each, level]) => ({
        ...{ platform: `linux/${each.name}`, runs: true, why: null, entry: null, native: true, emulator: null },
        ...{ version: null, static: null, shipped: null, flags: null },
        probe: { result: 'runs', ...(level === undefined ? {} : { level }) },
      }));
      const names = [...native.keys()].map((each) => each.name);
      expect(examined(...names).platforms).to.have.deep.members(lines);
    });

    it('changes nothing', () => {
      registerForeign(entry, name, shipped, 'F');
      const state = () => [entryText(entry), fs.readdirSync(MOUNT), fs.readFileSync('/proc/self/mountinfo', 'utf8')];
      const before = state();
      doctor(name, '--repeat', '5');
      expect(state()).to.deep.equal(before);
    });
  });

  describe('asked about several platforms', () => {
    it('names the unknown ones, exits with 1, and answers about the others', () => {
      const ended = doctor(`${name},mainframe`);
      expect(ended.exit).to.equal(1);
      expect(lastLine(ended.stderr)).to.equal(
        'binfmt: unknown platform: "mainframe" is not an architecture that QEMU emulates',
      );
      expect(ended.stdout).to.contain(platform);
    });

    it('answers for each variant of an architecture that was named', () => {
      const { lower, higher, platform: base, name: base2, lowerStatus } = variantGuest;
      const lesser = emulatorExiting(lowerStatus);
      registerForeign(variantGuest.emulator, base2, lesser, 'POCF');
      const ended = doctor('--json', `${base2}/v${lower}`, `${base2}/v${higher}`);
      expect(reportIn(ended).platforms.map((line) => [line.platform, line.runs])).to.deep.equal([
        [`${base}/v${lower}`, true],
        [`${base}/v${higher}`, false],
      ]);
      expect(problemIn('cpu-level', reportIn(ended)).subject).to.equal(`${base}/v${higher}`);
      expect(ended.exit).to.equal(1);
    });

    it('describes two different failures separately, and the same failure once', () => {
      registerForeign('a', name, compile('int main(void) { return 3; }', ['-static']), 'F');
      registerForeign('b', guest2.name, compile('int main(void) { return 5; }', ['-static']), 'F');
      const text = doctor(name, guest2.name, guest3.name, guest4.name).stdout;
      expect(text).to.contain('exited with status 3').and.contain('exited with status 5');
      expect(text.match(/\[emulator-fails\]/g)).to.have.length(2);
      expect(text.match(/\[no-entry\]/g)).to.have.length(1);
    });
  });

  it('is told of a check that does not exist as of every other mistake', () => {
    const ended = doctor('--check', 'no-entri');
    expect(ended).to.include({ exit: 2, stdout: '' });
    expect(ended.stderr).to.match(
      /^For all options: .*doctor --help\nbinfmt: .*unknown check "no-entri" \(doctor --list-checks lists them\); did you mean no-entry\?\n$/,
    );
  });

  it('runs only the checks that --check names, and lists all of them with --list-checks', () => {
    registerForeign(entry, name, shipped, 'F');
    expect(idsIn(examined('--check', 'argv0'))).to.deep.equal(['argv0']);
    const list = doctor('--list-checks').stdout.trim().split('\n');
    expect(list.length).to.be.greaterThan(20);
    for (const line of list) expect(line).to.match(/^[a-z0-9-]+ +\S/);
  });

  it('answers with a whole report, even if --json was asked about no known platform', () => {
    const ended = doctor('--json', 'mainframe');
    const { problems, ...rest } = reportIn(ended);
    expect(rest).to.deep.equal({ platforms: [], entries: [] });
    expect(problems.map(({ id, subject }) => [id, subject])).to.deep.equal([['unknown-platform', 'mainframe']]);
    expect(ended.exit).to.equal(1);
    expect(JSON.parse(doctor('--json', '--list-checks').stdout)[0]).to.have.keys('id', 'summary');
  });

  it('gives facts and advice of a problem as data, and beside them what people read', () => {
    const problem = problemIn('no-entry', examined(name));
    expect(problem).to.deep.include({ id: 'no-entry', subject: platform, severity: 'problem' });
    expect(problem.facts).to.deep.equal({
      ...{ readable: true, entryCount: 0, configured: [], boot: false },
      probe: { result: 'refused', errno: 'ENOEXEC' },
    });
    expect(problem.advice[0]).to.include({ do: 'install' }).and.have.property('command');
    expect(problem.text).to.have.keys('title', 'symptom', 'cause', 'evidence');
  });

  describe('with --explain', () => {
    const explained = (message: string, ...args: string[]) => doctor('--explain', message, ...args);

    it('says what a message means here, and what to type', () => {
      const ended = explained(`[${platform} 2/3] RUN true: exec /bin/sh: exec format error`);
      expect(ended.stdout)
        .to.match(/^.*exec format error {2}\[exec-format-error\]$/m)
        .and.contain('does not run [no-entry]')
        .and.contain(`--install ${name}`);
      expect(ended.stdout).not.to.contain('PLATFORM');
      expect(ended.exit).to.equal(1);
      registerForeign(entry, name, shipped, 'POCF');
      const now = explained('exec /bin/sh: exec format error', name);
      expect(now.stdout).to.contain('doctor finds none of its causes').and.contain('[image-platform]');
      expect(now).to.include({ exit: 0, stderr: '' });
    });

    it('finds the causes of two messages in emulators that are dynamically linked, and that crash', () => {
      registerForeign(entry, name, dynamicEmulator(), 'POCF');
      registerForeign(guest2.emulator, guest2.name, crashingEmulator(), 'POCF');
      const messages = [
        'standard_init_linux.go:211: exec user process caused "no such file or directory"',
        'qemu: uncaught target signal 11 (Segmentation fault) - core dumped',
      ];
      const ended = shell(`printf '%s\\n' '${messages.join("' '")}' | ${PROGRAM} doctor --explain -`);
      for (const id of ['dynamic-emulator', 'emulator-crash']) expect(ended.stdout).to.contain(`[${id}]`);
      expect(ended.exit).to.equal(1);
    });

    it('reads a log from standard input', () => {
      const log = '#8 DONE 0.1s\n#9 0.7 x: Value too large for defined data type\n#9 ERROR';
      const ended = shell(`printf '%s' '${log}' | ${PROGRAM} doctor --json --explain -`);
      const { explanations, problems } = JSON.parse(ended.stdout);
      expect(explanations).to.have.length(1);
      expect(explanations[0]).to.include({
        id: 'value-too-large',
        line: '#9 0.7 x: Value too large for defined data type',
      });
      expect(problems).to.deep.equal([]);
      expect(ended.exit).to.equal(0);
    });

    it('says that it does not know a message, and asks for a report', () => {
      registerForeign('a', name, crashingEmulator(), 'F');
      const ended = explained('a message of my own', '--json');
      expect(lastLine(ended.stderr))
        .to.match(/^binfmt: "a message of my own" is not a message that binfmt knows/)
        .and.match(/doctor --json --verbose$/);
      const report = JSON.parse(ended.stdout);
      expect(report.explanations).to.deep.equal([]);
      expect(idsIn(report)).to.include.members(['unknown-message', 'emulator-crash']);
      expect(ended.exit).to.equal(1);
      expect(lastLine(explained('a message of my own').stdout)).to.match(
        new RegExp(
          `^To report it, paste: a message of my own \\| binfmt .*, Linux .* \\| ${platform} does not run: .*\\(a, `,
        ),
      );
    });
  });

  it('names the entry that the kernel takes, even if its interpreter is a symbolic link', () => {
    const link = path.join(scratch(), 'link');
    fs.symlinkSync(shipped, link);
    registerForeign(entry, name, shipped, 'POCF');
    registerForeign('other', name, link, 'F');
    const report = examined();
    expect(report.platforms[0]).to.include({ entry: 'other' });
    expect(idsIn(report)).to.include('shadowed');
  });

  describe('with --repeat', () => {
    const onTerminal = (redirection: string) =>
      run('script', [
        ...['--quiet', '--return', '/dev/null', '--command'],
        `${PROGRAM} doctor --repeat 66 ${own.name} ${redirection}`,
      ]);

    it('counts on a terminal, and clears that line when it is done', () => {
      const { stdout, exit } = onTerminal('');
      const [before, ...lines] = stdout.split('\r\x1b[K');
      expect(before).to.equal('');
      expect(lines.slice(0, -1).join('\n')).to.match(/^(probes: \d+ of 65(\n|$))+$/);
      expect(lines.at(-1)).to.match(/^PLATFORM/);
      expect(exit).to.equal(0);
    });

    it('prints nothing beside the result if standard error is not a terminal', () => {
      const file = path.join(scratch(), 'stderr');
      const { stdout, exit } = onTerminal(`2>${file}`);
      expect(stdout).to.match(/^PLATFORM/);
      expect(fs.readFileSync(file, 'utf8')).to.equal('');
      expect(exit).to.equal(0);
    });
  });

  it('prints no control characters of an emulator', () => {
    const source = '#include <stdio.h>\nint main(void) { printf("\\033]0;title\\a"); return 3; }';
    registerForeign(entry, name, compile(source, ['-static']), 'F');
    expect(doctor().stdout)
      .to.contain('0;title')
      .and.not.match(/[^\P{Cc}\n]/u);
  });

  it('a file of binfmt.d is masked by one of the same name in front of it, and none is waited for', () => {
    const script = `mount -t tmpfs none /run; mkdir /run/binfmt.d; mkfifo /run/binfmt.d/fifo.conf
      mount -t tmpfs none /usr/local/lib; mkdir /usr/local/lib/binfmt.d
      cp ${EMULATORS}/../share/qemu/binfmt.d/${entry}.conf /usr/local/lib/binfmt.d/a.conf
      cp /usr/local/lib/binfmt.d/a.conf /usr/local/lib/binfmt.d/b.conf
      ln -s /dev/null /run/binfmt.d/a.conf
      exec timeout 20 ${PROGRAM} doctor --json ${name}`;
    const ended = shell(`unshare --mount bash -euc '${script}'`);
    expect(ended.exit, ended.stderr).to.equal(1);
    expect(problemIn('no-entry', reportIn(ended)).text.evidence.slice(1)).to.deep.equal([
      `/usr/local/lib/binfmt.d/b.conf has ${entry}`,
    ]);
  });

  it("reads the host's files through the host's own symbolic links, with --pid=host", () => {
    const host = scratch();
    for (const each of ['nix/store/binfmt.d', 'nix/store/links', 'etc/static', 'run'])
      fs.mkdirSync(path.join(host, each), { recursive: true });
    fs.copyFileSync(shipped, path.join(host, 'nix/store/emulator'));
    fs.copyFileSync(
      `${EMULATORS}/../share/qemu/binfmt.d/${guest2.emulator}.conf`,
      path.join(host, 'nix/store/binfmt.d/a.conf'),
    );
    for (const [link, target] of [
      ['run/binfmt', '/nix/store/links'],
      ['nix/store/links/emulator', '/nix/store/emulator'],
      ['etc/binfmt.d', '/etc/static/binfmt.d'],
      ['etc/static/binfmt.d', '/nix/store/binfmt.d'],
      ['nix/store/binfmt.d/d.conf', '/nix/store/binfmt.d/../binfmt.d/c.conf'],
      ['nix/store/binfmt.d/c.conf', 'a.conf'],
    ] as const)
      fs.symlinkSync(target, path.join(host, link));
    registerForeign(entry, name, '/run/binfmt/emulator', 'PC');
    const ofHost = (within = '') => {
      const script = `mount -t binfmt_misc none ${MOUNT}
        exec ${firstOfHost()} ${host} ${within} ${PROGRAM} doctor --json ${name} ${guest2.name}`;
      const ended = shell(`exec unshare --pid --fork --mount --mount-proc bash -euc '${script}'`, {
        ...{ QEMU_BINARY_PATH: EMULATORS, BINFMT_IMAGE: 'binfmt' },
      });
      return reportIn(ended);
    };
    const report = ofHost();
    expect(report.platforms[0]).to.include({ entry, shipped: true, static: true });
    expect(problemIn('no-entry', report).text.evidence).to.include(`/etc/binfmt.d/d.conf has ${guest2.emulator}`);
    const beforeLinux5 = ofHost(`${compileFile('test/campaign/refuse.c', ['-static'])} ENOSYS openat2`);
    expect(beforeLinux5.platforms[0]).to.include({ entry, shipped: true });
  });

  it('undoes a mount that it made, even if it is ended by a signal', () => {
    // On the host's /proc below this one, there may be another.
    const script = `umount ${MOUNT}; mounts() { grep -c binfmt_misc /proc/self/mountinfo; }; before=$(mounts)
      ${PROGRAM} doctor --allow-userns --repeat 10000 ${own.name} >/dev/null &
      until [ $(mounts) -gt $before ]; do sleep 0.02; done
      kill -TERM $!; wait $! || echo "status $?"; echo "$(($(mounts) - before)) left"`;
    expect(shell(`unshare --mount bash -c '${script}'`).stdout).to.equal('status 143\n0 left\n');
  });

  it('names the same cause as a failed installation', () => {
    const dir = scratch();
    fs.copyFileSync(crashingEmulator(), path.join(dir, entry));
    const env = { QEMU_BINARY_PATH: dir };
    const installed = binfmt(['--install', name], env);
    registerForeign(entry, name, path.join(dir, entry), 'POCF');
    const { text } = problemIn('emulator-crash', reportIn(binfmt(['doctor', '--json', name], env)));
    expect(lastLine(installed.stderr)).to.contain(text.cause);
  });
});

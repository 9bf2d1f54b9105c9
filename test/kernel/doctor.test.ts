import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { chartIn, commandsOf, findingOf } from '../support/doctor.js';
import { clearEntries, entryText, MOUNT, registerForeign, row, scratch, writeEntry } from '../support/kernel.js';
import { binfmt, EMULATORS, lastLine, OLDER_EMULATORS, PROGRAM, shell, statusIn } from '../support/program.js';
import { compile, crashingEmulator, dynamicEmulator } from '../support/programs.js';

const aarch64 = path.join(EMULATORS, 'qemu-aarch64');
const doctor = (...args: string[]) => binfmt(['doctor', ...args]);
const examined = (...args: string[]) => chartIn(doctor('--json', ...args));
const program = `QEMU_BINARY_PATH=${EMULATORS} ${PROGRAM}`;
const install = `sudo ${program} --install`;
const checksIn = (chart: { findings: readonly { check: string }[] }) => chart.findings.map(({ check }) => check);

describe('doctor', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  describe('where everything works', () => {
    it('finds nothing, whatever is installed, and exits with 0', () => {
      expect(binfmt(['--install', 'all']).exit).to.equal(0);
      const ended = doctor('--json');
      expect(chartIn(ended).findings).to.deep.equal([]);
      expect(ended).to.include({ exit: 0, stderr: '' });
      expect(chartIn(ended).platforms.every(({ runs, shipped }) => runs && shipped)).to.equal(true);
      expect(chartIn(ended).platforms.map(({ platform }) => platform.replace(/\/v\d$/, ''))).to.include.members(
        statusIn(binfmt([])).supported.filter((each) => /arm64|riscv64|s390x/.test(each)),
      );
    });

    it('is short: a line a platform', () => {
      binfmt(['--install', 'arm64,s390x']);
      expect(
        doctor()
          .stdout.replaceAll(/ +FLAGS/g, ' FLAGS')
          .replaceAll(/11\.\d+\.\d+/g, 'N'),
      ).to.equal(
        [
          'PLATFORM     RUNS  HANDLER       EMULATOR FLAGS',
          "linux/arm64  yes   qemu-aarch64  QEMU N (this program's)  POCF",
          "linux/s390x  yes   qemu-s390x    QEMU N (this program's)  POCF",
          '',
        ].join('\n'),
      );
    }).timeout(20_000);

    it('says what could be installed where there is nothing, as a note', () => {
      const ended = doctor('--json');
      const note = findingOf('nothing-installed', chartIn(ended));
      expect(note).to.include({ severity: 'note', subject: 'machine' });
      expect(note.because).to.contain('arm64').and.contain('s390x').and.not.contain('amd64,');
      expect(commandsOf(note)).to.deep.equal([`${install} all`]);
      expect(ended.exit).to.equal(0);
    });

    it('says that the processor runs it', () => {
      expect(examined('386').platforms).to.deep.include.members([
        {
          ...{ platform: 'linux/386', runs: true, why: null, handler: null, native: true, emulator: null },
          ...{ version: null, static: null, shipped: null, flags: null },
        },
      ]);
      expect(doctor('386').stdout).to.contain('none: the processor runs it');
    });

    it('changes nothing', () => {
      registerForeign('qemu-aarch64', 'arm64', aarch64, 'F');
      const before = [
        entryText('qemu-aarch64'),
        fs.readdirSync(MOUNT),
        fs.readFileSync('/proc/self/mountinfo', 'utf8'),
      ];
      doctor('arm64', '--repeat', '5');
      expect([
        entryText('qemu-aarch64'),
        fs.readdirSync(MOUNT),
        fs.readFileSync('/proc/self/mountinfo', 'utf8'),
      ]).to.deep.equal(before);
    });
  });

  it('no-entry: nothing matches, and how to register it', () => {
    const ended = doctor('--json', 'arm64');
    const finding = findingOf('no-entry', chartIn(ended));
    expect(finding).to.include({ severity: 'problem', subject: 'linux/arm64', see: 'exec /bin/sh: exec format error' });
    expect(finding.evidence[0]).to.equal('probe: ENOEXEC; none of 0 entries matches');
    expect(commandsOf(finding)).to.deep.equal([`${install} arm64`, `${install} arm64 --watch`]);
    expect(ended.exit).to.equal(1);
    expect(binfmt(['--install', 'arm64']).exit).to.equal(0);
    expect(doctor('arm64').exit).to.equal(0);
  });

  it('no-entry: wiped, though a file of binfmt.d registers it at boot', () => {
    const line = fs.readFileSync(path.join(EMULATORS, '../share/qemu/binfmt.d/qemu-aarch64.conf'), 'utf8');
    const file = path.join(scratch(), 'qemu-aarch64.conf');
    fs.writeFileSync(file, `# a comment\n${line}`);
    const ended = shell(
      `unshare --mount bash -euc 'mount -t tmpfs none /run; mkdir /run/binfmt.d; cp ${file} /run/binfmt.d
      exec ${PROGRAM} doctor --json arm64'`,
      { TMPDIR: scratch() },
    );
    const finding = findingOf('no-entry', chartIn(ended));
    expect(finding.evidence).to.include('/run/binfmt.d/qemu-aarch64.conf has qemu-aarch64');
    expect(finding.because).to.contain('systemd-binfmt');
    expect(commandsOf(finding)[0]).to.equal('sudo systemctl restart systemd-binfmt');
  });

  it('disabled-entry', () => {
    binfmt(['--install', 'arm64']);
    writeEntry('qemu-aarch64', '0');
    const chart = examined('arm64');
    expect(checksIn(chart)).to.deep.equal(['disabled-entry']);
    expect(chart.handlers).to.deep.include.members([
      {
        name: 'qemu-aarch64',
        enabled: false,
        interpreter: aarch64,
        flags: 'POCF',
        matches: ['linux/arm64'],
        takes: [],
      },
    ]);
    const [turnOn = ''] = commandsOf(findingOf('disabled-entry', chart));
    expect(shell(turnOn.replace('sudo ', '')).exit).to.equal(0);
    expect(checksIn(examined('arm64'))).to.deep.equal([]);
  });

  it('switched-off: as a whole', () => {
    binfmt(['--install', 'arm64']);
    writeEntry('status', '0');
    try {
      const ended = doctor('--json');
      expect(checksIn(chartIn(ended))).to.deep.equal(['switched-off']);
      expect(ended.exit).to.equal(1);
      // Install tells the same cause, last.
      const installed = binfmt(['--install', 'arm64']);
      expect(lastLine(installed.stderr)).to.contain('binfmt_misc is switched off as a whole');
      expect(findingOf('switched-off', chartIn(ended)).because).to.contain('binfmt_misc is switched off as a whole');
    } finally {
      writeEntry('status', '1');
    }
  });

  it('not-in-containers: flag F is missing', () => {
    registerForeign('qemu-aarch64', 'arm64', aarch64, 'POC');
    const finding = findingOf('not-in-containers', examined());
    expect(finding).to.include({ severity: 'problem', see: 'exec /bin/sh: no such file or directory' });
    expect(finding.evidence).to.include('qemu-aarch64: flags POC');
  });

  it('dynamic-emulator: seen in the very file that the kernel keeps open, also when it is gone', () => {
    const emulator = dynamicEmulator();
    registerForeign('qemu-aarch64', 'arm64', emulator, 'POCF');
    fs.rmSync(emulator);
    const chart = examined();
    expect(checksIn(chart)).to.deep.equal(['dynamic-emulator']);
    const finding = findingOf('dynamic-emulator', chart);
    expect(finding).to.include({ severity: 'problem', title: 'linux/arm64 does not run in containers' });
    expect(finding.evidence).to.include('probe: ENOENT although flag F is set');
    expect(finding.evidence[1]).to.match(/the kernel starts it: .* needs \/lib.*ld/);
    expect(chart.platforms[0]).to.include({ runs: false, static: false, shipped: false, handler: 'qemu-aarch64' });
    expect(commandsOf(finding)).to.deep.equal([
      `${install} arm64`,
      `${program} export systemd arm64 | sudo tar -x -C /`,
    ]);
    expect(doctor().stdout).to.contain('linux/arm64  NO ').and.contain(', dynamic');
  });

  it('emulator-crash: signal, version, address-space randomisation, and whether it is position-independent', () => {
    registerForeign('qemu-aarch64', 'arm64', crashingEmulator(), 'F');
    const finding = findingOf('emulator-crash', examined());
    expect(finding.see).to.match(/uncaught target signal|killed by/);
    expect(finding.evidence.join('\n'))
      .to.match(/killed by SIG(ILL|TRAP)/)
      .and.match(/not position-independent/)
      .and.match(/kernel\.randomize_va_space=\d, vm\.mmap_rnd_bits=/);
    clearEntries();
    const independent = compile('int main(void) { __builtin_trap(); }', ['-static-pie']);
    registerForeign('qemu-aarch64', 'arm64', independent, 'F');
    expect(findingOf('emulator-crash', examined()).evidence.join()).not.to.contain('position');
  });

  it('intermittent: --repeat finds what fails now and then, and says how often', () => {
    const source = '#include <unistd.h>\nint main(void) { if (getpid() % 3 == 0) __builtin_trap(); return 42; }';
    registerForeign('qemu-aarch64', 'arm64', compile(source, ['-static']), 'POCF');
    const findings = examined('arm64', '--repeat', '60').findings;
    const [finding] = findings.filter(({ check }) => check === 'intermittent');
    expect(finding?.evidence[0]).to.match(/^probes: \d+ ran, \d+ failed$/);
    const [ran = 0, failed = 0] = finding?.evidence[0]?.match(/\d+/g)?.map(Number) ?? [];
    expect(ran + failed).to.equal(60);
    expect(failed).to.be.greaterThan(5).and.lessThan(40);
  }).timeout(60_000);

  it('emulator-fails: what no other check explains', () => {
    registerForeign('qemu-aarch64', 'arm64', compile('int main(void) { return 3; }', ['-static']), 'F');
    expect(findingOf('emulator-fails', examined()).because).to.contain('exited with status 3');
    clearEntries();
    // An emulator for another machine: the kernel cannot start it.
    registerForeign('qemu-aarch64', 'arm64', path.join(shellDirectory(), 'foreign'), 'F');
    expect(findingOf('emulator-fails', examined()).because).to.contain('cannot run its emulator');
  });

  it('dynamic-emulator: by exit status 127, where the loader is there and the libraries are not', () => {
    const dir = scratch();
    shell(`cd ${dir}; echo 'int f(void) { return 42; }' >f.c; cc -shared -fPIC -o libf.so f.c
      echo 'int f(void); int main(void) { return f(); }' >main.c; cc -o emulator main.c -L. -lf; rm libf.so`);
    registerForeign('qemu-aarch64', 'arm64', path.join(dir, 'emulator'), 'F');
    const script = `echo 0 >/proc/sys/user/max_user_namespaces
      exec setpriv --bounding-set=-sys_chroot --inh-caps=-sys_chroot ${PROGRAM} doctor --json arm64`;
    const chart = chartIn(shell(`unshare --user --map-root-user --mount bash -euc '${script}'`));
    const finding = findingOf('dynamic-emulator', chart);
    expect(finding.severity).to.equal('problem');
    expect(finding.evidence[0]).to.contain('exited with status 127').and.contain('libf.so: cannot open shared object');
  });

  it('old-emulator: it is older than ours, as it answers through the kernel', () => {
    binfmt(['--install', 'arm64'], { QEMU_BINARY_PATH: OLDER_EMULATORS });
    const ended = doctor('--json');
    const finding = findingOf('old-emulator', chartIn(ended));
    expect(finding.severity).to.equal('warning');
    expect(finding.evidence[0]).to.match(/^qemu-aarch64 answers: QEMU 10\.0/);
    expect(chartIn(ended).platforms[0]).to.include({ runs: true, shipped: false });
    expect(ended.exit).to.equal(0);
  });

  it('cpu-level: the emulator has not the processor that was asked for', () => {
    // Exit status 70 of arm's probe is v6.
    registerForeign('qemu-arm', 'arm', compile('int main(void) { return 70; }', ['-static']), 'POCF');
    const chart = examined('linux/arm/v7');
    expect(findingOf('cpu-level', chart).because).to.contain('goes up to v6, and v7 was asked for');
    expect(chart.platforms[0]).to.include({ platform: 'linux/arm/v7', runs: false });
    expect(checksIn(examined('linux/arm/v6'))).to.deep.equal([]);
  });

  it('shadowed: which of two entries the kernel takes, seen and not assumed', () => {
    binfmt(['--install', 'arm64']);
    const other = path.join(OLDER_EMULATORS, 'qemu-aarch64');
    registerForeign('box64', 'arm64', other, 'POCF');
    const chart = examined();
    const finding = findingOf('shadowed', chart);
    expect(finding.title).to.equal('linux/arm64 runs through box64, not through qemu-aarch64');
    expect(finding.evidence[0]).to.contain(`started through ${other}`).and.contain('seen when the probe was started');
    expect(chart.platforms[0]).to.include({ handler: 'box64', emulator: other });
    expect(doctor().stdout).to.match(/^ +qemu-aarch64 .*not taken: it is older/m);
    const [force = ''] = commandsOf(finding);
    expect(force).to.equal(`${install} arm64 --force`);
    shell(force.replace('sudo ', ''));
    expect(checksIn(examined())).not.to.include('shadowed');
  });

  it('credentials, argv0: flags C and P are missing', () => {
    registerForeign('qemu-aarch64', 'arm64', aarch64, 'F');
    const ended = doctor('--json');
    expect(findingOf('credentials', chartIn(ended))).to.include({ severity: 'warning' });
    expect(findingOf('credentials', chartIn(ended)).see).to.contain('effective uid is not 0');
    expect(findingOf('argv0', chartIn(ended))).to.include({ severity: 'note' });
    expect(ended.exit).to.equal(0);
  });

  it('credentials-kept, image-platform: told with --verbose, or by name', () => {
    binfmt(['--install', 'arm64']);
    expect(checksIn(examined('arm64'))).to.deep.equal([]);
    expect(checksIn(examined('arm64', '--verbose'))).to.deep.equal(['credentials-kept', 'image-platform']);
    expect(checksIn(examined('arm64', '--check', 'image-platform'))).to.deep.equal(['image-platform']);
    expect(doctor('--verbose').stdout).to.contain('linux/arm64 (takes it)');
  });

  it('wrong-magic: an entry never matches what it is named for', () => {
    registerForeign('qemu-aarch64', 's390x', path.join(EMULATORS, 'qemu-s390x'), 'POCF');
    const finding = findingOf('wrong-magic', examined('arm64'));
    expect(finding.severity).to.equal('problem');
    expect(finding.evidence[1]).to.contain(row('arm64').magic);
    expect(commandsOf(finding)).to.deep.equal([`sudo ${program} --uninstall qemu-aarch64`, `${install} arm64`]);
  });

  it('wide-magic: an entry catches more than it is for', () => {
    // Any 32-bit big-endian program.
    const hex = (text: string) => text.replace(/../g, '\\x$&');
    const [magic, mask] = ['7f454c460102010000000000000000000002', 'ffffffffffffff00fffffffffffffffffffe'];
    writeEntry('register', `:qemu-mips:M::${hex(magic)}:${hex(mask)}:${path.join(EMULATORS, 'qemu-mips')}:POCF`);
    const finding = findingOf('wide-magic', examined('mips'));
    expect(finding.title).to.match(/^qemu-mips also catches programs of .*linux\/ppc,? ?/);
    expect(finding.severity).to.equal('warning');
  });

  it('native: an entry takes over what the processor runs by itself', () => {
    registerForeign('qemu-i386', '386', path.join(EMULATORS, 'qemu-i386'), 'POCF');
    const chart = examined();
    expect(findingOf('native', chart)).to.include({ severity: 'warning', subject: 'linux/386' });
    expect(chart.platforms[0]).to.include({ handler: 'qemu-i386', native: false, runs: true });
    const [remove = ''] = commandsOf(findingOf('native', chart));
    shell(remove.replace('sudo ', ''));
    expect(examined('386').findings).to.deep.equal([]);
  });

  describe('where binfmt_misc cannot be used', () => {
    const fresh = (script: string) =>
      shell(`exec unshare --user --map-root-user --mount --pid --fork --mount-proc bash -euc '${script}'`, {
        ...{ TMPDIR: scratch(), QEMU_BINARY_PATH: EMULATORS },
      });
    const mount = `mount -t binfmt_misc none ${MOUNT}`;

    it('user-namespace: its own list would hide the one of the host', () => {
      const chart = chartIn(fresh(`${PROGRAM} doctor --json arm64`));
      expect(findingOf('user-namespace', chart)).to.include({ severity: 'problem', subject: 'machine' });
      expect(findingOf('user-namespace', chart).because).to.contain('rootless');
    });

    it('user-namespace: no trouble where the platform runs', () => {
      binfmt(['--install', 'arm64']);
      const ended = fresh(`${PROGRAM} doctor --json`);
      expect(findingOf('user-namespace', chartIn(ended)).severity).to.equal('note');
      expect(chartIn(ended).platforms).to.deep.include.members([
        {
          ...{ platform: 'linux/arm64', runs: true, why: null, handler: null, native: false, emulator: aarch64 },
          ...{ version: null, static: null, shipped: null, flags: null },
        },
      ]);
      expect(ended.exit).to.equal(0);
    });

    it('read-only: told where something does not run, and only there', () => {
      const readOnly = `${mount}; ${PROGRAM} --install s390x >/dev/null 2>&1; mount -o remount,bind,ro ${MOUNT}`;
      const chart = chartIn(fresh(`${readOnly}; ${PROGRAM} doctor --json arm64`));
      expect(findingOf('read-only', chart).because).to.contain('EROFS');
      expect(chartIn(fresh(`${readOnly}; ${PROGRAM} doctor --json s390x`)).findings).to.deep.equal([]);
    });

    it('permission: register may not be written to', () => {
      const script = `${mount}; chmod 444 ${MOUNT}/register
        setpriv --bounding-set=-all --inh-caps=-all ${PROGRAM} doctor --json arm64`;
      expect(findingOf('user-namespace', chartIn(fresh(script))).because).to.contain('EACCES');
    });
  });

  it('names what it does not know, exits with 1, and answers about the rest', () => {
    const ended = doctor('arm64,mainframe');
    expect(ended.exit).to.equal(1);
    expect(ended.stderr).to.contain('"mainframe"');
    expect(ended.stdout).to.contain('linux/arm64');
  });

  it('runs one check, and lists them all', () => {
    registerForeign('qemu-aarch64', 'arm64', aarch64, 'F');
    expect(checksIn(examined('--check', 'argv0'))).to.deep.equal(['argv0']);
    const list = doctor('--list-checks').stdout.trim().split('\n');
    expect(list.length).to.be.greaterThan(20);
    for (const line of list) expect(line).to.match(/^[a-z0-9-]+ +\S/);
  });

  it('remedies work as they are pasted, also where a handler of another name works', () => {
    registerForeign('debian-aarch64', 'arm64', path.join(OLDER_EMULATORS, 'qemu-aarch64'), 'F');
    const chart = examined();
    expect(checksIn(chart)).to.have.members(['old-emulator', 'credentials', 'argv0']);
    for (const finding of chart.findings) expect(commandsOf(finding)).to.deep.equal([`${install} arm64 --force`]);
    expect(shell(`${install} arm64 --force`.replace('sudo ', '')).exit).to.equal(0);
    expect(examined().findings).to.deep.equal([]);
  });

  it('remedies are safe to be pasted, whatever an entry is called', () => {
    const name = "w';touch pwned;'qemu-aarch64";
    registerForeign(name, 'arm64', aarch64, 'POCF');
    writeEntry(name, '0');
    const [enable = ''] = commandsOf(findingOf('disabled-entry', examined('arm64')));
    const dir = scratch();
    expect(shell(`cd ${dir}; ${enable.replace('sudo ', '')}`).exit).to.equal(0);
    expect(fs.readdirSync(dir)).to.deep.equal([]);
    expect(examined('arm64').platforms[0]).to.include({ runs: true });
  });

  it('offers nothing that is not at hand', () => {
    const nowhere = { QEMU_BINARY_PATH: '/nonexistent' };
    const chart = chartIn(binfmt(['doctor', '--json', 'arm64'], nowhere));
    expect(findingOf('no-entry', chart).remedies[0]?.when).to.contain('no emulator');
    expect(binfmt(['doctor'], nowhere).stdout).to.contain('nothing is registered');
  });

  it('names the entry that the kernel takes also where its interpreter is a link', () => {
    const link = path.join(scratch(), 'link');
    fs.symlinkSync(aarch64, link);
    binfmt(['--install', 'arm64']);
    registerForeign('other', 'arm64', link, 'F');
    expect(examined().platforms[0]).to.include({ handler: 'other' });
    expect(checksIn(examined())).to.include('shadowed');
  });

  it('a script is not called dynamically linked', () => {
    const script = path.join(scratch(), 'script');
    fs.writeFileSync(script, '#!/bin/sh\nexit 42\n', { mode: 0o755 });
    registerForeign('qemu-aarch64', 'arm64', script, 'F');
    expect(checksIn(examined())).to.deep.equal(['emulator-fails']);
  });

  it('tells each of two failures of the same check, and one that is the same only once', () => {
    registerForeign('a', 'arm64', compile('int main(void) { return 3; }', ['-static']), 'F');
    registerForeign('b', 's390x', compile('int main(void) { return 5; }', ['-static']), 'F');
    const text = doctor('arm64', 's390x', 'riscv64', 'arm').stdout;
    expect(text).to.contain('exited with status 3').and.contain('exited with status 5');
    expect(text).to.contain(`${install} riscv64,arm`);
    expect(text.match(/\[no-entry\]/g)).to.have.length(1);
  });

  it('leaves no control characters in what it prints', () => {
    const source = '#include <stdio.h>\nint main(void) { printf("\\033]0;title\\a"); return 3; }';
    registerForeign('qemu-aarch64', 'arm64', compile(source, ['-static']), 'F');
    expect(doctor().stdout)
      .to.contain('0;title')
      .and.not.match(/[^\P{Cc}\n]/u);
  });

  it('a file of binfmt.d is masked by one of the same name in front of it, and none is waited for', () => {
    const script = `mount -t tmpfs none /run; mkdir /run/binfmt.d; mkfifo /run/binfmt.d/fifo.conf
      mount -t tmpfs none /usr/lib/binfmt.d 2>/dev/null || exit 0
      printf %s ":qemu-aarch64:M::x::/q:F" >/usr/lib/binfmt.d/a.conf; ln -s /dev/null /run/binfmt.d/a.conf
      exec timeout 10 ${PROGRAM} doctor --json arm64`;
    const ended = shell(`unshare --mount bash -euc '${script}'`);
    if (ended.stdout !== '') expect(findingOf('no-entry', chartIn(ended)).evidence).to.have.length(1);
  });

  it('undoes a mount that it made, also when it is ended', () => {
    const script = `umount ${MOUNT}; ${PROGRAM} doctor --allow-userns --repeat 10000 386 >/dev/null & sleep 0.7
      kill -TERM $!; wait $! || echo "status $?"; grep -c "binfmt_misc" /proc/self/mountinfo || true`;
    expect(shell(`unshare --mount bash -c '${script}'`).stdout).to.equal('status 143\n0\n');
  });

  it('answers in JSON whatever is asked with --json', () => {
    const ended = doctor('--json', 'mainframe');
    expect(chartIn(ended).platforms).to.deep.equal([]);
    expect(ended.exit).to.equal(1);
    expect(JSON.parse(doctor('--json', '--list-checks').stdout)[0]).to.have.keys('name', 'text');
  });

  it('says what install says last', () => {
    const dir = scratch();
    fs.copyFileSync(crashingEmulator(), path.join(dir, 'qemu-aarch64'));
    const installed = binfmt(['--install', 'arm64'], { QEMU_BINARY_PATH: dir });
    registerForeign('qemu-aarch64', 'arm64', path.join(dir, 'qemu-aarch64'), 'POCF');
    const { because } = findingOf(
      'emulator-crash',
      chartIn(binfmt(['doctor', '--json', 'arm64'], { QEMU_BINARY_PATH: dir })),
    );
    expect(lastLine(installed.stderr)).to.contain(because.replace(/\.$/, ''));
  });
});

/** A directory with a program of another machine. */
function shellDirectory(): string {
  const dir = scratch();
  const bytes = Buffer.alloc(128);
  Buffer.from(row('s390x').magic, 'hex').copy(bytes);
  fs.writeFileSync(path.join(dir, 'foreign'), bytes, { mode: 0o755 });
  return dir;
}

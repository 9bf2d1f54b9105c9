import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { architectures } from '../../src/core/architectures.js';
import { chartIn, commandsOf, findingOf } from '../support/doctor.js';
import { clearEntries, entryText, MOUNT, registerForeign, writeEntry } from '../support/kernel.js';
import { alsoNative, guest, guest2, guest3, guest4, native, own, variantGuest } from '../support/machine.js';
import {
  binfmt,
  EMULATORS,
  lastLine,
  OLDER_EMULATORS,
  olderVersion,
  PROGRAM,
  shell,
  shippedVersion,
} from '../support/program.js';
import { compile, crashingEmulator, dynamicEmulator } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const { name, platform, emulator: entry } = guest;
const shipped = path.join(EMULATORS, entry);
const older = path.join(OLDER_EMULATORS, entry);
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
      expect(chartIn(ended).platforms.every((line) => line.runs && line.shipped)).to.equal(true);
      expect(chartIn(ended).platforms.map((line) => line.platform.replace(/\/v\d$/, ''))).to.include.members([
        platform,
        guest2.platform,
        guest3.platform,
      ]);
    });

    it('is short: a line a platform', () => {
      binfmt(['--install', `${name},${guest2.name}`]);
      const rows = doctor()
        .stdout.split('\n')
        .map((row) => row.split(/ {2,}/));
      expect(rows).to.deep.equal([
        ['PLATFORM', 'RUNS', 'HANDLER', 'EMULATOR', 'FLAGS'],
        [platform, 'yes', entry, `QEMU ${shippedVersion()} (this program's)`, 'POCF'],
        [guest2.platform, 'yes', guest2.emulator, `QEMU ${shippedVersion()} (this program's)`, 'POCF'],
        [''],
      ]);
    }).timeout(20_000);

    it('says what could be installed where there is nothing, as a note', () => {
      const ended = doctor('--json');
      const note = findingOf('nothing-installed', chartIn(ended));
      expect(note).to.include({ severity: 'note', subject: 'machine' });
      expect(note.because).to.contain(name).and.contain(guest2.name).and.not.contain(`${own.name},`);
      expect(commandsOf(note)).to.deep.equal([`${install} all`]);
      expect(ended.exit).to.equal(0);
    });

    for (const each of native.keys()) {
      it(`says that the processor runs ${each.name}`, () => {
        expect(examined(each.name).platforms).to.deep.equal([
          {
            ...{ platform: `linux/${each.name}`, runs: true, why: null, handler: null, native: true, emulator: null },
            ...{ version: null, static: null, shipped: null, flags: null },
          },
        ]);
        expect(doctor(each.name).stdout).to.contain('none: the processor runs it');
      });
    }

    it('changes nothing', () => {
      registerForeign(entry, name, shipped, 'F');
      const before = [entryText(entry), fs.readdirSync(MOUNT), fs.readFileSync('/proc/self/mountinfo', 'utf8')];
      doctor(name, '--repeat', '5');
      expect([entryText(entry), fs.readdirSync(MOUNT), fs.readFileSync('/proc/self/mountinfo', 'utf8')]).to.deep.equal(
        before,
      );
    });
  });

  it('no-entry: nothing matches, and how to register it', () => {
    const ended = doctor('--json', name);
    const finding = findingOf('no-entry', chartIn(ended));
    expect(finding).to.include({ severity: 'problem', subject: platform, see: 'exec /bin/sh: exec format error' });
    expect(finding.evidence[0]).to.equal('probe: ENOEXEC; none of 0 entries matches');
    expect(commandsOf(finding)).to.deep.equal([`${install} ${name}`, `${install} ${name} --watch`]);
    expect(ended.exit).to.equal(1);
    expect(binfmt(['--install', name]).exit).to.equal(0);
    expect(doctor(name).exit).to.equal(0);
  });

  it('no-entry: wiped, though a file of binfmt.d registers it at boot', () => {
    const line = fs.readFileSync(path.join(EMULATORS, `../share/qemu/binfmt.d/${entry}.conf`), 'utf8');
    const file = path.join(scratch(), `${entry}.conf`);
    fs.writeFileSync(file, `# a comment\n${line}`);
    const ended = shell(
      `unshare --mount bash -euc 'mount -t tmpfs none /run; mkdir /run/binfmt.d; cp ${file} /run/binfmt.d
      exec ${PROGRAM} doctor --json ${name}'`,
      { TMPDIR: scratch() },
    );
    const finding = findingOf('no-entry', chartIn(ended));
    expect(finding.evidence).to.include(`/run/binfmt.d/${entry}.conf has ${entry}`);
    expect(finding.because).to.contain('systemd-binfmt');
    expect(commandsOf(finding)[0]).to.equal('sudo systemctl restart systemd-binfmt');
  });

  it('disabled-entry', () => {
    binfmt(['--install', name]);
    writeEntry(entry, '0');
    const chart = examined(name);
    expect(checksIn(chart)).to.deep.equal(['disabled-entry']);
    expect(chart.handlers).to.deep.include.members([
      {
        name: entry,
        enabled: false,
        interpreter: shipped,
        flags: 'POCF',
        matches: [platform],
        takes: [],
      },
    ]);
    const [turnOn = ''] = commandsOf(findingOf('disabled-entry', chart));
    expect(shell(turnOn.replace('sudo ', '')).exit).to.equal(0);
    expect(checksIn(examined(name))).to.deep.equal([]);
  });

  it('switched-off: as a whole', () => {
    binfmt(['--install', name]);
    writeEntry('status', '0');
    try {
      const ended = doctor('--json');
      expect(checksIn(chartIn(ended))).to.deep.equal(['switched-off']);
      expect(ended.exit).to.equal(1);
      // Install tells the same cause, last.
      const installed = binfmt(['--install', name]);
      expect(lastLine(installed.stderr)).to.contain('binfmt_misc is switched off as a whole');
      expect(findingOf('switched-off', chartIn(ended)).because).to.contain('binfmt_misc is switched off as a whole');
    } finally {
      writeEntry('status', '1');
    }
  });

  it('not-in-containers: flag F is missing', () => {
    registerForeign(entry, name, shipped, 'POC');
    const finding = findingOf('not-in-containers', examined());
    expect(finding).to.include({ severity: 'problem', see: 'exec /bin/sh: no such file or directory' });
    expect(finding.evidence).to.include(`${entry}: flags POC`);
  });

  it('dynamic-emulator: seen in the very file that the kernel keeps open, also when it is gone', () => {
    const dynamic = dynamicEmulator();
    registerForeign(entry, name, dynamic, 'POCF');
    fs.rmSync(dynamic);
    const chart = examined();
    expect(checksIn(chart)).to.deep.equal(['dynamic-emulator']);
    const finding = findingOf('dynamic-emulator', chart);
    expect(finding).to.include({ severity: 'problem', title: `${platform} does not run in containers` });
    expect(finding.evidence).to.include('probe: ENOENT although flag F is set');
    expect(finding.evidence[1]).to.match(/the kernel starts it: .* needs \/lib.*ld/);
    expect(chart.platforms[0]).to.include({ runs: false, static: false, shipped: false, handler: entry });
    expect(commandsOf(finding)).to.deep.equal([
      `${install} ${name}`,
      `${program} export systemd ${name} | sudo tar -x -C /`,
    ]);
    expect(doctor().stdout).to.contain(`${platform}  NO `).and.contain(', dynamic');
  });

  it('emulator-crash: signal, version, address-space randomisation, and whether it is position-independent', () => {
    registerForeign(entry, name, crashingEmulator(), 'F');
    const finding = findingOf('emulator-crash', examined());
    expect(finding.see).to.match(/uncaught target signal|killed by/);
    expect(finding.evidence.join('\n'))
      .to.match(/killed by SIG(ILL|TRAP)/)
      .and.match(/not position-independent/)
      .and.match(/kernel\.randomize_va_space=\d, vm\.mmap_rnd_bits=/);
    clearEntries();
    const independent = compile('int main(void) { __builtin_trap(); }', ['-static-pie']);
    registerForeign(entry, name, independent, 'F');
    expect(findingOf('emulator-crash', examined()).evidence.join()).not.to.contain('position');
  });

  it('intermittent: --repeat finds what fails now and then, and says how often', () => {
    const source = '#include <unistd.h>\nint main(void) { if (getpid() % 3 == 0) __builtin_trap(); return 42; }';
    registerForeign(entry, name, compile(source, ['-static']), 'POCF');
    const findings = examined(name, '--repeat', '60').findings;
    const [finding] = findings.filter(({ check }) => check === 'intermittent');
    expect(finding?.evidence[0]).to.match(/^probes: \d+ ran, \d+ failed$/);
    const [ran = 0, failed = 0] = finding?.evidence[0]?.match(/\d+/g)?.map(Number) ?? [];
    expect(ran + failed).to.equal(60);
    expect(failed).to.be.greaterThan(5).and.lessThan(40);
  }).timeout(60_000);

  it('emulator-fails: what no other check explains', () => {
    registerForeign(entry, name, compile('int main(void) { return 3; }', ['-static']), 'F');
    expect(findingOf('emulator-fails', examined()).because).to.contain('exited with status 3');
    clearEntries();
    // An emulator for another machine: the kernel cannot start it.
    registerForeign(entry, name, path.join(shellDirectory(), 'foreign'), 'F');
    expect(findingOf('emulator-fails', examined()).because).to.contain('cannot run its emulator');
  });

  it('dynamic-emulator: by exit status 127, where the loader is there and the libraries are not', () => {
    const dir = scratch();
    shell(`cd ${dir}; echo 'int f(void) { return 42; }' >f.c; cc -shared -fPIC -o libf.so f.c
      echo 'int f(void); int main(void) { return f(); }' >main.c; cc -o emulator main.c -L. -lf; rm libf.so`);
    registerForeign(entry, name, path.join(dir, 'emulator'), 'F');
    const script = `echo 0 >/proc/sys/user/max_user_namespaces
      exec setpriv --bounding-set=-sys_chroot --inh-caps=-sys_chroot ${PROGRAM} doctor --json ${name}`;
    const chart = chartIn(shell(`unshare --user --map-root-user --mount bash -euc '${script}'`));
    const finding = findingOf('dynamic-emulator', chart);
    expect(finding.severity).to.equal('problem');
    expect(finding.evidence[0]).to.contain('exited with status 127').and.contain('libf.so: cannot open shared object');
  });

  it('old-emulator: it is older than ours, as it answers through the kernel', () => {
    binfmt(['--install', name], { QEMU_BINARY_PATH: OLDER_EMULATORS });
    const ended = doctor('--json');
    const finding = findingOf('old-emulator', chartIn(ended));
    expect(finding.severity).to.equal('warning');
    expect(finding.evidence[0]).to.equal(`${entry} answers: QEMU ${olderVersion()}`);
    expect(chartIn(ended).platforms[0]).to.include({ runs: true, shipped: false });
    expect(ended.exit).to.equal(0);
  });

  it('cpu-level: the emulator has not the processor that was asked for', () => {
    const { lower, higher, lowerStatus } = variantGuest;
    const lesser = compile(`int main(void) { return ${lowerStatus}; }`, ['-static']);
    registerForeign(variantGuest.emulator, variantGuest.name, lesser, 'POCF');
    const wanted = `${variantGuest.platform}/v${higher}`;
    const chart = examined(wanted);
    expect(findingOf('cpu-level', chart).because).to.contain(`goes up to v${lower}, and v${higher} was asked for`);
    expect(chart.platforms[0]).to.include({ platform: wanted, runs: false });
    expect(checksIn(examined(`${variantGuest.platform}/v${lower}`))).to.deep.equal([]);
  });

  it('shadowed: which of two entries the kernel takes, seen and not assumed', () => {
    binfmt(['--install', name]);
    registerForeign('box64', name, older, 'POCF');
    const chart = examined();
    const finding = findingOf('shadowed', chart);
    expect(finding.title).to.equal(`${platform} runs through box64, not through ${entry}`);
    expect(finding.evidence[0]).to.contain(`started through ${older}`).and.contain('seen when the probe was started');
    expect(chart.platforms[0]).to.include({ handler: 'box64', emulator: older });
    expect(doctor().stdout).to.match(new RegExp(`^ +${entry} .*not taken: it is older`, 'm'));
    const [force = ''] = commandsOf(finding);
    expect(force).to.equal(`${install} ${name} --force`);
    shell(force.replace('sudo ', ''));
    expect(checksIn(examined())).not.to.include('shadowed');
  });

  it('credentials, argv0: flags C and P are missing', () => {
    registerForeign(entry, name, shipped, 'F');
    const ended = doctor('--json');
    expect(findingOf('credentials', chartIn(ended))).to.include({ severity: 'warning' });
    expect(findingOf('credentials', chartIn(ended)).see).to.contain('effective uid is not 0');
    expect(findingOf('argv0', chartIn(ended))).to.include({ severity: 'note' });
    expect(ended.exit).to.equal(0);
  });

  it('credentials-kept, image-platform: told with --verbose, or by name', () => {
    binfmt(['--install', name]);
    expect(checksIn(examined(name))).to.deep.equal([]);
    expect(checksIn(examined(name, '--verbose'))).to.deep.equal(['credentials-kept', 'image-platform']);
    expect(checksIn(examined(name, '--check', 'image-platform'))).to.deep.equal(['image-platform']);
    expect(doctor('--verbose').stdout).to.contain(`${platform} (takes it)`);
  });

  it('wrong-magic: an entry never matches what it is named for', () => {
    registerForeign(entry, guest2.name, path.join(EMULATORS, guest2.emulator), 'POCF');
    const finding = findingOf('wrong-magic', examined(name));
    expect(finding.severity).to.equal('problem');
    expect(finding.evidence[1]).to.contain(guest.architecture.magic);
    expect(commandsOf(finding)).to.deep.equal([`sudo ${program} --uninstall ${entry}`, `${install} ${name}`]);
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

  for (const { name: nativeName, target } of alsoNative) {
    it(`native: an entry takes over ${nativeName}, which the processor runs by itself`, () => {
      registerForeign(`qemu-${target}`, nativeName, path.join(EMULATORS, `qemu-${target}`), 'POCF');
      const chart = examined();
      expect(findingOf('native', chart)).to.include({ severity: 'warning', subject: `linux/${nativeName}` });
      expect(chart.platforms[0]).to.include({ handler: `qemu-${target}`, native: false, runs: true });
      const [remove = ''] = commandsOf(findingOf('native', chart));
      shell(remove.replace('sudo ', ''));
      expect(examined(nativeName).findings).to.deep.equal([]);
    });
  }

  describe('where binfmt_misc cannot be used', () => {
    const fresh = (script: string) =>
      shell(`exec unshare --user --map-root-user --mount --pid --fork --mount-proc bash -euc '${script}'`, {
        ...{ TMPDIR: scratch(), QEMU_BINARY_PATH: EMULATORS },
      });
    const mount = `mount -t binfmt_misc none ${MOUNT}`;

    it('user-namespace: its own list would hide the one of the host', () => {
      const chart = chartIn(fresh(`${PROGRAM} doctor --json ${name}`));
      expect(findingOf('user-namespace', chart)).to.include({ severity: 'problem', subject: 'machine' });
      expect(findingOf('user-namespace', chart).because).to.contain('rootless');
    });

    it('user-namespace: no trouble where the platform runs', () => {
      binfmt(['--install', name]);
      const ended = fresh(`${PROGRAM} doctor --json`);
      expect(findingOf('user-namespace', chartIn(ended)).severity).to.equal('note');
      expect(chartIn(ended).platforms).to.deep.include.members([
        {
          ...{ platform, runs: true, why: null, handler: null, native: false, emulator: shipped },
          ...{ version: null, static: null, shipped: null, flags: null },
        },
      ]);
      expect(ended.exit).to.equal(0);
    });

    it('read-only: told where something does not run, and only there', () => {
      const readOnly = `${mount}; ${PROGRAM} --install ${guest2.name} >/dev/null 2>&1; mount -o remount,bind,ro ${MOUNT}`;
      const chart = chartIn(fresh(`${readOnly}; ${PROGRAM} doctor --json ${name}`));
      expect(findingOf('read-only', chart).because).to.contain('EROFS');
      expect(chartIn(fresh(`${readOnly}; ${PROGRAM} doctor --json ${guest2.name}`)).findings).to.deep.equal([]);
    });

    it('permission: register may not be written to', () => {
      const script = `${mount}; chmod 444 ${MOUNT}/register
        setpriv --bounding-set=-all --inh-caps=-all ${PROGRAM} doctor --json ${name}`;
      expect(findingOf('user-namespace', chartIn(fresh(script))).because).to.contain('EACCES');
    });
  });

  it('names what it does not know, exits with 1, and answers about the rest', () => {
    const ended = doctor(`${name},mainframe`);
    expect(ended.exit).to.equal(1);
    expect(ended.stderr).to.contain('"mainframe"');
    expect(ended.stdout).to.contain(platform);
  });

  it('runs one check, and lists them all', () => {
    registerForeign(entry, name, shipped, 'F');
    expect(checksIn(examined('--check', 'argv0'))).to.deep.equal(['argv0']);
    const list = doctor('--list-checks').stdout.trim().split('\n');
    expect(list.length).to.be.greaterThan(20);
    for (const line of list) expect(line).to.match(/^[a-z0-9-]+ +\S/);
  });

  it('remedies work as they are pasted, also where a handler of another name works', () => {
    registerForeign('debian', name, older, 'F');
    const chart = examined();
    expect(checksIn(chart)).to.have.members(['old-emulator', 'credentials', 'argv0']);
    for (const finding of chart.findings) expect(commandsOf(finding)).to.deep.equal([`${install} ${name} --force`]);
    expect(shell(`${install} ${name} --force`.replace('sudo ', '')).exit).to.equal(0);
    expect(examined().findings).to.deep.equal([]);
  });

  it('remedies are safe to be pasted, whatever an entry is called', () => {
    const strange = `w';touch pwned;'${entry}`;
    registerForeign(strange, name, shipped, 'POCF');
    writeEntry(strange, '0');
    const [enable = ''] = commandsOf(findingOf('disabled-entry', examined(name)));
    const dir = scratch();
    expect(shell(`cd ${dir}; ${enable.replace('sudo ', '')}`).exit).to.equal(0);
    expect(fs.readdirSync(dir)).to.deep.equal([]);
    expect(examined(name).platforms[0]).to.include({ runs: true });
  });

  it('offers nothing that is not at hand', () => {
    const nowhere = { QEMU_BINARY_PATH: '/nonexistent' };
    const chart = chartIn(binfmt(['doctor', '--json', name], nowhere));
    expect(findingOf('no-entry', chart).remedies[0]?.when).to.contain('no emulator');
    expect(binfmt(['doctor'], nowhere).stdout).to.contain('nothing is registered');
  });

  it('names the entry that the kernel takes also where its interpreter is a link', () => {
    const link = path.join(scratch(), 'link');
    fs.symlinkSync(shipped, link);
    binfmt(['--install', name]);
    registerForeign('other', name, link, 'F');
    expect(examined().platforms[0]).to.include({ handler: 'other' });
    expect(checksIn(examined())).to.include('shadowed');
  });

  it('a script is not called dynamically linked', () => {
    const script = path.join(scratch(), 'script');
    fs.writeFileSync(script, '#!/bin/sh\nexit 42\n', { mode: 0o755 });
    registerForeign(entry, name, script, 'F');
    expect(checksIn(examined())).to.deep.equal(['emulator-fails']);
  });

  it('tells each of two failures of the same check, and one that is the same only once', () => {
    registerForeign('a', name, compile('int main(void) { return 3; }', ['-static']), 'F');
    registerForeign('b', guest2.name, compile('int main(void) { return 5; }', ['-static']), 'F');
    // In the order of the table.
    const rest = architectures.map((each) => each.name).filter((each) => [guest3.name, guest4.name].includes(each));
    const text = doctor(name, guest2.name, guest3.name, guest4.name).stdout;
    expect(text).to.contain('exited with status 3').and.contain('exited with status 5');
    expect(text).to.contain(`${install} ${rest.join()}`);
    expect(text.match(/\[no-entry\]/g)).to.have.length(1);
  });

  it('leaves no control characters in what it prints', () => {
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
    expect(findingOf('no-entry', chartIn(ended)).evidence.slice(1)).to.deep.equal([
      `/usr/local/lib/binfmt.d/b.conf has ${entry}`,
    ]);
  });

  it('undoes a mount that it made, also when it is ended', () => {
    // On the host's /proc below this one, there may be another.
    const script = `umount ${MOUNT}; mounts() { grep -c binfmt_misc /proc/self/mountinfo; }; before=$(mounts)
      ${PROGRAM} doctor --allow-userns --repeat 10000 ${own.name} >/dev/null &
      until [ $(mounts) -gt $before ]; do sleep 0.02; done
      kill -TERM $!; wait $! || echo "status $?"; echo "$(($(mounts) - before)) left"`;
    expect(shell(`unshare --mount bash -c '${script}'`).stdout).to.equal('status 143\n0 left\n');
  });

  it('answers in JSON whatever is asked with --json', () => {
    const ended = doctor('--json', 'mainframe');
    expect(chartIn(ended).platforms).to.deep.equal([]);
    expect(ended.exit).to.equal(1);
    expect(JSON.parse(doctor('--json', '--list-checks').stdout)[0]).to.have.keys('name', 'text');
  });

  it('says what install says last', () => {
    const dir = scratch();
    fs.copyFileSync(crashingEmulator(), path.join(dir, entry));
    const installed = binfmt(['--install', name], { QEMU_BINARY_PATH: dir });
    registerForeign(entry, name, path.join(dir, entry), 'POCF');
    const { because } = findingOf(
      'emulator-crash',
      chartIn(binfmt(['doctor', '--json', name], { QEMU_BINARY_PATH: dir })),
    );
    expect(lastLine(installed.stderr)).to.contain(because.replace(/\.$/, ''));
  });
});

/** A directory with a program of another machine. */
function shellDirectory(): string {
  const dir = scratch();
  const bytes = Buffer.alloc(128);
  Buffer.from(guest2.architecture.magic, 'hex').copy(bytes);
  fs.writeFileSync(path.join(dir, 'foreign'), bytes, { mode: 0o755 });
  return dir;
}

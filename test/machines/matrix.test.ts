/** Every kernel that Debian has, on every host of the image: what users do, and what the kernel decides. */
import { expect } from 'chai';
import { registerLine } from '../../src/core/binfmt/entry.js';
import { emulatorName } from '../../src/core/platform/architectures.js';
import type { Status } from '../../src/core/report/status.js';
import { compareVersions } from '../../src/core/version.js';
import { row } from '../support/architectures.js';
import type { Done } from '../support/console.js';
import { guestMachine } from '../support/docker.js';
import type { PrintedReport } from '../support/doctor.js';
import { lastLine } from '../support/program.js';
import { type Box, kernelOf, machine } from './box.js';
import { chosen } from './choice.js';

const HOSTS = ['amd64', 'arm64', 'riscv64', 'ppc64le', 's390x'];
/** Linux 5.10, 6.1, 6.12, 7.2 and 7.3. */
const SUITES = ['bullseye', 'bookworm', 'trixie bookworm-backports', 'forky sid', 'trixie-backports'];
/** The oldest and the newest kernel on amd64, and the newest of a little-endian and of a big-endian host. */
const FEW = ['amd64 bullseye', 'amd64 trixie-backports', 'arm64 trixie-backports', 's390x forky sid'];

/** What a line of the table says; printed when all machines are done. */
const table: string[][] = [];

function lineFor(guest: string): string {
  const architecture = row(guest);
  const name = emulatorName(architecture);
  return registerLine({ ...architecture, name, interpreter: `/usr/bin/${name}`, flags: 'POCF' });
}

/** What is done on each machine, in this order. `guest` is the foreign architecture that most of it is about. */
function commandsFor(guest: string, guests: readonly string[]) {
  const entry = `$misc/${emulatorName(row(guest))}`;
  const program = `/guests/${guest}/bin/busybox uname -m`;
  /** Before Linux 5.12, a program with flag P takes the name that it was called by for an argument. */
  const echo = `/guests/${guest}/bin/echo hello`;
  const effectiveUser = `su user -c /guests/euid-${guest}`;
  /** Waits for up to a minute. */
  const until = (condition: string) => `n=0; until ${condition} || [ $n = 300 ]; do sleep 0.2; n=$((n + 1)); done`;
  /** A mount namespace that cannot reach the one of the machine's process 1: a container. */
  const container = 'unshare -m -p -f --mount-proc';
  return {
    missing: `binfmt --install ${guest}`,
    'doctor, missing': `binfmt doctor --json ${guest}`,
    load: 'insmod /lib/modules/binfmt_misc.ko',
    install: `binfmt --install ${guests.join()} 2>/dev/null`,
    flags: `grep '^flags' ${entry}`,
    programs: `for each in ${guests.join(' ')}; do /guests/$each/bin/busybox uname -m; done`,
    chroot: `for each in ${guests.join(' ')}; do chroot /guests/$each /bin/busybox uname -m; done`,
    status: 'binfmt',
    doctor: 'binfmt doctor --json',
    credentials: effectiveUser,
    'no credentials': `binfmt --install ${guest} --no-credentials >/dev/null; ${effectiveUser}`,
    watch: `binfmt --install ${guest} --watch >/tmp/log 2>&1 & watcher=$!
      ${until("grep -sq '^}' /tmp/log")}
      echo -1 >${entry}
      ${until(`[ -e ${entry} ]`)}
      ${program}
      kill $watcher; wait $watcher`,
    // The text that other tools register on every kernel.
    'by hand': `binfmt --uninstall all >/dev/null 2>&1; echo '${lineFor(guest)}' >$misc/register; ${echo}`,
    'doctor, by hand': `binfmt doctor --json ${guest}`,
    replaced: `binfmt --install ${guest} >/dev/null 2>&1; ${echo}`,
    uninstall: 'binfmt --uninstall all >/dev/null 2>&1; ls $misc',
    // Kernels differ here, and so do versions of one release: what they do is tried by hand first.
    outlives: `echo ':marker:E::marker::/bin/true:' >$misc/register; umount $misc; mount -t binfmt_misc none $misc; ls $misc`,
    // The machine has not mounted it now, and a container ends.
    container: `[ ! -e $misc/marker ] || echo -1 >$misc/marker; umount $misc; ${container} binfmt --install ${guest}`,
    survivors: 'mount -t binfmt_misc none $misc; ls $misc',
    run: `binfmt --uninstall all >/dev/null 2>&1; su user -c 'binfmt run ${guest} -- ${program}'`,
    // What a rootless dockerd looks like to the program, in namespaces that are made in the same way.
    rootless: `printf '#!/bin/sh\\nsleep 60\\n' >/tmp/dockerd; chmod +x /tmp/dockerd
      su user -c 'unshare -r -m /tmp/dockerd & ${until('grep -sq dockerd /proc/$!/comm')}
      binfmt --rootless=docker --install ${guest} >/dev/null && nsenter -t $! -U -m --preserve-credentials ${program}'`,
    untouched: 'ls $misc',
    forbidden: `echo 0 >/proc/sys/user/max_user_namespaces; su user -c 'binfmt run ${guest} -- ${program}'`,
  };
}

const boxes: Box[] = HOSTS.flatMap((host) => SUITES.map((suite) => ({ host, suite }))).filter(({ host, suite }) =>
  chosen(`${host} ${suite}`, FEW.includes(`${host} ${suite}`)),
);
const kernels = await Promise.all(boxes.map(kernelOf));

for (const [index, box] of boxes.entries()) {
  const { host } = box;
  const kernel = kernels[index];
  if (kernel === undefined) continue;

  describe(`Linux ${kernel} on ${host}`, () => {
    const guests = ['arm64', 'amd64', 's390x', 'riscv64'].filter((each) => each !== host);
    const guest = guests[0] as string;
    const emulator = emulatorName(row(guest));
    const machines = guests.map((each) => `${guestMachine({ name: each })}\n`).join('');
    const since = (version: string) => compareVersions(kernel, version) >= 0;
    const flags = since('5.12') ? 'POCF' : 'OCF';
    const results = machine(box, commandsFor(guest, guests));
    let done: Awaited<ReturnType<typeof results>>;

    before(async () => {
      done = await results();
    });
    after(() => {
      if (done === undefined) return;
      const word = ({ exit }: Done, [yes, no]: readonly [string, string]) => (exit === 0 ? yes : no);
      table.push([
        kernel.replace(/-(cloud-)?[a-z].*/, ''),
        host,
        done.chroot.output.trim().replaceAll('\n', ', '),
        done.flags.output.replace('flags: ', '').trim(),
        done.outlives.output.includes('marker') ? 'yes' : 'no',
        word(done.container, ['installs', 'refuses']),
        word(done.run, ['yes', 'no']),
      ]);
    });

    it('says that the module is not loaded, and which command loads it', () => {
      expect(done.missing.exit).to.equal(3);
      expect(done.missing.output).to.contain('ENODEV').and.contain('sudo modprobe binfmt_misc');
      const { problems } = JSON.parse(done['doctor, missing'].output) as PrintedReport;
      expect(problems.map(({ id }) => id)).to.include('kernel-module');
    });

    it('installs, once the module is loaded', () => {
      expect(done.load.exit).to.equal(0);
      expect(done.install.exit, done.install.output).to.equal(0);
      expect((JSON.parse(done.install.output) as Status).emulators).to.have.length(guests.length);
    });

    it(`registers with the flags ${flags}${since('5.12') ? '' : ', because it has no flag P'}`, () => {
      expect(done.flags.output).to.equal(`flags: ${flags}\n`);
    });

    it('runs foreign programs, also where the emulator is out of reach', () => {
      expect(done.programs.output).to.equal(machines);
      expect(done.chroot.output).to.equal(machines);
    });

    it('lists what runs', () => {
      const { supported, emulators } = JSON.parse(done.status.output) as Status;
      expect(supported).to.include.members([host, ...guests].map((each) => `linux/${each}`));
      expect(emulators).to.have.members(guests.map((each) => emulatorName(row(each))));
    });

    it('has nothing that the doctor finds fault with', () => {
      const { problems, platforms } = JSON.parse(done.doctor.output) as PrintedReport;
      expect(done.doctor.exit, done.doctor.output).to.equal(0);
      expect(problems.filter(({ severity }) => severity !== 'note')).to.deep.equal([]);
      expect(platforms.filter(({ runs }) => runs).map(({ platform }) => platform)).to.have.members(
        guests.map((each) => `linux/${each}`),
      );
    });

    it('starts a setuid program as its owner with flag C, and without it as the caller', () => {
      expect(done.credentials.exit).to.equal(0);
      expect(done['no credentials'].exit).to.equal(1000 % 256);
    });

    it('has a watcher that restores an entry, and ends when it is told to', () => {
      expect(done.watch.output).to.equal(`${guestMachine({ name: guest })}\n`);
      expect(done.watch.exit).to.equal(0);
    });

    it(`${since('5.12') ? 'accepts' : 'explains, and replaces,'} an entry with flag P that was registered by hand`, () => {
      const { problems } = JSON.parse(done['doctor, by hand'].output) as PrintedReport;
      const found = problems.filter(({ severity }) => severity === 'problem').map(({ id }) => id);
      expect(found).to.deep.equal(since('5.12') ? [] : ['argv0-kernel']);
      expect(done['by hand'].output).to.equal(since('5.12') ? 'hello\n' : `/guests/${guest}/bin/echo hello\n`);
      expect(done.replaced.output).to.equal('hello\n');
    });

    it('has no entry left after all were removed', () => {
      expect(done.uninstall.output.split(/\s+/).filter(Boolean)).to.have.members(['register', 'status']);
    });

    it('installs in a container whose host has not mounted binfmt_misc only if entries outlive the last mount', () => {
      const outlives = done.outlives.output.includes('marker');
      expect(done.container.exit, done.container.output).to.equal(outlives ? 0 : 3);
      expect(done.survivors.output.includes(emulator)).to.equal(outlives);
      if (!outlives) expect(done.container.output).to.contain('the entries would vanish when this container ends');
    });

    if (since('6.7')) {
      it('runs a command of a user with emulators that no others see', () => {
        expect(done.run.output).to.equal(`${guestMachine({ name: guest })}\n`);
        expect(done.untouched.output).not.to.contain(emulator);
      });

      it('installs in the namespaces of a rootless engine, and nowhere else', () => {
        expect(done.rootless.exit, done.rootless.output).to.equal(0);
        expect(lastLine(done.rootless.output)).to.equal(guestMachine({ name: guest }));
        expect(done.untouched.output).not.to.contain(emulator);
      });
    } else {
      for (const what of ['run', 'rootless'] as const) {
        it(`refuses emulators of its own (${what}), and says what that needs`, () => {
          expect(done[what].exit).to.equal(3);
          expect(lastLine(done[what].output)).to.contain('a private one needs Linux 6.7 or later');
        });
      }
    }

    it('says so where user namespaces are forbidden', () => {
      expect(done.forbidden.exit).to.equal(3);
      expect(lastLine(done.forbidden.output)).to.contain('this machine forbids user namespaces');
    });
  });
}

if (boxes.length > 0 && kernels.every((each) => each === undefined)) {
  it('finds a kernel to boot', () => {
    throw new Error('no kernel can be had from this mirror');
  });
}

after(() => {
  if (table.length === 0) return;
  const head = [
    'Linux',
    'host',
    'programs that ran',
    'flags',
    'entries outlive the last mount',
    'a container whose host has not mounted it',
    '`run`',
  ];
  for (const line of [head, head.map(() => '---'), ...table]) console.log(`| ${line.join(' | ')} |`);
});

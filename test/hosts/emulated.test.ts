/**
 * The images of other hosts, run on this machine through the emulators that its own image registered. Handlers have flags
 * PF only, as the kernel refuses a chain of two with O or C.
 *
 * Two things cannot be had that way. A second emulator is started by the first, which looks for its file at its path
 * in the container: what an emulated image registers works in this container alone, so its probes must not run in an
 * empty root (no CAP_SYS_CHROOT). And V8 for s390x looks for AT_HWCAP in /proc/self/auxv word by word until a zero,
 * for ever where one comes before it, as in QEMU's order AT_BASE, AT_FLAGS and the ids of root do, and on Linux they
 * do not: there, Node.js runs as another user, not through an explicit loader.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { row } from '../support/architectures.js';
import { ALL_IMAGE, buildImage, docker, LABEL, onCleanHost, privileged } from '../support/docker.js';
import { commandsInLine, expectWhole } from '../support/doctor.js';
import { entryNames, MOUNT } from '../support/kernel.js';
import { alsoNative, foreign as foreignArchitectures, own } from '../support/machine.js';
import { type Ended, lastLine, PROGRAM, run, statusIn } from '../support/program.js';
import { scratch } from '../support/scratch.js';
import { BIND, filesOf, foreign, manifestOf, writable } from './hosts.js';

/** An architecture that no image is built for, and that the processor does not run. */
const guest = ['arm', 'mips64le'].map(row).find((each) => foreignArchitectures.includes(each)) ?? row('mips64le');
const entry = `qemu-${guest.target}`;
/** What the processor runs by itself, even if the program is emulated. */
const natives = [own, ...alsoNative].map(({ name }) => name);

/** A container that hangs is ended. */
function emulated(host: string, options: readonly string[], ...args: string[]): Ended {
  const container = `binfmt-test-emulated-${host}`;
  const image = host === 's390x' ? userImage() : ALL_IMAGE;
  const user = host === 's390x' ? ['--user', '1000:1000'] : [];
  const started = [
    'run',
    '--label',
    LABEL,
    '--rm',
    '--name',
    container,
    '--platform',
    `linux/${host}`,
    ...user,
    ...options,
    image,
  ];
  const ended = run('timeout', ['--signal=KILL', '120', 'docker', ...started, ...args]);
  docker('rm', '--force', container);
  return ended;
}

let made: string | undefined;

/** The same files for a user who is not root, and with Node.js started as the kernel starts it. */
function userImage(): string {
  if (made) return made;
  const dir = scratch();
  const files = filesOf('s390x');
  fs.cpSync(files, path.join(dir, 'root'), { recursive: true, verbatimSymlinks: true });
  const at = (...parts: string[]) => path.join(dir, 'root', ...parts);
  fs.mkdirSync(at('opt'));
  fs.renameSync(at('usr/bin/binfmt'), at('opt/binfmt'));
  const program = fs.readdirSync(at('usr/lib/binfmt')).filter((name) => name === 'launcher' || name.endsWith('.cjs'));
  for (const name of program) fs.renameSync(at('usr/lib/binfmt', name), at('opt', name));
  fs.renameSync(at('usr/lib/binfmt/node'), at('opt/node'));
  fs.mkdirSync(at('lib'), { recursive: true });
  fs.renameSync(at('usr/lib/binfmt/ld.so'), at('lib/ld64.so.1'));
  const environment = 'ENV PATH=/opt LD_LIBRARY_PATH=/usr/lib/binfmt QEMU_BINARY_PATH=/usr/bin';
  fs.writeFileSync(
    path.join(dir, 'Dockerfile'),
    `FROM scratch\nCOPY root/ /\n${environment}\nENTRYPOINT ["/opt/binfmt"]\n`,
  );
  made = buildImage('binfmt-test-s390x-user', dir, '--platform', 'linux/s390x');
  return made;
}

describe('the images of other hosts, emulated', () => {
  // Before the host's binfmt_misc is unmounted.
  after(() => {
    writable('register', 0o200);
    docker('image', 'rm', 'binfmt-test-s390x-user');
  });
  onCleanHost();
  before(() => {
    const { exit, stderr } = privileged(['--install', foreign.join(), '--no-credentials'], ALL_IMAGE);
    expect(exit, stderr).to.equal(0);
    writable('register', 0o222);
  });

  for (const host of foreign) {
    describe(`linux/${host}`, () => {
      it('prints the QEMU of its manifest with --version', () => {
        const { stdout, stderr } = emulated(host, [], '--version');
        const [emulator] = manifestOf(host).emulators;
        expect(stdout, stderr).to.match(
          new RegExp(`^binfmt/\\S+ \\(dev\\) qemu/${emulator?.version} node/\\d+\\.\\d+\\.\\d+\n$`),
        );
        // Whichever Node.js it has, it takes the options that it is started with.
        expect(stderr).to.equal('');
      });

      it("lists the processor's platform first", () => {
        const { supported } = statusIn(emulated(host, BIND));
        expect(supported[0]).to.equal(`linux/${own.name}`);
        expect(supported).to.include.members([...natives, ...foreign].map((each) => `linux/${each}`));
      });

      it(`installs ${guest.name}, examines it and removes it, through both emulators`, () => {
        const installed = emulated(host, BIND, '--install', `${guest.name},${own.name}`, '--no-credentials');
        expect(installed.exit, installed.stderr).to.equal(0);
        expect(installed.stderr).to.contain(
          `installing: ${guest.name} OK (in this container only, because binfmt is emulated itself, on linux/${own.name})`,
        );
        expect(installed.stderr).to.contain(`installing: ${own.name} OK (this machine runs it natively)`);
        expect(statusIn(installed).supported.map((each) => each.split('/')[1])).to.include.members([
          guest.name,
          own.name,
        ]);
        expect(entryNames()).to.include(entry).and.not.to.include(`qemu-${own.target}`);

        const doctor = emulated(host, BIND, 'doctor', guest.name, own.name);
        expect(doctor.exit, doctor.stdout + doctor.stderr).to.equal(0);
        expect(doctor.stdout).to.match(new RegExp(`^linux/${guest.name} +yes +${entry} +QEMU [\\d.]+ .*PF$`, 'm'));

        writable(entry, 0o666);
        const uninstalled = emulated(host, BIND, '--uninstall', guest.name);
        expect(uninstalled.exit, uninstalled.stderr).to.equal(0);
        expect(entryNames()).not.to.include(entry);
      });
    });
  }

  it('cannot install what containers could not run; the last line says why, and which image to use', () => {
    const [host = ''] = foreign;
    const { exit, stderr } = emulated(host, ['--privileged'], '--install', guest.name, '--no-credentials');
    expect(exit).to.equal(1);
    expect(lastLine(stderr)).to.contain(
      `this machine (linux/${own.name}) emulates binfmt and its emulators, which are programs for linux/${host}`,
    );
    const [command = ''] = commandsInLine(lastLine(stderr));
    expectWhole(command);
    expect(command).to.match(
      new RegExp(`^docker run --privileged --platform linux/${own.name} --rm \\S+ --install ${guest.name}$`),
    );
    expect(entryNames()).not.to.include(entry);
  });

  it('does not put emulators on the host that its processor could not start, and says which image has others', () => {
    const [host = ''] = foreign;
    const root = scratch();
    fs.mkdirSync(path.join(root, 'usr/lib/systemd'), { recursive: true });
    fs.writeFileSync(path.join(root, 'usr/lib/systemd/systemd-binfmt'), '');
    const options = ['--privileged', '--volume', `${root}:/host`];
    const { exit, stderr } = emulated(host, options, '--install', guest.name, '--persist', '--host', '/host');
    expect(exit).to.equal(3);
    expect(lastLine(stderr)).to.contain(
      `binfmt and its emulators are built for linux/${host}, and the host's processor is linux/${own.name}`,
    );
    expect(commandsInLine(lastLine(stderr))[0]).to.contain(` --platform linux/${own.name} `);
    expect(fs.readdirSync(path.join(root, 'usr'), { recursive: true })).not.to.include.members([
      'local/lib/binfmt/manifest.json',
    ]);
  });

  it("never registers an entry for the processor's own programs, whatever the options", () => {
    const [host = ''] = foreign;
    // With a binfmt_misc of its own: a machine with such an entry starts nothing any more.
    const script = `
      mount -t binfmt_misc binfmt_misc ${MOUNT}
      export QEMU_BINARY_PATH='${path.join(filesOf(own.name), 'usr/bin')}'
      '${PROGRAM}' --install ${host} --no-credentials >&2
      mkdir -p '${filesOf(host)}/proc'
      mount --rbind /proc '${filesOf(host)}/proc'
      for list in all ${natives.join()}; do
        QEMU_BINARY_PATH=/usr/bin chroot '${filesOf(host)}' /usr/bin/binfmt --install $list --force || true
      done >&2
      cd ${MOUNT} && echo *`;
    const namespaces = ['--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const { stdout, stderr } = run('unshare', [...namespaces, 'bash', '-c', script]);
    expect(stdout, stderr).to.equal(`qemu-${row(host).target} register status\n`);
    expect(stderr).to.contain(`installing: ${own.name} OK (this machine runs it natively)`);
  });
});

/** A container with Debian takes the part of the host: the program sees its processes, and so its files. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  debianImage,
  docker,
  filesOfImage,
  guestImage,
  IMAGE,
  mustDocker,
  onCleanHost,
  privileged,
  runsGuest,
  uninstallAll,
} from '../support/docker.js';
import { reportIn } from '../support/doctor.js';
import { entryNames, entryText, MOUNT } from '../support/kernel.js';
import { guest, guest2 } from '../support/machine.js';
import { type Ended, lastLine, statusIn } from '../support/program.js';

const { name, emulator: entry } = guest;
const INTERPRETER = `/usr/local/lib/binfmt/${entry}`;

describe('--persist', () => {
  onCleanHost();
  let foreign: string;
  let debian: string;
  let host = '';
  const runsForeign = () => runsGuest(guest, foreign);
  const onHost = (...command: string[]): string => mustDocker('exec', host, ...command);
  const fromContainer = (...args: string[]): Ended =>
    docker('run', '--rm', '--privileged', `--pid=container:${host}`, IMAGE, ...args);
  const files = () => onHost('find', '/usr/local/lib', '/etc/binfmt.d', '-type', 'f').trim().split('\n').sort();

  before(() => {
    foreign = guestImage(guest);
    debian = debianImage();
  });
  beforeEach(() => {
    const script = `mount -t binfmt_misc none ${MOUNT}; sleep infinity`;
    host = mustDocker('run', '--detach', '--privileged', debian, 'sh', '-c', script).trim();
  });
  afterEach(() => {
    uninstallAll();
    docker('rm', '--force', host);
  });

  it('installs on the host, which registers it at boot by itself, and takes it back', () => {
    const installed = fromContainer('--install', `${name},${guest2.name}`, '--persist');
    expect(installed.exit, installed.stderr).to.equal(0);
    expect(statusIn(installed).emulators).to.include.members([entry, guest2.emulator]);
    expect(files()).to.have.length(5).and.to.include(INTERPRETER);
    const registered = entryText(entry);
    expect(registered).to.contain(`interpreter ${INTERPRETER}\nflags: POCF\n`);
    expect(runsForeign()).to.equal(true);

    uninstallAll();
    expect(runsForeign()).to.equal(false);
    onHost('/usr/lib/systemd/systemd-binfmt');
    expect(entryText(entry)).to.equal(registered);
    expect(runsForeign()).to.equal(true);
    expect(reportIn(fromContainer('doctor', '--json')).problems).to.deep.equal([]);

    const removed = fromContainer('--uninstall', 'all', '--persist');
    expect(removed.exit, removed.stderr).to.equal(0);
    expect(files()).to.deep.equal(['']);
    expect(entryNames()).to.deep.equal([]);
    expect(runsForeign()).to.equal(false);
  });

  it('is the file on the host that doctor sees, with the same contents', () => {
    expect(fromContainer('--install', name, '--persist').exit).to.equal(0);
    const { emulator, shipped } = reportIn(fromContainer('doctor', name, '--json')).platforms[0] ?? {};
    expect({ emulator, shipped }).to.deep.equal({ emulator: INTERPRETER, shipped: true });
  });

  it('takes the place of a package of binfmt-support, and gives it back', () => {
    mustDocker('cp', path.join(filesOfImage(IMAGE), 'usr/bin', entry), `${host}:/usr/bin/theirs`);
    fromContainer('--install', name, '--persist=binfmt-support');
    onHost(
      'sh',
      '-euc',
      `update-binfmts --display ${entry} >/dev/null
      sed -e '1s/.*/qemu-user-static/' -e 's,^${INTERPRETER}$,/usr/bin/theirs,' /var/lib/binfmts/${entry} >/tmp/record`,
    );
    fromContainer('--uninstall', name, '--persist');
    onHost('sh', '-euc', `mv /tmp/record /var/lib/binfmts/${entry}; update-binfmts --enable ${entry}`);
    expect(fromContainer('--install', name, '--persist=binfmt-support').exit).to.equal(0);
    expect(onHost('update-binfmts', '--display', entry)).to.contain(`interpreter = ${INTERPRETER}\n`);
    expect(fromContainer('--uninstall', name, '--persist').stderr).to.contain('/usr/bin/theirs)\n');
    expect(onHost('update-binfmts', '--display', entry)).to.contain('package = qemu-user-static\n');
    expect(entryText(entry)).to.contain('interpreter /usr/bin/theirs\n');
    expect(runsForeign()).to.equal(true);
  });

  it("works with the host's root directory instead of its processes", () => {
    const dir = filesOfImage(debian);
    const withDirectory = (mode: string, ...args: string[]) =>
      docker(
        'run',
        '--rm',
        '--privileged',
        '-v',
        `${dir}:/host${mode}`,
        IMAGE,
        ...args,
        '--persist',
        '--host',
        '/host',
      );
    const readOnly = withDirectory(':ro', '--install', name);
    expect(readOnly.exit).to.equal(1);
    expect(lastLine(readOnly.stderr)).to.equal(
      'binfmt: cannot write to "/usr/local/lib/binfmt" (EROFS: the file system is read-only); nothing was changed',
    );
    expect(withDirectory('', '--install', name).exit).to.equal(0);
    expect(entryText(entry)).to.contain(`interpreter ${INTERPRETER}\n`);
    expect(runsForeign()).to.equal(true);
    expect(withDirectory('', '--uninstall', name).exit).to.equal(0);
    expect(fs.existsSync(path.join(dir, 'usr/local/lib/binfmt'))).to.equal(false);
  });

  it("says how to reach the host's files if it cannot, and changes nothing", () => {
    const ended = privileged(['--install', name, '--persist']);
    expect(ended.exit).to.equal(3);
    statusIn(ended);
    const words = `--rm ${IMAGE} --install ${name} --persist`;
    expect(lastLine(ended.stderr))
      .to.contain(`: docker run --privileged --pid=host ${words}; or`)
      .and.contain(`: docker run --privileged -v /:/host ${words} --host /host`);
    expect(entryNames()).to.deep.equal([]);
    // It sees the host's processes, and may not look at them.
    const confined = ['run', '--rm', '-v', `${MOUNT}:/binfmt_misc`, `--pid=container:${host}`, IMAGE];
    expect(docker(...confined, '--install', name, '--persist').exit).to.equal(3);
    expect(entryNames()).to.deep.equal([]);
  });
});

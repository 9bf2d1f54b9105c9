import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { guestImage, guestMachine, unpackImage } from '../support/docker.js';
import { MOUNT } from '../support/kernel.js';
import { type Guest, guest, guest2, guest3 } from '../support/machine.js';
import { EMULATORS, type Ended, must, ROOT, run, shell } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const { name, emulator: entry } = guest;

/** A uid that no file knows. */
const NOBODY = 4321;
const unprivileged = ['setpriv', '--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'];

/** The program, its emulators, and an image's files, for everybody to read. */
let dir: string;
let binfmt: string;
const asNobody = (...args: string[]): Ended =>
  run('env', ['--chdir', dir, `QEMU_BINARY_PATH=${dir}/emulators`, ...unprivileged, ...args]);
const runAsNobody = (...args: string[]) => asNobody(binfmt, 'run', ...args);

/** Unpacks an image, as people do who want to run it without Docker. */
function unpack(each: Guest): void {
  const target = path.join(dir, each.name);
  unpackImage(guestImage(each), each.platform, target);
  for (const missing of ['proc', 'dev']) fs.mkdirSync(path.join(target, missing), { recursive: true });
  must('chown', ['-R', `${NOBODY}:${NOBODY}`, target]);
}

describe('run, as a user without privileges', () => {
  const guests = [guest, guest2, guest3];
  const state = () => [
    fs.existsSync(path.join(MOUNT, 'register')),
    fs.readFileSync('/proc/self/mountinfo', 'utf8'),
    fs.readdirSync(os.tmpdir()).filter((file) => /^(binfmt-probe|binfmt_misc)/.test(file)),
  ];
  let earlier: unknown[];

  before(() => {
    dir = scratch();
    fs.chmodSync(dir, 0o755);
    binfmt = path.join(dir, 'dist/binfmt');
    must('cp', ['-r', path.join(ROOT, 'dist'), dir]);
    must('cp', ['-r', EMULATORS, path.join(dir, 'emulators')]);
    guests.forEach(unpack);
    earlier = state();
  });
  after(() => fs.rmSync(dir, { recursive: true, force: true }));

  it('registers all platforms if none is named', () => {
    const script = `for each in ${guests.map((each) => each.name).join(' ')}; do $each/bin/busybox uname -m; done; id -u`;
    expect(runAsNobody('--', 'sh', '-c', script)).to.deep.equal({
      exit: 0,
      stdout: `${guests.map(guestMachine).join('\n')}\n${NOBODY}\n`,
      stderr: '',
    });
  });

  it('passes on exit status, arguments, environment, working directory and standard input', () => {
    expect(runAsNobody(name, '--', 'sh', '-c', 'exit 37').exit).to.equal(37);
    expect(runAsNobody(name, 'sh', '-c', 'echo "$0|$1|$2"', 'a b', '--', '-x').stdout).to.equal('a b|--|-x\n');
    expect(asNobody('env', 'SEEN=yes', binfmt, 'run', name, '--', 'sh', '-c', 'echo $SEEN; pwd').stdout).to.equal(
      `yes\n${dir}\n`,
    );
    const piped = shell(
      `cd ${dir}; echo through | QEMU_BINARY_PATH=${dir}/emulators ${unprivileged.join(' ')} ${binfmt} run ${name} -- cat`,
    );
    expect(piped.stdout).to.equal('through\n');
  });

  it('ends by the same signal as the command, and passes on signals', async () => {
    const env = { ...process.env, QEMU_BINARY_PATH: path.join(dir, 'emulators') };
    const options = { uid: NOBODY, gid: NOBODY, env };
    const died = spawn(binfmt, ['run', name, '--', 'sh', '-c', 'kill -SEGV $$'], options);
    expect(await new Promise((resolve) => died.on('close', (_, signal) => resolve(signal)))).to.equal('SIGSEGV');
    const script = 'trap "echo got; exit 5" USR1; echo ready; while :; do sleep 0.05; done';
    const child = spawn(binfmt, ['run', name, '--', 'sh', '-c', script], options);
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
      if (output === 'ready\n') child.kill('SIGUSR1');
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).to.equal(5);
    expect(output).to.equal('ready\ngot\n');
  });

  it('leaves the terminal to the command', () => {
    const command = `${unprivileged.join(' ')} ${binfmt} run ${name} -- sh -c "test -t 0 && test -t 1 && stty size"`;
    const ended = shell(`cd ${dir}; script --quiet --command 'stty rows 33 cols 77; ${command}' /dev/null`, {
      QEMU_BINARY_PATH: `${dir}/emulators`,
    });
    expect(ended.stdout).to.contain('33 77');
  });

  it('runs a command as root in a foreign root directory with --root', () => {
    const ended = runAsNobody(
      '--root',
      name,
      name,
      '--',
      '/bin/sh',
      '-c',
      'uname -m; pwd; cat /proc/self/uid_map; echo $(: >/dev/null; echo written)',
    );
    expect(ended.stdout.replace(/ +/g, ' ')).to.equal(`${guestMachine(guest)}\n/\n 0 ${NOBODY} 1\nwritten\n`);
    expect(ended.stderr).to.match(/^binfmt: only root is mapped in the namespace, .*\/etc\/subuid/);
    expect(ended.exit).to.equal(0);
  });

  for (const [what, args, exit, message] of [
    ['a command that does not exist', [name, '--', './nonexistent'], 127, 'cannot run ./nonexistent: No such file'],
    ['a command that is not in PATH', ['nonexistent'], 127, 'cannot run nonexistent: No such file'],
    ['a file that is not a program', ['--', '/etc/passwd'], 126, 'cannot run /etc/passwd: Permission denied'],
    ['an unknown platform in front of --', ['mainframe', '--', 'true'], 2, '"mainframe" is not an architecture'],
    ['no command', [], 2, 'run: missing COMMAND'],
    ['no command after --', [name, '--'], 2, 'run: missing COMMAND'],
    [
      'a root directory that does not exist',
      ['--root', '/nonexistent', name, '--', 'true'],
      1,
      '"/nonexistent" is not a directory',
    ],
    [
      'a program of a platform that was not named',
      [guest2.name, '--', `${name}/bin/busybox`],
      1,
      `run ${name} -- ${name}/bin/busybox`,
    ],
  ] as const) {
    it(`names ${what}, and exits with ${exit}`, () => {
      const ended = runAsNobody(...args);
      expect(ended.exit).to.equal(exit);
      expect(ended.stderr).to.contain(message);
      expect(ended.stdout).to.equal('');
    });
  }

  it('takes the first word for the command if it is not a platform, or if nothing follows', () => {
    expect(runAsNobody('true').exit).to.equal(0);
    expect(runAsNobody('echo', name).stdout).to.equal(`${name}\n`);
  });

  it('says how to allow user namespaces if they are forbidden, and what to do instead, and exits with 3', () => {
    const script = `echo 0 >/proc/sys/user/max_user_namespaces; exec ${binfmt} run ${name} -- true`;
    const ended = run('unshare', ['--user', '--map-root-user', '--mount', 'bash', '-c', script]);
    expect(ended.exit).to.equal(3);
    expect(ended.stderr)
      .to.contain('user.max_user_namespaces is 0')
      .and.contain('sudo sysctl user.max_user_namespaces=')
      .and.match(/sudo (QEMU_BINARY_PATH=\S+ )?\S+binfmt --install all/);
  });

  it('leaves nothing on the host', () => {
    runAsNobody('--', 'true');
    expect(state()).to.deep.equal(earlier);
  });
});

describe('run, as root', () => {
  const program = path.join(ROOT, 'dist/binfmt');
  const env = { QEMU_BINARY_PATH: EMULATORS };

  it('is private too, and has all user ids, so that setuid programs work', () => {
    const script = `cat ${MOUNT}/${entry}; su nobody -s /bin/sh -c 'id -un'`;
    const ended = run(program, ['run', name, '--', 'sh', '-c', script], env);
    expect(ended.stdout)
      .to.contain('flags: POCF')
      .and.match(/nobody\n$/);
    expect(fs.existsSync(path.join(MOUNT, entry))).to.equal(false);
  });
});

/** The streams of the program and of its launcher: slow ones, closed ones, and those that are full. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { clearEntries, entryNames, writeEntry } from '../support/kernel.js';
import { guest } from '../support/machine.js';
import { EMULATORS, must, PROGRAM, ROOT, shell } from '../support/program.js';
import { compile } from '../support/programs.js';
import { scratch } from '../support/scratch.js';
import { until } from '../support/watcher.js';

describe('the launcher', () => {
  const LIMIT = 2000; // milliseconds
  let launcher: string;
  before(function () {
    this.timeout(120_000);
    const dir = scratch();
    must(path.join(ROOT, 'src/native/build'), [dir, '-static', `-DSTART_LIMIT=${LIMIT}`]);
    launcher = path.join(dir, 'launcher');
  });

  /** A launcher that serves a process which stands for Node.js. */
  const serve = (request: string) => {
    const script = 'sleep 1d & echo $!; exec "$0" $!';
    const child = spawn('bash', ['-c', script, launcher], { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.write(request);
    return child;
  };

  it('gives up on Node.js if that says nothing at all', async () => {
    await once(serve(''), 'exit');
  });

  it('waits as long as it takes for Node.js that has started', async () => {
    const child = serve('started\n');
    const ended = once(child, 'exit').then(() => 'ended');
    expect(await Promise.race([ended, setTimeout(2 * LIMIT, 'waits')])).to.equal('waits');
    child.kill('SIGKILL');
    must('pkill', ['--full', '^sleep 1d$']);
  });
});

describe('the program', () => {
  after(clearEntries);

  it('tells its launcher that it has started, before it reads a message from standard input', async () => {
    const requests = path.join(scratch(), 'requests');
    const script = 'exec 3</dev/null 4>"$0"; BINFMT_LAUNCHER=3,4 exec node "$1" doctor --explain -';
    const child = spawn('bash', ['-c', script, requests, path.join(ROOT, 'dist/binfmt.cjs')], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const said = () => fs.existsSync(requests) && fs.readFileSync(requests, 'utf8').startsWith('started\n');
    await until(said, 'its first request');
    child.kill('SIGKILL');
  });

  it('leaves no file open for the command that it runs', () => {
    // Beside those that the caller has.
    const list = 'ls /proc/self/fd';
    const { stdout } = shell(`${PROGRAM} run ${guest.name} -- ${list}`, { QEMU_BINARY_PATH: EMULATORS });
    expect(stdout).to.equal(shell(list).stdout);
  });

  for (const what of ['its log', 'its log and its status'])
    it(`keeps watching while no one reads ${what}`, async () => {
      // A FIFO without a reader that is full. Node.js makes it a blocking one for its child.
      const log = path.join(scratch(), 'log');
      must('mkfifo', [log]);
      const fd = fs.openSync(log, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
      expect(() => {
        for (;;) fs.writeSync(fd, 'x'.repeat(4096));
      }).to.throw('EAGAIN');
      const nonBlocking = compile(`#include <fcntl.h>
      #include <unistd.h>
      int main(int argc, char **argv) {
        fcntl(2, F_SETFL, O_RDWR | O_NONBLOCK);
        execv(argv[1], argv + 1);
        return argc;
      }`);
      const child = spawn(nonBlocking, [PROGRAM, '--install', guest.name, '--watch'], {
        env: { ...process.env, QEMU_BINARY_PATH: EMULATORS },
        stdio: ['ignore', what === 'its log' ? 'ignore' : fd, fd],
      });
      const ended = once(child, 'exit');
      const registered = () => entryNames().includes(guest.emulator);
      try {
        await until(registered, 'the first installation');
        for (let i = 0; i < 3; i++) {
          writeEntry(guest.emulator, '-1');
          await until(registered, 'its entry again');
        }
      } finally {
        child.kill('SIGTERM');
      }
      expect((await ended)[0]).to.equal(0);
      fs.closeSync(fd);
    });

  it('makes directories of a host that everybody may read, whatever the mask of the caller is', () => {
    const root = scratch();
    const command = `umask 077; ${PROGRAM} export systemd ${guest.name} --root ${root} && find ${root}/usr ${root}/etc -type d -not -perm 755`;
    expect(shell(command, { QEMU_BINARY_PATH: EMULATORS })).to.include({ exit: 0, stdout: '' });
  });
});

import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import parsePrometheus from 'parse-prometheus-text-format';
import { clearEntries, entryNames, entryText, MOUNT, registerForeign, writeEntry } from '../support/kernel.js';
import { guest, guest2, own, ownPlatforms } from '../support/machine.js';
import { EMULATORS, must, PROGRAM, run, statusIn } from '../support/program.js';
import { crashingEmulator, emulatorExiting } from '../support/programs.js';
import { scratch } from '../support/scratch.js';
import { until, Watcher } from '../support/watcher.js';

const [{ name, platform, emulator: entry }, { name: name2, emulator: entry2 }] = [guest, guest2];
const emulator = path.join(EMULATORS, entry);
const emulator2 = path.join(EMULATORS, entry2);
const has = (file: string) => fs.existsSync(path.join(MOUNT, file));
/** A pattern out of names that have no special characters. */
const line = (text: string) => new RegExp(text);

describe('a watcher', function () {
  this.timeout(120_000);
  const watchers: Watcher[] = [];
  const watch = (...args: ConstructorParameters<typeof Watcher>) => {
    const watcher = new Watcher(...args);
    watchers.push(watcher);
    return watcher;
  };

  beforeEach(clearEntries);
  afterEach(async () => {
    for (const watcher of watchers.splice(0)) await watcher.stop();
  });
  after(clearEntries);

  it('installs, prints the status once, answers over HTTP and to health checks, and ends on SIGTERM', async () => {
    const watcher = watch(`${name},${own.name}`);
    await watcher.said(/ready/);
    await watcher.answers();
    await until(() => watcher.stdout !== '', 'the status');
    expect(statusIn({ exit: 0, stdout: watcher.stdout, stderr: '' }).supported).to.include(platform);
    const got = await watcher.get('/readyz');
    expect(got).to.deep.include({ status: 200, body: 'ready\n' });
    expect(await watcher.get('/readyz?verbose=1&x=/status')).to.deep.equal(got);
    expect(await watcher.get('/readyz', 'HEAD')).to.deep.equal({ ...got, body: '' });
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      expect((await watcher.get('/readyz', method)).status, method).to.equal(405);
    }
    for (const file of ['/nonsense', '/']) expect((await watcher.get(file)).status, file).to.equal(404);
    expect(await watcher.get('/status')).to.deep.equal({ status: 200, type: 'application/json', body: watcher.stdout });
    expect(watcher.healthcheck('--strict')).to.include({ exit: 0, stdout: 'ready\n' });
    // With --listen also at its default socket.
    expect(watcher.exec(PROGRAM, 'healthcheck', '--strict')).to.include({ exit: 0, stdout: 'ready\n' });
    expect(watcher.exec('ls', '/run/binfmt.sock').exit).to.equal(0);
    expect(watcher.log).to.match(
      line(`^\\d{4}-\\S+Z installed ${name}\n\\S+ installed ${own.name}: this machine runs it natively\n\\S+ ready\n$`),
    );
    expect(await watcher.stop()).to.equal(0);
    expect(watcher.log).to.match(/stopping: SIGTERM\n$/);
    expect(entryNames()).to.deep.equal([entry]);
    const silent = watcher.healthcheck();
    expect(silent.exit).to.equal(1);
    expect(silent.stderr).to.match(/the watcher at unix:.* does not answer \(E/);
  });

  it('restores entries that are removed or disabled, one by one or all at once, and counts them', async () => {
    const begin = Date.now();
    const watcher = watch(`${name},${name2}`);
    await watcher.said(/ready/);
    writeEntry(entry, '-1');
    await watcher.said(line(`restored ${name}: its entry had been removed`));
    writeEntry(entry2, '0');
    await watcher.said(line(`restored ${name2}: its entry had been disabled`));
    expect(entryText(entry2)).to.match(/^enabled/);
    writeEntry('status', '-1');
    await watcher.said(line(`restored ${name}: its entry had been removed`), 2);
    await watcher.said(line(`restored ${name2}: its entry had been removed`));
    expect(entryNames()).to.deep.equal([entry, entry2].sort());
    expect(watcher.log).not.to.contain('not-ready');
    const { body, type } = await watcher.get('/metrics');
    expect(type).to.contain('version=0.0.4');
    const families = new Map(parsePrometheus(body).map((family) => [family.name, family]));
    expect(families.get('binfmt_architectures_wanted')?.metrics).to.deep.equal([{ value: '2' }]);
    expect(families.get('binfmt_architecture_running')?.metrics).to.deep.equal([
      { value: '1', labels: { architecture: name } },
      { value: '1', labels: { architecture: name2 } },
    ]);
    expect(families.get('binfmt_restores_total')?.type).to.equal('COUNTER');
    expect(families.get('binfmt_restores_total')?.metrics).to.deep.include.members([
      { value: '3', labels: { cause: 'removed' } },
      { value: '1', labels: { cause: 'disabled' } },
    ]);
    const lastProbe = Number(families.get('binfmt_last_probe_timestamp_seconds')?.metrics[0]?.value);
    expect(lastProbe).to.be.within(begin / 1000, Date.now() / 1000);
    expect(families.get('binfmt_build_info')?.metrics[0]?.labels).to.have.all.keys('version', 'revision', 'node');
  });

  it('restores an entry that was replaced by a broken one with the same text', async () => {
    const file = path.join(scratch(), entry);
    fs.copyFileSync(emulator, file);
    const watcher = watch(name, [], { QEMU_BINARY_PATH: path.dirname(file) });
    await watcher.said(/ready/);
    const text = entryText(entry);
    // The watcher sees only what has become of it.
    process.kill(watcher.nodePid, 'SIGSTOP');
    writeEntry(entry, '-1');
    fs.renameSync(file, `${file}.good`);
    fs.copyFileSync(crashingEmulator(), file);
    registerForeign(entry, name, file, 'POCF');
    fs.renameSync(`${file}.good`, file);
    expect(entryText(entry)).to.equal(text);
    process.kill(watcher.nodePid, 'SIGCONT');
    await watcher.said(line(`restored ${name}: its entry had been replaced`));
    expect(entryText(entry)).to.equal(text);
    expect((await watcher.get('/readyz')).status).to.equal(200);
  });

  it('leaves entries of other names alone: one that works is enough, and its own is put before a broken one', async () => {
    const watcher = watch(name);
    await watcher.said(/ready/);
    registerForeign('intruder', name, crashingEmulator(), 'F');
    await watcher.said(line(`restored ${name}: another entry had taken its programs`));
    expect(entryNames()).to.deep.equal(['intruder', entry]);
    expect((await watcher.get('/readyz')).status).to.equal(200);
    await watcher.probesAfter(() => registerForeign('other', name, emulator, 'F'));
    await watcher.probesAfter(() => writeEntry(entry, '-1'));
    expect(entryNames()).to.deep.equal(['intruder', 'other']);
    expect((await watcher.get('/readyz')).status).to.equal(200);
    writeEntry('other', '-1');
    await until(() => has(entry), entry);
  });

  it('probes everything again at the interval that it was given, and logs JSON lines if that was asked for', async () => {
    const watcher = watch(name, ['--interval', '0.5', '--log-format', 'json']);
    await watcher.said(/"ready"/);
    for (let i = 0; i < 2; i++) await watcher.probesAfter(() => {});
    const events = watcher.log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ event }) => event)).to.deep.equal(['installed', 'ready']);
    expect(events[0]).to.have.all.keys('time', 'event', 'architecture');
    expect(new Date(events[0].time).toISOString()).to.equal(events[0].time);
  });

  it('is not ready while binfmt_misc is switched off, and never switches it on', async () => {
    const watcher = watch(name);
    await watcher.said(/ready/);
    writeEntry('status', '0');
    await watcher.said(/not-ready/);
    expect(watcher.log).to.match(
      line(`failed ${name}: binfmt_misc is switched off: .*; on the host: echo 1 \\| sudo tee ${MOUNT}/status\n`),
    );
    await watcher.checked();
    expect(entryText('status')).to.equal('disabled\n');
    const { status, body } = await watcher.get('/readyz');
    expect(status).to.equal(503);
    expect(body).to.contain(`${name}: binfmt_misc is switched off`);
    writeEntry('status', '1');
    await watcher.said(/ready\n/, 3);
    expect((await watcher.get('/readyz')).status).to.equal(200);
  });

  it('keeps running if one emulator is missing, or a word is no platform: is not ready, and tries again', async () => {
    const dir = scratch();
    fs.copyFileSync(emulator, path.join(dir, entry));
    const watcher = watch(`${name},${name2},nonsense`, [], { QEMU_BINARY_PATH: dir });
    await watcher.said(/failed: unknown platform/);
    await watcher.said(line(`failed ${name2}: ${entry2} not found in ${dir}; set QEMU_BINARY_PATH`));
    await watcher.said(line(`installed ${name}`));
    await watcher.answers();
    const { status, body } = await watcher.get('/readyz');
    expect(status).to.equal(503);
    expect(body)
      .to.match(/^not ready\n/)
      .and.contain('"nonsense"');
    expect(body).to.match(line(`\n${name2}: ${entry2} not found in ${dir}; set QEMU_BINARY_PATH .*\n`));
    const ended = watcher.healthcheck();
    expect(ended.exit).to.equal(1);
    expect(ended.stdout).to.contain('not ready');
    fs.copyFileSync(emulator2, path.join(dir, entry2));
    await watcher.said(line(`installed ${name2}`));
    expect((await watcher.get('/readyz')).body)
      .to.contain('"nonsense"')
      .and.not.contain(entry2);
  });

  it('waits longer and longer if something keeps removing an entry, and says so', async () => {
    const watcher = watch(`${name},${name2}`);
    await watcher.said(/ready/);
    let taken = true;
    // As soon as it is restored, and not while it is being probed.
    const fight = async () => {
      for (let times = 0; ; times++) {
        await watcher.said(line(`restored ${name}: its entry had been removed`), times);
        if (!taken) return;
        writeEntry(entry, '-1');
      }
    };
    const ended = fight();
    await watcher.said(line(`waiting ${name}: something keeps removing its entry; retrying in 1 s`));
    // Between two waits it is ready for a moment.
    await until(async () => {
      const { status, body } = await watcher.get('/readyz');
      return status === 503 && body === `not ready\n${name}: something keeps removing its entry\n`;
    }, 'the reason');
    await watcher.said(line(`waiting ${name}: .* retrying in 2 s`));
    taken = false;
    writeEntry(entry2, '-1');
    await watcher.said(line(`restored ${name2}`));
    await ended;
    expect(has(entry)).to.equal(true);
  });

  it('never removes an entry that another one registered under the same name while a test program ran', async () => {
    const dir = scratch();
    const file = path.join(dir, entry);
    const theirs = path.join(scratch(), entry);
    for (const copy of [file, theirs]) fs.copyFileSync(emulator, copy);
    const hanging = emulatorExiting('pause()');
    const watcher = watch(name, [], { QEMU_BINARY_PATH: dir });
    await watcher.said(/ready/);
    /** `change` goes unseen until it is done, and makes the watcher run a test program with an emulator that hangs. */
    const replacedWhileProbed = async (interpreter: string, change: () => void) => {
      process.kill(watcher.nodePid, 'SIGSTOP');
      writeEntry(entry, '-1');
      change();
      process.kill(watcher.nodePid, 'SIGCONT');
      const probes = () => run('pgrep', ['--full', `^${interpreter} `]).stdout.trim();
      await until(() => probes() !== '', 'the test program');
      writeEntry(entry, '-1');
      registerForeign(entry, name, theirs, 'POCF');
      const { ino } = fs.statSync(path.join(MOUNT, entry));
      for (const pid of probes().split('\n')) process.kill(Number(pid), 'SIGILL');
      await watcher.checked();
      expect(entryText(entry)).to.contain(`interpreter ${theirs}\n`);
      expect(fs.statSync(path.join(MOUNT, entry)).ino).to.equal(ino);
    };
    // It is about to replace what it has seen.
    await replacedWhileProbed(hanging, () => registerForeign(entry, name, hanging, 'POCF'));
    // It is about to take back what it has registered.
    await replacedWhileProbed(file, () => {
      fs.rmSync(file);
      fs.copyFileSync(hanging, file);
    });
    expect((await watcher.get('/readyz')).status).to.equal(200);
    // It was not its emulator that failed.
    expect(watcher.log).not.to.contain('waiting');
  });

  it('comes to rest beside another watcher, even if that wants other flags', async () => {
    const one = watch(`${name},${name2}`);
    await one.said(/ready/);
    const two = watch(`${name},${name2}`, ['--no-credentials']);
    await two.said(/ready/);
    const logs = () => one.log + two.log;
    const restored = (each: string) => logs().split(`restored ${each}:`).length - 1;
    const check = () => Promise.all([one, two].map((each) => each.checked()));
    writeEntry('status', '-1');
    await until(() => restored(name) > 0 && restored(name2) > 0, logs);
    // Each leaves what the other has restored.
    let before: string;
    let checks = 0;
    do {
      before = logs();
      await check();
    } while (logs() !== before && ++checks < 5);
    expect(logs())
      .to.equal(before)
      .and.not.to.match(/waiting|failed|not-ready/);
  });

  it('removes what it registered when it ends, with --on-exit uninstall', async () => {
    registerForeign('other', name2, emulator2, 'F');
    const watcher = watch(`${name},${name2}`, ['--on-exit', 'uninstall']);
    await watcher.said(/ready/);
    // Before it answers, a signal would end it at once.
    await watcher.answers();
    watcher.kill('SIGINT');
    expect(await watcher.ended).to.equal(0);
    expect(entryNames()).to.deep.equal(['other']);
  });

  it('looks every second where there is no inotify', async () => {
    const script = 'echo 0 >/proc/sys/user/max_inotify_instances; exec "$@"';
    const within = ['unshare', '--user', '--map-root-user', '--mount', 'bash', '-euc', script, 'bash'];
    const watcher = watch(name, [], {}, within);
    await watcher.said(/ready/);
    const opened = run('bash', ['-c', `ls -l /proc/${watcher.nodePid}/fd`]).stdout;
    expect(opened).to.contain('->').and.not.contain('inotify');
    writeEntry(entry, '-1');
    await watcher.said(line(`restored ${name}: its entry had been removed`));
  });

  it('is not ready when binfmt_misc is unmounted under it, and is ready again when it is mounted again', async () => {
    const script = `mount -t binfmt_misc none ${MOUNT}; exec "$@"`;
    const within = ['unshare', '--user', '--map-root-user', '--mount', 'bash', '-euc', script, 'bash'];
    const watcher = watch(name, ['--allow-userns', '--interval', '0.5'], {}, within);
    await watcher.said(/ready/);
    const inside = (...command: string[]) =>
      must('nsenter', ['--user', '--preserve-credentials', '--mount', '--target', String(watcher.pid), ...command]);
    inside('umount', MOUNT);
    await watcher.said(/not-ready/);
    expect((await watcher.get('/readyz')).status).to.equal(503);
    inside('mount', '-t', 'binfmt_misc', 'none', MOUNT);
    await watcher.said(line(`installed ${name}`), 2);
    await until(async () => (await watcher.get('/readyz')).status === 200, 'ready');
    expect(inside('cat', path.join(MOUNT, entry))).to.contain('enabled');
  });

  it('listens again at the socket of a killed watcher, but not of one that runs', async () => {
    const first = watch(name);
    await first.said(/ready/);
    await first.answers();
    const second = watch(name, ['--listen', `unix:${first.socket}`]);
    expect(await second.ended).to.equal(1);
    expect(second.log).to.match(/cannot listen at unix:.*EADDRINUSE.*; choose another address with --listen ADDRESS/);
    expect(JSON.parse(second.stdout).supported).to.include(platform);
    process.kill(first.nodePid, 'SIGKILL');
    expect(await first.ended).to.equal(null);
    expect(fs.existsSync(first.socket)).to.equal(true);
    const third = watch(name, ['--listen', `unix:${first.socket}`]);
    await third.said(/ready/);
    await first.answers();
  });

  it('never removes a file that is not a socket, and then prints the status and the problem', async () => {
    const file = path.join(scratch(), 'precious');
    fs.writeFileSync(file, 'data');
    const watcher = watch(name, ['--listen', `unix:${file}`]);
    expect(await watcher.ended).to.equal(1);
    expect(watcher.log).to.match(/cannot listen at unix:\S+precious \(EADDRINUSE\)/);
    expect(JSON.parse(watcher.stdout).supported).to.include(ownPlatforms[0]);
    expect(fs.readFileSync(file, 'utf8')).to.equal('data');
    expect(entryNames()).to.deep.equal([]);
  });

  it('answers at another default socket if /run is read-only', async () => {
    const watcher = watch(name, [], { PREPARE: 'mount -o remount,ro /run' });
    await watcher.said(/ready/);
    await watcher.answers();
    await until(() => watcher.exec('ls', '/dev/shm/binfmt.sock').exit === 0, 'the socket');
    expect(watcher.exec(PROGRAM, 'healthcheck', '--strict')).to.include({ exit: 0, stdout: 'ready\n' });
  });

  it('listens once if --listen names its default socket', async () => {
    const watcher = watch(name, ['--listen', 'unix:/run/binfmt.sock']);
    await watcher.said(/ready/);
    await until(() => watcher.stdout !== '', 'the status');
    expect(watcher.exec(PROGRAM, 'healthcheck', '--strict').exit).to.equal(0);
    expect(watcher.log).not.to.contain('warning');
  });
});

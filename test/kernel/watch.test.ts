import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import parsePrometheus from 'parse-prometheus-text-format';
import { clearEntries, entryNames, entryText, MOUNT, registerForeign, scratch, writeEntry } from '../support/kernel.js';
import { EMULATORS, run, statusIn } from '../support/program.js';
import { crashingEmulator } from '../support/programs.js';
import { until, Watcher } from '../support/watcher.js';

const aarch64 = path.join(EMULATORS, 'qemu-aarch64');
const has = (name: string) => fs.existsSync(path.join(MOUNT, name));

describe('watch', () => {
  const watchers: Watcher[] = [];
  const watch = (list: string, options: readonly string[] = [], env: NodeJS.ProcessEnv = {}) => {
    const watcher = new Watcher(list, options, env);
    watchers.push(watcher);
    return watcher;
  };

  beforeEach(clearEntries);
  afterEach(async () => {
    for (const watcher of watchers.splice(0)) await watcher.stop();
  });
  after(clearEntries);

  it('installs, prints the status once, and stays', async () => {
    const watcher = watch('arm64,386');
    await watcher.said(/ready/);
    await until(() => watcher.stdout !== '', 'the status');
    expect(statusIn({ exit: 0, stdout: watcher.stdout, stderr: '' }).supported).to.include('linux/arm64');
    expect(watcher.log).to.match(
      /^\d{4}-\S+Z installed arm64\n\S+ installed 386: this machine runs it natively\n\S+ ready\n$/,
    );
    expect(await watcher.stop()).to.equal(0);
    expect(watcher.log).to.match(/stopping: SIGTERM\n$/);
    expect(entryNames()).to.deep.equal(['qemu-aarch64']);
  });

  it('restores what is removed, disabled, and all at once', async () => {
    const watcher = watch('arm64,s390x');
    await watcher.said(/ready/);
    writeEntry('qemu-aarch64', '-1');
    await watcher.said(/restored arm64: removed/);
    writeEntry('qemu-s390x', '0');
    await watcher.said(/restored s390x: disabled/);
    expect(entryText('qemu-s390x')).to.match(/^enabled/);
    writeEntry('status', '-1');
    await watcher.said(/restored arm64: removed/, 2);
    await watcher.said(/restored s390x: removed/);
    expect(entryNames()).to.deep.equal(['qemu-aarch64', 'qemu-s390x']);
    expect(watcher.log).not.to.contain('not-ready');
  });

  it('restores what is replaced by a handler that does not work, though its text is the same', async () => {
    const dir = scratch();
    const file = path.join(dir, 'qemu-aarch64');
    fs.copyFileSync(aarch64, file);
    const watcher = watch('arm64', [], { QEMU_BINARY_PATH: dir });
    await watcher.said(/ready/);
    const text = entryText('qemu-aarch64');
    const broken = crashingEmulator();
    writeEntry('qemu-aarch64', '-1');
    await watcher.said(/restored arm64: removed/);
    // The same path, name and flags: another file for a moment.
    fs.renameSync(file, `${file}.good`);
    fs.copyFileSync(broken, file);
    writeEntry('qemu-aarch64', '-1');
    await until(() => !has('qemu-aarch64') || entryText('qemu-aarch64') === text, 'the broken one');
    fs.renameSync(`${file}.good`, file);
    await watcher.said(/restored arm64|installed arm64/, 2);
    await until(() => watcher.get('/readyz').status === 200, 'ready');
  });

  it('registers anew in front of a broken handler of another name, and leaves that alone', async () => {
    const watcher = watch('arm64');
    await watcher.said(/ready/);
    registerForeign('intruder', 'arm64', crashingEmulator(), 'F');
    await watcher.said(/restored arm64: shadowed/);
    expect(entryNames()).to.deep.equal(['intruder', 'qemu-aarch64']);
    expect(watcher.get('/readyz').status).to.equal(200);
  });

  it('leaves a working handler of another name in front', async () => {
    const watcher = watch('arm64');
    await watcher.said(/ready/);
    registerForeign('other', 'arm64', aarch64, 'F');
    writeEntry('qemu-aarch64', '-1');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(entryNames()).to.deep.equal(['other']);
    expect(watcher.get('/readyz').status).to.equal(200);
    writeEntry('other', '-1');
    await until(() => has('qemu-aarch64'), 'ours');
  });

  it('probes everything now and then, at the interval that it was given', async () => {
    const watcher = watch('arm64', ['--interval', '0.5']);
    await watcher.said(/ready/);
    await until(() => watcher.get('/metrics').status === 200, 'the server');
    for (let i = 0; i < 2; i++) {
      const before = watcher.get('/metrics').body;
      await until(() => watcher.get('/metrics').body !== before, 'another time of the last probe');
    }
    expect(watcher.log).to.match(/ready\n$/);
  });

  it('is not ready while binfmt_misc is switched off, says so, and never writes the switch', async () => {
    const watcher = watch('arm64');
    await watcher.said(/ready/);
    writeEntry('status', '0');
    await watcher.said(/not-ready/);
    expect(watcher.log).to.match(/failed arm64: binfmt_misc is switched off as a whole .*echo 1/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(entryText('status')).to.equal('disabled\n');
    const { status, body } = watcher.get('/readyz');
    expect(status).to.equal(503);
    expect(body).to.contain('arm64: binfmt_misc is switched off');
    writeEntry('status', '1');
    await watcher.said(/ready\n/, 3);
    expect(watcher.get('/readyz').status).to.equal(200);
  });

  it('stays where only a part is possible, not ready, and tries again', async () => {
    const dir = scratch();
    fs.copyFileSync(aarch64, path.join(dir, 'qemu-aarch64'));
    const watcher = watch('arm64,s390x', [], { QEMU_BINARY_PATH: dir });
    await watcher.said(/failed s390x: there is no emulator qemu-s390x/);
    await watcher.said(/installed arm64/);
    expect(watcher.get('/readyz')).to.deep.equal({
      status: 503,
      body: 'not ready\ns390x: there is no emulator qemu-s390x; QEMU_BINARY_PATH names their folder\n',
    });
    fs.copyFileSync(path.join(EMULATORS, 'qemu-s390x'), path.join(dir, 'qemu-s390x'));
    await watcher.said(/installed s390x/);
    await watcher.said(/ready/);
  });

  it('backs off when an entry is taken away again and again, and says so', async () => {
    const watcher = watch('arm64,s390x');
    await watcher.said(/ready/);
    const fight = spawn('bash', ['-c', `while sleep 0.02; do [ ! -e qemu-aarch64 ] || echo -1 >qemu-aarch64; done`], {
      cwd: MOUNT,
    });
    try {
      await watcher.said(/waiting arm64: it is taken away again and again; next try in 1 s/);
      expect(watcher.get('/readyz')).to.deep.equal({
        status: 503,
        body: 'not ready\narm64: it is taken away again and again\n',
      });
      await watcher.said(/waiting arm64: .* next try in 2 s/);
      await watcher.said(/waiting arm64: .* next try in 4 s/);
    } finally {
      fight.kill('SIGKILL');
    }
    writeEntry('qemu-s390x', '-1');
    await watcher.said(/restored s390x/);
    await until(() => has('qemu-aarch64'), 'the next try');
  });

  it('settles with another instance of itself, also of other flags', async () => {
    const one = watch('arm64,s390x');
    await one.said(/ready/);
    const two = watch('arm64,s390x', ['--no-credentials', '--keep']);
    await two.said(/ready/);
    for (let i = 0; i < 3; i++) {
      writeEntry('status', '-1');
      await until(() => has('qemu-aarch64') && has('qemu-s390x'), 'both');
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    const logs = one.log + two.log;
    expect(logs).not.to.match(/waiting|failed|not-ready/);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(one.log + two.log).to.equal(logs);
  });

  it('takes back what it registered with --on-exit uninstall', async () => {
    registerForeign('other', 's390x', path.join(EMULATORS, 'qemu-s390x'), 'F');
    const watcher = watch('arm64,s390x', ['--on-exit', 'uninstall']);
    await watcher.said(/ready/);
    const start = Date.now();
    watcher.kill('SIGINT');
    expect(await watcher.ended).to.equal(0);
    expect(Date.now() - start).to.be.below(1000);
    expect(entryNames()).to.deep.equal(['other']);
  });

  it('checks everything on SIGHUP', async () => {
    const watcher = watch('arm64');
    await watcher.said(/ready/);
    await until(() => watcher.get('/metrics').status === 200, 'the server');
    const before = watcher.get('/metrics').body;
    watcher.kill('SIGHUP');
    await until(() => watcher.get('/metrics').body !== before, 'another time of the last probe');
  });

  it('logs JSON lines', async () => {
    const watcher = watch('arm64', ['--log-format', 'json']);
    await watcher.said(/"ready"/);
    const events = watcher.log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ event }) => event)).to.deep.equal(['installed', 'ready']);
    expect(events[0]).to.have.all.keys('time', 'event', 'architecture');
    expect(new Date(events[0].time).toISOString()).to.equal(events[0].time);
  });

  it('answers over HTTP, and to the health check', async () => {
    const watcher = watch('arm64,nonsense');
    await watcher.said(/failed: unknown platform/);
    await until(() => watcher.get('/healthz').status === 200, 'the server');
    expect(watcher.get('/readyz')).to.include({ status: 503 });
    expect(watcher.get('/readyz').body).to.contain('"nonsense"');
    expect(watcher.healthcheck()).to.include({ exit: 1 });
    expect(watcher.healthcheck().stdout).to.contain('not ready');
    expect(statusIn({ exit: 0, stdout: watcher.get('/status').body, stderr: '' }).supported).to.include('linux/arm64');
    expect(watcher.get('/nonsense').status).to.equal(404);

    const good = watch('arm64');
    await good.said(/ready/);
    await until(() => good.get('/healthz').status === 200, 'the server');
    expect(good.healthcheck('--strict')).to.include({ exit: 0, stdout: 'ready\n' });
    await good.stop();
    expect(good.healthcheck()).to.include({ exit: 1 });
    expect(good.healthcheck().stderr).to.match(/the watcher at unix:.* does not answer \(E/);
  });

  it('has metrics that a parser of Prometheus text understands', async () => {
    const watcher = watch('arm64,s390x');
    await watcher.said(/ready/);
    writeEntry('qemu-aarch64', '-1');
    await watcher.said(/restored/);
    const families = new Map(parsePrometheus(watcher.get('/metrics').body).map((family) => [family.name, family]));
    expect(families.get('binfmt_architectures_wanted')?.metrics).to.deep.equal([{ value: '2' }]);
    expect(families.get('binfmt_architecture_running')?.metrics).to.deep.equal([
      { value: '1', labels: { architecture: 'arm64' } },
      { value: '1', labels: { architecture: 's390x' } },
    ]);
    expect(families.get('binfmt_restores_total')?.type).to.equal('COUNTER');
    expect(families.get('binfmt_restores_total')?.metrics[0]).to.deep.equal({
      value: '1',
      labels: { cause: 'removed' },
    });
    expect(Number(families.get('binfmt_last_probe_timestamp_seconds')?.metrics[0]?.value)).to.be.closeTo(
      Date.now() / 1000,
      5,
    );
    expect(families.get('binfmt_build_info')?.metrics[0]?.labels).to.have.all.keys('revision', 'node');
  });

  it('listens again where it was killed, and not where somebody else listens', async () => {
    const first = watch('arm64');
    await first.said(/ready/);
    await until(() => first.get('/healthz').status === 200, 'the server');
    const second = watch('arm64', ['--listen', `unix:${first.socket}`]);
    expect(await second.ended).to.equal(1);
    expect(second.log).to.match(/cannot listen at unix:.*EADDRINUSE/);
    process.kill(Number(run('pgrep', ['-P', String(first.pid)]).stdout), 'SIGKILL');
    expect(await first.ended).to.equal(null);
    expect(fs.existsSync(first.socket)).to.equal(true);
    const third = watch('arm64', ['--listen', `unix:${first.socket}`]);
    await third.said(/ready/);
    await until(() => first.get('/healthz').status === 200, 'the server');
  });
});

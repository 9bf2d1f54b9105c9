/** A watcher, and what others do meanwhile: to its entries, to binfmt_misc, and to the watcher itself. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { clearEntries, entryNames, entryText, registerForeign, writeEntry } from '../support/kernel.js';
import { guest, guest2 } from '../support/machine.js';
import { EMULATORS, must } from '../support/program.js';
import { allowedProcessor, busyShells, hangingEmulator, starvedEmulator } from '../support/programs.js';
import { scratch } from '../support/scratch.js';
import { until, Watcher } from '../support/watcher.js';

const { name, emulator: entry } = guest;
/** Another tool's emulator: the same program in another file. */
const theirs = path.join(scratch(), entry);
fs.copyFileSync(path.join(EMULATORS, entry), theirs);

describe('a watcher and others', () => {
  const watchers: Watcher[] = [];
  const watch = (...args: ConstructorParameters<typeof Watcher>) => {
    const watcher = new Watcher(...args);
    watchers.push(watcher);
    return watcher;
  };
  /** Takes the name of an entry, as a tool does that removes every emulator first. */
  const take = (flags: string) => {
    writeEntry(entry, '-1');
    registerForeign(entry, name, theirs, flags);
  };
  beforeEach(clearEntries);
  afterEach(() => Promise.all(watchers.splice(0).map((watcher) => watcher.stop())));
  after(clearEntries);

  it('registers its own entry again if another tool has taken its name with fewer flags, and says what was missing', async () => {
    const watcher = watch(name);
    await watcher.said(/ready/);
    take('F');
    await watcher.said(
      /restored \S+: another tool had replaced its entry with \S+; .*no flag P.*; sudo .* \(no flag C\)\n/,
    );
    expect(entryText(entry)).to.contain('flags: POCF');
    expect((await watcher.get('/metrics')).body).to.contain('binfmt_entries_taken_total 1\n');
  });

  it('leaves the entry with --keep, as an installation does, and says whose it is', async () => {
    const watcher = watch(name, ['--keep']);
    await watcher.said(/ready/);
    take('F');
    await watcher.said(/taken \S+: now runs through \S+, an entry of another tool: .*; it works, so it stays\n/);
    expect(entryText(entry)).to.contain('flags: F\n');
    expect((await watcher.get('/readyz')).status).to.equal(200);
  });

  it('does not remove the entry of another tool when it ends, with --on-exit uninstall', async () => {
    const watcher = watch(`${name},${guest2.name}`, ['--keep', '--on-exit', 'uninstall']);
    await watcher.said(/ready/);
    take('F');
    await watcher.said(/taken/);
    expect(await watcher.stop()).to.equal(0);
    expect(entryNames()).to.deep.equal([entry]);
  });

  it('removes its entries if a signal ends it during the first installation, with --on-exit uninstall', async () => {
    const emulators = scratch();
    fs.copyFileSync(theirs, path.join(emulators, entry));
    // It takes as long as a test program may take.
    fs.copyFileSync(hangingEmulator(), path.join(emulators, guest2.emulator));
    const watcher = watch(`${name},${guest2.name}`, ['--on-exit', 'uninstall'], { QEMU_BINARY_PATH: emulators });
    await until(() => entryNames().includes(entry), 'an entry');
    expect((await watcher.get('/readyz')).body).to.contain('the first installation is not finished');
    watcher.kill('SIGTERM');
    expect(await watcher.ended).to.equal(0);
    expect(entryNames()).to.deep.equal([]);
  });

  it('removes an entry that could not be tested, with --on-exit uninstall', async () => {
    const allowed = allowedProcessor();
    const emulators = scratch();
    fs.copyFileSync(starvedEmulator(allowed), path.join(emulators, entry));
    const busy = await busyShells(allowed);
    try {
      const watcher = watch(name, ['--on-exit', 'uninstall'], { QEMU_BINARY_PATH: emulators });
      await watcher.said(/failed .* \(processor time\)/);
      expect(entryNames()).to.deep.equal([entry]);
      expect(await watcher.stop()).to.equal(0);
      expect(entryNames()).to.deep.equal([]);
    } finally {
      for (const each of busy) each.kill();
    }
  });

  it('sees what is removed after binfmt_misc was unmounted and mounted again at once', async () => {
    // At a directory where nothing else is mounted, so that nothing shows when this mount is gone.
    const dir = scratch();
    const script = `mount -t binfmt_misc none ${dir}; exec "$@"`;
    const within = ['unshare', '--user', '--map-root-user', '--mount', 'bash', '-euc', script, 'bash'];
    // No check in the meantime shows it.
    const watcher = watch(name, ['--allow-userns', '--mount', dir, '--interval', '3600'], {}, within);
    await watcher.said(/ready/);
    const inside = (command: string) =>
      must('nsenter', [
        '--user',
        '--preserve-credentials',
        '--mount',
        '--target',
        String(watcher.pid),
        'sh',
        '-c',
        command,
      ]);
    // Faster than the watcher can be.
    process.kill(watcher.nodePid, 'SIGSTOP');
    inside(`umount ${dir}; mount -t binfmt_misc none ${dir}`);
    process.kill(watcher.nodePid, 'SIGCONT');
    await watcher.said(/restored|installed/, 2);
    inside(`echo -1 >${dir}/${entry}`);
    await watcher.said(/restored|installed/, 3);
  });
});

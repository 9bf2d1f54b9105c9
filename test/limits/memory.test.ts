import fs from 'node:fs';
import { expect } from 'chai';
import { docker, FULL_IMAGE, mountOnHost, mustDocker, uninstallAll } from '../support/docker.js';
import { entryNames, writeEntry } from '../support/kernel.js';
import { until } from '../support/watcher.js';

describe('the memory of a watcher', () => {
  const container = 'binfmt-test-memory';
  after(() => {
    docker('rm', '--force', container);
    uninstallAll();
  });

  it('does not grow during 10,000 restores (`npm run bench:watch` shows how much it is)', async () => {
    const options = ['--install', 'all', '--watch', '--backoff', '0'];
    mustDocker('run', '--detach', '--name', container, '--privileged', FULL_IMAGE, ...options);
    await until(() => / ready\n/.test(docker('logs', container).stderr), 'the watcher');
    const pids = mustDocker('top', container, '-o', 'pid').trim().split('\n').slice(1);
    // A process that only prepared the watcher has ended meanwhile.
    const lasting = () => pids.map((pid) => `/proc/${pid.trim()}/status`).filter((file) => fs.existsSync(file));
    const resident = (): number => {
      const sizes = lasting().map((file) => Number(/^VmRSS:\s*(\d+)/m.exec(fs.readFileSync(file, 'utf8'))?.[1]));
      return sizes.reduce((sum, size) => sum + size, 0) / 1024;
    };
    const restore = mountOnHost();
    try {
      const wanted = entryNames().length;
      const sizes: number[] = [];
      for (let restores = 0; restores < 10_000; restores += wanted) {
        writeEntry('status', '-1');
        await until(() => entryNames().length === wanted, 'all of them');
        sizes.push(resident());
      }
      const most = (from: number, to: number) => Math.max(...sizes.slice(sizes.length * from, sizes.length * to));
      // The garbage that V8 has not collected yet is as much as it will be after a half.
      expect(most(0.75, 1) - most(0.25, 0.5), sizes.map(Math.round).join(' ')).to.be.below(3);
    } finally {
      restore();
    }
  }).timeout(600_000);
});

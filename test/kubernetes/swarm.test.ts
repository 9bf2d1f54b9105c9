/** deploy/swarm/stack.yaml on a Swarm of this node alone. */
import { expect } from 'chai';
import { docker, guestImage, IMAGE, mountOnHost, mustDocker, runsGuest, uninstallAll } from '../support/docker.js';
import { mounted } from '../support/host.js';
import { entryNames, MOUNT, writeEntry } from '../support/kernel.js';
import { guest } from '../support/machine.js';
import { must, ROOT } from '../support/program.js';
import { skipBecause } from '../support/skip.js';
import { PATIENCE, untilWithin } from '../support/watcher.js';

const STACK = 'binfmt-test';

describe('deploy/swarm/stack.yaml', () => {
  let restore = () => {};
  let joined = false;
  const foreign = guestImage(guest);
  const task = () =>
    mustDocker('ps', '--quiet', '--filter', `label=com.docker.swarm.service.name=${STACK}_binfmt`).trim();
  const health = () => docker('inspect', '--format', '{{.State.Health.Status}}', task()).stdout.trim();
  const log = () => docker('logs', task()).stderr;
  const healthy = () =>
    untilWithin(
      PATIENCE,
      () => health() === 'healthy',
      () => `a healthy task, in:\n${log()}`,
    );
  const deploy = () => {
    const file = ['--resolve-image', 'never', '--compose-file', 'deploy/swarm/stack.yaml', STACK];
    must('bash', ['-euc', 'cd "$1" && shift && docker stack deploy "$@"', 'bash', ROOT, ...file], {
      BINFMT_IMAGE: IMAGE,
    });
  };
  /** The engine removes the containers a moment later. */
  const remove = async () => {
    mustDocker('stack', 'rm', STACK);
    await untilWithin(PATIENCE, () => task() === '', 'the task to end');
  };

  before(async function () {
    const state = mustDocker('info', '--format', '{{.Swarm.LocalNodeState}}').trim();
    if (state !== 'inactive') skipBecause(this, `this Docker Engine is part of a Swarm already (${state})`);
    mustDocker('swarm', 'init', '--advertise-addr', '127.0.0.1', '--listen-addr', '127.0.0.1:2377');
    joined = true;
  });
  after(() => {
    if (joined) mustDocker('swarm', 'leave', '--force');
  });

  describe('on a host that keeps binfmt_misc mounted', () => {
    before(async () => {
      restore = mountOnHost();
      uninstallAll();
      deploy();
      await untilWithin(PATIENCE, () => task() !== '', 'a task');
      await healthy();
    });
    after(async () => {
      await remove();
      uninstallAll();
      restore();
    });

    it('runs foreign containers, without a capability', () => {
      expect(runsGuest(guest, foreign)).to.equal(true);
      const pid = mustDocker('inspect', '--format', '{{.State.Pid}}', task()).trim();
      expect(must('cat', [`/proc/${pid}/status`])).to.match(/^CapBnd:\t0000000000000000$/m);
    });

    it('restores entries that are removed, and keeps them while its task is killed', async () => {
      const entries = entryNames();
      writeEntry('status', '-1');
      await untilWithin(PATIENCE, () => entryNames().length === entries.length, 'the entries');
      const killed = task();
      mustDocker('kill', '--signal', 'KILL', killed);
      expect(entryNames()).to.deep.equal(entries);
      expect(runsGuest(guest, foreign)).to.equal(true);
      await untilWithin(PATIENCE, () => !['', killed].includes(task()), 'another task');
      await healthy();
    });
  });

  describe('on a host that does not keep binfmt_misc mounted', () => {
    before(function () {
      if (mounted()) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
    });
    after(remove);

    it('is not healthy, and its log says why', async () => {
      deploy();
      // `docker service logs` has nothing until a task is healthy, or has failed.
      await untilWithin(PATIENCE, () => log().includes(`failed ${guest.name}: cannot mount binfmt_misc`), log);
      expect(log()).not.to.contain(' ready\n');
      expect(health()).not.to.equal('healthy');
    });
  });
});

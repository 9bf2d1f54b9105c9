import { expect } from 'chai';
import {
  chooseEngine,
  findKeepers,
  podmanKeeper,
  type UserProcess,
} from '../../src/core/namespaces/rootless-engine.js';

const OWN = 'user:[1]';
const process = (pid: number, name: string, words: string, user = `user:[${pid}]`, mount = user): UserProcess => ({
  ...{ pid, name, words: words === '' ? [] : words.split(' '), namespaces: { user, mount } },
});
const podman = process(10, 'catatonit', 'catatonit -P');
const dockerd = process(20, 'dockerd', 'dockerd --host=unix:///run/user/1000/docker.sock');

describe('the process that keeps the namespaces of a rootless engine', () => {
  for (const [title, found, engines] of [
    ["is podman's pause process, catatonit", podman, ['podman']],
    ["is podman's own pause process", process(11, 'podman pause', 'podman'), ['podman']],
    ['is dockerd', dockerd, ['docker']],
    ['is none in our own namespace', process(21, 'dockerd', 'dockerd', OWN), []],
    ['is none that has ended', process(12, 'catatonit', ''), []],
    ['is no catatonit of a container', process(13, 'catatonit', 'catatonit -- sleep 1'), []],
  ] as const) {
    it(title, () => expect(findKeepers([found], OWN).map(({ engine }) => engine)).to.deep.equal(engines));
  }

  for (const [title, asked, processes, engine] of [
    ["podman's if both run", 'any', [dockerd, podman], 'podman'],
    ["Docker's if only that runs", 'any', [dockerd], 'docker'],
    ["podman's if none runs", 'any', [], 'podman'],
    ["Docker's if that is asked for", 'docker', [podman], 'docker'],
  ] as const) {
    it(`is ${title}`, () => expect(chooseEngine(asked, findKeepers(processes, OWN))).to.equal(engine));
  }

  const [user, mount] = ['user:[10]', 'mnt:[10]'];
  const conmon = process(14, 'conmon', 'conmon --api-version 1', user, mount);
  const infra = process(15, 'catatonit', '/catatonit -P', user, 'mnt:[15]');
  const lost = process(9, 'catatonit', 'catatonit -P', 'user:[9]', 'mnt:[9]');
  const pause = process(16, 'catatonit', 'catatonit -P', user, mount);
  for (const [title, processes, pid] of [
    ['podman has lost', [lost, pause], 16],
    ['is in a container', [infra, pause], 16],
    ['serves a container, if there is another one', [conmon, pause], 16],
    ['is elsewhere', [lost, infra], undefined],
  ] as const) {
    it(`is none that ${title}`, () => expect(podmanKeeper({ user, mount }, processes)?.pid).to.equal(pid));
  }
});

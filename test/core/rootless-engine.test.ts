import { expect } from 'chai';
import { findKeeper, type UserProcess } from '../../src/core/rootless-engine.js';

const OWN = 'user:[1]';
const process = (pid: number, name: string, words: string, userNamespace = `user:[${pid}]`): UserProcess => ({
  ...{ pid, name, words: words === '' ? [] : words.split(' '), userNamespace },
});
const podman = process(10, 'catatonit', 'catatonit -P');
const dockerd = process(20, 'dockerd', 'dockerd --host=unix:///run/user/1000/docker.sock');

describe('the process that keeps the namespaces of a rootless engine', () => {
  for (const [title, asked, processes, pid] of [
    ["is podman's pause process, catatonit", 'any', [podman], 10],
    ["is podman's own pause process", 'podman', [process(11, 'podman pause', 'podman')], 11],
    ['is dockerd', 'any', [dockerd], 20],
    ["is podman's if both run", 'any', [dockerd, podman], 10],
    ["is Docker's if that is asked for", 'docker', [podman, dockerd], 20],
    ['is none in our own namespace', 'any', [process(21, 'dockerd', 'dockerd', OWN)], undefined],
    ['is none that has ended', 'any', [process(12, 'catatonit', '')], undefined],
    ['is no catatonit of a container', 'any', [process(13, 'catatonit', 'catatonit -- sleep 1')], undefined],
    ['is none of another engine', 'docker', [podman], undefined],
  ] as const) {
    it(title, () => expect(findKeeper(asked, processes, OWN)?.pid).to.equal(pid));
  }
});

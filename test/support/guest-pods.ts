/** Pods of other architectures, which are no part of ours: do they run? */
import { expect } from 'chai';
import { api } from './api-server.js';
import { guestImage, guestMachine } from './docker.js';
import { GUESTS, giveToNode, guestPod, kubectl, makeNamespace } from './kubernetes.js';
import { type Guest, guest, guest2, guest3, guest4 } from './machine.js';
import { PATIENCE, untilWithin } from './watcher.js';

export const guests = [guest, guest2, guest3, guest4];
const PODS = `/api/v1/namespaces/${GUESTS}/pods`;

export async function prepareGuests(): Promise<void> {
  makeNamespace(GUESTS);
  giveToNode(...guests.map(guestImage));
  // Without it no pod is admitted, and it is made a moment later.
  const account = () => kubectl('get', 'serviceaccount', 'default', '--namespace', GUESTS).exit === 0;
  await untilWithin(PATIENCE, account, 'the default service account');
}

/** What pods printed, in the order of the guests; where one failed, why. Waits for all of them. */
export async function outputsOf(these: readonly Guest[], more: object = {}): Promise<string[]> {
  return Promise.all(these.map((each) => outputOfPod(guestPod(each, more))));
}

async function outputOfPod(pod: ReturnType<typeof guestPod>): Promise<string> {
  await api(PODS, 'POST', pod);
  const path = `${PODS}/${pod.metadata.name}`;
  let status: Status = { phase: 'none' };
  await untilWithin(
    PATIENCE,
    async () => {
      ({ status } = JSON.parse(await api(path)) as { status: Status });
      return ['Succeeded', 'Failed'].includes(status.phase);
    },
    () => `a pod to end: ${JSON.stringify(status)}`,
  );
  const output = status.phase === 'Succeeded' ? await api(`${path}/log`) : JSON.stringify(status.containerStatuses);
  await api(path, 'DELETE');
  return output;
}

/** Starts a pod that stays; resolves to its name when it runs. */
export async function lastingPod(each: Guest): Promise<string> {
  const pod = guestPod(each);
  for (const container of pod.spec.containers) container.command = ['busybox', 'sleep', '1d'];
  await api(PODS, 'POST', pod);
  const { name } = pod.metadata;
  const phase = async () => (JSON.parse(await api(`${PODS}/${name}`)) as { status: Status }).status.phase;
  await untilWithin(PATIENCE, async () => (await phase()) === 'Running', `the pod ${name} to run`);
  return name;
}

interface Status {
  readonly phase: string;
  readonly containerStatuses?: readonly object[];
}

/** What its pod prints. */
export const outputOf = (each: Guest) => `${guestMachine(each)}\n`;

export async function runsGuestPod(each: Guest, more: object = {}): Promise<boolean> {
  return (await outputsOf([each], more))[0] === outputOf(each);
}

export async function expectGuestsRun(): Promise<void> {
  expect(await outputsOf(guests)).to.deep.equal(guests.map(outputOf));
}

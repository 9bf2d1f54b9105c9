/** Pods of other architectures, which are no part of ours: do they run? */
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { guestImage, guestMachine } from './docker.js';
import { fileOf, GUESTS, guestPod, kubectl, kubectlMeanwhile, makeNamespace } from './kubernetes.js';
import { type Guest, guest, guest2, guest3, guest4 } from './machine.js';
import { PATIENCE, untilWithin } from './watcher.js';

export const guests = [guest, guest2, guest3, guest4];

export async function prepareGuests(): Promise<void> {
  makeNamespace(GUESTS);
  for (const each of guests) guestImage(each);
  // Without it no pod is admitted, and it is made a moment later.
  const account = () => kubectl('get', 'serviceaccount', 'default', '--namespace', GUESTS).exit === 0;
  await untilWithin(PATIENCE, account, 'the default service account');
}

/** What pods printed, in the order of the guests; where one failed, why. Waits for all of them. */
export async function outputsOf(these: readonly Guest[], more: object = {}): Promise<string[]> {
  const wanted = these.map((each) => guestPod(each, more));
  const names = wanted.map(({ metadata }) => metadata.name);
  const inGuests = (...args: string[]) => kubectlMeanwhile('--namespace', GUESTS, ...args);
  await inGuests('create', '--filename', fileOf(wanted));
  const items = async () => {
    const found = JSON.parse(await inGuests('get', 'pods', '--output', 'json', ...names)) as { items?: Pod[] } & Pod;
    return found.items ?? [found];
  };
  let pods: Pod[] = [];
  await untilWithin(
    PATIENCE,
    async () => {
      // kubectl takes its share of the processors that the pods wait for.
      await setTimeout(200);
      pods = await items();
      return pods.every(({ status }) => ['Succeeded', 'Failed'].includes(status.phase));
    },
    () => `pods to end: ${JSON.stringify(pods.map(({ status }) => status))}`,
  );
  const outputs = await Promise.all(
    pods.map(({ metadata, status }) =>
      status.phase === 'Succeeded' ? inGuests('logs', metadata.name) : JSON.stringify(status.containerStatuses),
    ),
  );
  await inGuests('delete', 'pod', '--wait=false', ...names);
  return outputs;
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: { readonly phase: string; readonly containerStatuses?: readonly object[] };
}

/** What its pod prints. */
export const outputOf = (each: Guest) => `${guestMachine(each)}\n`;

export async function runsGuestPod(each: Guest): Promise<boolean> {
  return (await outputsOf([each]))[0] === outputOf(each);
}

export async function expectGuestsRun(): Promise<void> {
  expect(await outputsOf(guests)).to.deep.equal(guests.map(outputOf));
}

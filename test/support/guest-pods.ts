/** Pods of other architectures, which are no part of ours: do they run? */
import { expect } from 'chai';
import { guestImage, guestMachine } from './docker.js';
import {
  applyAll,
  GUESTS,
  guestPod,
  kubectl,
  logOfGuest,
  makeNamespace,
  mustKubectl,
  phasesOfGuests,
} from './kubernetes.js';
import { type Guest, guest, guest2, guest3, guest4 } from './machine.js';

export const guests = [guest, guest2, guest3, guest4];

export function prepareGuests(): void {
  makeNamespace(GUESTS);
  // Its default service account is made a moment later, and before that no pod is admitted.
  for (let i = 0; i < 100 && kubectl('get', 'serviceaccount', 'default', '--namespace', GUESTS).exit !== 0; i++);
  for (const each of guests) guestImage(each);
}

/** What pods printed, in the order of the guests; undefined for one that failed. Waits for all of them. */
export function outputsOf(these: readonly Guest[], more: object = {}): (string | undefined)[] {
  const pods = these.map((each) => guestPod(each, more));
  applyAll(pods);
  const names = pods.map(({ metadata }) => metadata.name);
  const deadline = Date.now() + 60_000;
  for (;;) {
    const phases = phasesOfGuests();
    if (names.every((name) => ['Succeeded', 'Failed'].includes(phases[name] ?? ''))) {
      const outputs = names.map((name) => (phases[name] === 'Succeeded' ? logOfGuest(name) : undefined));
      mustKubectl('delete', 'pod', '--namespace', GUESTS, '--wait=false', ...names);
      return outputs;
    }
    if (Date.now() > deadline) throw new Error(`pods do not end: ${JSON.stringify(phases)}`);
  }
}

const wanted = (each: Guest) => `${guestMachine(each)}\n`;

export function runsGuestPod(each: Guest): boolean {
  return outputsOf([each])[0] === wanted(each);
}

export function expectGuestsRun(): void {
  expect(outputsOf(guests)).to.deep.equal(guests.map(wanted));
}

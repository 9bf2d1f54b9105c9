/** A rolling update to an image with another QEMU, and then to other flags, while pods and programs in pods are started all the time. */
import { expect } from 'chai';
import { FULL_IMAGE, IMAGE, mountOnHost, mustDocker, uninstallAll } from '../support/docker.js';
import { guests, lastingPod, outputOf, outputsOf, prepareGuests } from '../support/guest-pods.js';
import { mounted, unmountHost } from '../support/host.js';
import { entryText, MOUNT } from '../support/kernel.js';
import { DaemonSet, GUESTS } from '../support/kubernetes.js';
import { type Guest, guest } from '../support/machine.js';
import { run, started } from '../support/program.js';
import { sayInstead, skipBecause } from '../support/skip.js';

/** How many pods and programs have to be started, at least, with as many updates as that takes. */
const STARTS = Number(process.env['BINFMT_TEST_STARTS'] ?? 1);

interface Tally {
  pods: number;
  programs: number;
  readonly failures: string[];
}

/** An image with an older QEMU, if the mirror has one. */
function olderImage(): string {
  const older = 'binfmt-test-older';
  const choice = { QEMU_VERSION: '10.0', EMULATORS: 'debian', SET: guests.map(({ name }) => name).join() };
  const { exit } = run('docker', ['buildx', 'bake', '--progress=quiet', 'image'], { IMAGE: older, ...choice });
  return exit === 0 ? older : IMAGE;
}

function qemuOf(image: string): string | undefined {
  return / qemu\/(\S+)/.exec(mustDocker('run', '--rm', image, '--version'))?.[1];
}

/** Eight at once. */
async function startPods(tally: Tally, done: () => boolean): Promise<void> {
  const eight = [...guests, ...guests];
  while (!done()) {
    const outputs = await outputsOf(eight);
    outputs.forEach((output, i) => {
      const wanted = outputOf(eight[i] as Guest);
      if (output !== wanted) tally.failures.push(`a pod that should print ${wanted}: ${output}`);
    });
    tally.pods += eight.length;
  }
}

/** In pods that stay, one after the other. */
async function startPrograms(tally: Tally, done: () => boolean): Promise<void> {
  const pods = await Promise.all(guests.map(lastingPod));
  for (let i = 0; !done(); i++) {
    const each = guests[i % guests.length] as Guest;
    const exec = ['exec', '--namespace', GUESTS, pods[i % guests.length] ?? '', '--', 'uname', '-m'];
    const { stdout, stderr } = await started('kubectl', exec);
    if (stdout !== outputOf(each)) tally.failures.push(`a program for ${each.platform}: ${stdout}${stderr}`);
    tally.programs++;
  }
}

// The first update is to another QEMU, and the second one to other flags.
for (const [where, components, prepare, least] of [
  ['a host that does not keep binfmt_misc mounted', [], () => unmountHost, 2],
  ['a host that keeps binfmt_misc mounted, without a capability', ['host-mounted'], mountOnHost, 1],
] as const) {
  describe(`rolling updates on ${where}`, () => {
    const ours = new DaemonSet();
    let restore = () => {};
    let older: string;

    before(async function () {
      if (components.length === 0 && mounted()) skipBecause(this, `this host keeps binfmt_misc mounted at ${MOUNT}`);
      restore = prepare();
      await prepareGuests();
      older = olderImage();
      ours.apply({ image: older, components });
    });
    after(async () => {
      await ours.delete();
      uninstallAll();
      restore();
    });

    it('fail no pod and no program that starts meanwhile', async () => {
      const [qemu, newQemu] = [older, FULL_IMAGE].map(qemuOf);
      if (qemu === newQemu) sayInstead(`both images have QEMU ${qemu}: the rolling updates changed flags alone`);
      const install = ['--install', guests.map(({ name }) => name).join(), '--watch'];
      const [withFlagC, without] = [install, [...install, '--no-credentials']];
      const tally: Tally = { pods: 0, programs: 0, failures: [] };
      const starts = () => tally.pods + tally.programs;
      let updating = true;
      const done = () => !updating;
      const starting = Promise.all([startPods(tally, done), startPrograms(tally, done)]);
      let updates = 0;
      try {
        for (; updates < least || (starts() < STARTS && tally.failures.length === 0); updates++) {
          ours.change({ image: FULL_IMAGE, components, args: updates % 2 ? without : withFlagC });
          await ours.rolledOutMeanwhile();
          expect(entryText(guest.emulator)).to.contain(`flags: ${updates % 2 ? 'PF' : 'POCF'}\n`);
          if (updates === 0 && qemu !== newQemu) {
            expect(ours.log()).to.contain(`installed ${guest.name}: QEMU ${qemu} is now ${newQemu}\n`);
          }
        }
      } finally {
        updating = false;
        await starting;
      }
      const { pods, programs, failures } = tally;
      const started = `${pods} pods and ${programs} programs of other architectures started`;
      sayInstead(`${updates} rolling updates on ${where}, meanwhile ${started}: ${failures.length} failed`);
      expect(failures).to.deep.equal([]);
    }).timeout(3_600_000);
  });
}

/** A machine with Debian 12's emulators, which are dynamically linked. */
import fs from 'node:fs';
import path from 'node:path';
import { buildImage, debianImage, mustDocker } from './docker.js';
import { MOUNT } from './kernel.js';
import { guest } from './machine.js';
import { must, ROOT } from './program.js';
import { scratch } from './scratch.js';

const { emulator: entry } = guest;

/** Its image, with the real systemd-binfmt. */
export function debian12(): string {
  const tag = 'binfmt-test-debian12';
  const dir = scratch();
  const fetch = ['--package', 'qemu-user', '--suites', 'bookworm'];
  must(path.join(ROOT, 'qemu/fetch'), [...fetch, path.join(ROOT, 'build/qemu-debian12')]);
  fs.copyFileSync(path.join(ROOT, 'build/qemu-debian12/usr/bin', entry), path.join(dir, entry));
  const shipped = fs.readFileSync(path.join(ROOT, `build/qemu/usr/share/qemu/binfmt.d/${entry}.conf`), 'utf8');
  fs.writeFileSync(path.join(dir, `${entry}.conf`), shipped.trim().replace(/:[A-Z]*$/, ':FPOC\n'));
  fs.writeFileSync(
    path.join(dir, 'Dockerfile'),
    `FROM ${debianImage()}\nCOPY ${entry} /usr/bin/\nCOPY ${entry}.conf /etc/binfmt.d/\n`,
  );
  return buildImage(tag, dir);
}

/** Registers the emulator of the example on the host, as systemd does when such a machine boots. */
export function registerDynamic(): void {
  const register = `mount -t binfmt_misc none ${MOUNT} && exec /usr/lib/systemd/systemd-binfmt`;
  mustDocker('run', '--rm', '--privileged', debian12(), 'sh', '-c', register);
}

/** A machine with Debian 12's emulators, which are dynamically linked. */
import fs from 'node:fs';
import path from 'node:path';
import { buildImage, mustDocker } from './docker.js';
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
    `FROM debian:trixie-slim
    RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd >/dev/null
    COPY ${entry} /usr/bin/
    COPY ${entry}.conf /etc/binfmt.d/`,
  );
  return buildImage(tag, dir);
}

/** Registers the emulator of the example on the host, as systemd does when such a machine boots. */
export function registerDynamic(): void {
  const register = `mount -t binfmt_misc none ${MOUNT} && exec /usr/lib/systemd/systemd-binfmt`;
  mustDocker('run', '--rm', '--privileged', debian12(), 'sh', '-c', register);
}

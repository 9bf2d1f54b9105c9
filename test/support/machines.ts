/** Machines in a box: a real Debian kernel under full-system emulation, whose whole system is the image and busybox. */
import fs from 'node:fs';
import path from 'node:path';
import { debianName, fetchBusybox, filesOfImage, IMAGE } from './docker.js';
import { own } from './machine.js';
import { must } from './program.js';

/** Boots one: `BOOT ARCH SUITE DIR [SECONDS]` starts DIR/init, and prints the console. test/run says where it comes from. */
const BOOT = process.env['BINFMT_TEST_BOOT'] ?? '';

/** What the machine does before a test's own commands. busybox has the others; `binfmt` is the image's. */
const PROLOGUE = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox insmod /lib/modules/binfmt_misc.ko
export PATH=/usr/bin:/bin
misc=/proc/sys/fs/binfmt_misc
`;

/**
 * Runs commands of a shell on the newest kernel of a suite of Debian. Returns what each named command printed and its exit
 * status, without the kernel's own messages.
 */
export function onMachine<Name extends string>(
  suite: string,
  commands: Readonly<Record<Name, string>>,
): Record<Name, { readonly exit: number; readonly output: string }> {
  const root = filesOfImage(IMAGE);
  for (const dir of ['bin', 'dev', 'proc', 'sys', 'lib']) fs.mkdirSync(path.join(root, dir), { recursive: true });
  const architecture = debianName(own.name);
  fs.copyFileSync(fetchBusybox(architecture), path.join(root, 'bin/busybox'));
  for (const name of ['cat', 'rm', 'uname', 'ls', 'test']) fs.symlinkSync('busybox', path.join(root, 'bin', name));
  const steps = Object.entries(commands).map(
    ([name, command]) => `echo "== ${name}"\n{\n${command}\n}\necho "== exit $?"\n`,
  );
  fs.writeFileSync(path.join(root, 'init'), `${PROLOGUE}${steps.join('')}/bin/busybox poweroff -f\n`, { mode: 0o755 });
  const printed = must(BOOT, [architecture, suite, root]).replaceAll('\r', '');
  const lines = printed.split('\n').filter((line) => !/^\[ *\d+\.\d+\] /.test(line));
  return Object.fromEntries(
    (Object.keys(commands) as Name[]).map((name) => {
      const [, after = ''] = lines.join('\n').split(`== ${name}\n`);
      const [output = '', exit] = after.split(/== exit (\d+)/);
      if (exit === undefined) throw new Error(`the machine did not come as far as ${name}:\n${printed}`);
      return [name, { exit: Number(exit), output }];
    }),
  ) as Record<Name, { readonly exit: number; readonly output: string }>;
}

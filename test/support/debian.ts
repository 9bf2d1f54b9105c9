/** Debian on a disk, as a virtual machine that boots as often as a test wants. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type Done, resultsOf } from './console.js';
import { LABEL } from './docker.js';
import { must, ROOT } from './program.js';
import { scratch } from './scratch.js';

/** For one boot with all that a test does in it. */
const BOOT_SECONDS = 1500;
const PREPARED = '== prepared';
const MACHINES = path.join(ROOT, 'test/machines');

export interface Debian {
  /** Debian's name: `arm64`. */
  readonly architecture: string;
  readonly suite: string;
  readonly packages: readonly string[];
  /** A directory whose files are copied into it. */
  readonly files: string;
  /** It is booted with these parameters of the kernel when it has been installed. It has to print PREPARED, and to power off. */
  readonly firstBoot?: string;
}

/**
 * Arguments of Docker that build the image of test/machines/Dockerfile, and print its id: another checkout may give its name to
 * an image of its own.
 */
export const BUILD_MACHINES = ['buildx', 'build', '--quiet', '--load', '--tag', 'binfmt-test-machines', MACHINES];

function inContainer(options: readonly string[], ...args: string[]): string {
  const image = must('docker', BUILD_MACHINES).trim();
  return must('docker', ['run', '--rm', '--label', LABEL, ...options, image, ...args]);
}

/** Installs it, or takes the disk of an earlier run, and returns the directory of a fresh copy. */
export function installDebian({ architecture, suite, packages, files, firstBoot }: Debian): string {
  const words = [architecture, suite, packages.join()];
  const contents = must('bash', [
    '-euc',
    `cat '${MACHINES}/install-debian'; tar -c --mtime=@0 --sort=name -C '${files}' .`,
  ]);
  const key = createHash('sha256')
    .update([...words, firstBoot].join(' '))
    .update(contents)
    .digest('hex')
    .slice(0, 12);
  const dir = path.join(ROOT, 'build/machines', `debian-${architecture}-${suite}-${key}`);
  if (!fs.existsSync(dir)) {
    // Under its own name only when it is complete.
    const unfinished = `${dir}.new`;
    fs.rmSync(unfinished, { recursive: true, force: true });
    fs.mkdirSync(unfinished, { recursive: true });
    const volumes = ['--volume', `${unfinished}:/kernel`, '--volume', `${files}:/files:ro`];
    inContainer(['--privileged', ...volumes, '--entrypoint', 'install-debian'], ...words);
    const prepared = firstBoot === undefined || start(architecture, unfinished, firstBoot).includes(PREPARED);
    if (!prepared) throw new Error('the machine did not say that it is prepared');
    fs.renameSync(unfinished, dir);
  }
  const copy = path.join(scratch(), 'machine');
  must('cp', ['--recursive', '--sparse=always', dir, copy]);
  return copy;
}

/** `parameters`: of the kernel. Returns what it printed on its console until it powered off or rebooted. */
function start(architecture: string, dir: string, parameters: string, ...options: string[]): string {
  const container = ['--network', 'none', '--env', `APPEND=${parameters}`, '--volume', `${dir}:/kernel`];
  return inContainer(container, architecture, `${BOOT_SECONDS}`, ...options);
}

/**
 * Boots the machine of a directory, and waits until it powers off or reboots. `drive`: a directory, which it has on its second
 * drive as a tar archive. Returns the results of the named commands (`scriptOf`).
 */
export function boot<Name extends string>(
  { architecture }: Debian,
  dir: string,
  drive: string,
  names: readonly Name[],
  parameters: string,
): Record<Name, Done> {
  // A drive has whole sectors: tar writes blocks of 10 KB.
  must('tar', ['--create', '--file', path.join(dir, 'drive'), '--directory', drive, '.']);
  const second = ['-drive', 'file=/kernel/drive,format=raw,if=none,id=second', '-device', 'virtio-blk,drive=second'];
  // Nothing else writes to the console.
  const quiet = 'loglevel=1 systemd.show_status=no systemd.mask=getty.target';
  return resultsOf(names, start(architecture, dir, `${quiet} ${parameters}`, ...second));
}

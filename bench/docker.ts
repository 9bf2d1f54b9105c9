/**
 * Compares `docker run` of the image with that of a plain native registrar (bench/peer.c) in an image FROM scratch, with the
 * same emulators: `npm run bench:docker`, as root. `--runs N`: how often everything is measured (default: 15). `--slow`: with
 * emulators that start slowly.
 *
 * It registers entries on this machine and removes them again, so it refuses to run where some are registered already.
 */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import fs from 'fs-extra';
import minimist from 'minimist';
import { emulatorsFor } from '../qemu/sets.js';
import { registerLine, registrationOf } from '../src/core/binfmt/entry.js';
import { emulatorName } from '../src/core/platform/architectures.js';
import { lookAtHost } from '../src/system/host/host.js';
import { compare, HEADER, time, timeInTurn } from './pairs.js';
import { SLOW_COUNT, slowEmulators } from './slow.js';

const { runs, slow } = minimist(process.argv.slice(2), { default: { runs: 15 }, boolean: 'slow' });
const root = path.resolve(import.meta.dirname, '..');
const dir = '/proc/sys/fs/binfmt_misc';
const images = { ours: 'binfmt-bench', peer: 'binfmt-bench-peer' };
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'binfmt-bench-'));
const execute = (file: string, ...args: string[]) =>
  execFileSync(file, args, {
    cwd: root,
    env: { ...process.env, IMAGE: images.ours },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

const mounted = fs.existsSync(path.join(dir, 'register'));
if (!mounted) execute('mount', '-t', 'binfmt_misc', 'binfmt_misc', dir);
const registered = () => fs.readdirSync(dir).filter((name) => name.startsWith('qemu-'));
const before = registered();
process.on('exit', () => {
  if (before.length === 0) for (const name of registered()) fs.writeFileSync(path.join(dir, name), '-1');
  if (!mounted) execute('umount', dir);
  fs.removeSync(scratch);
});
if (before.length > 0) throw new Error(`this would remove what is registered here: ${before.join(', ')}`);

const all = emulatorsFor('image', lookAtHost().own);
const emulated = slow ? all.slice(0, SLOW_COUNT) : all;
const directory = slow ? slowEmulators(emulated, scratch) : '/usr/bin';
for (const architecture of emulated) {
  const name = emulatorName(architecture);
  const line = registerLine(
    registrationOf(architecture, { name, interpreter: path.join(directory, name), flags: 'POCF' }),
  );
  fs.writeFileSync(path.join(scratch, `${name}.conf`), `${line}\n`);
}
execute('docker', 'buildx', 'bake', '--progress=quiet', 'image');
fs.copyFileSync(path.join(root, 'build/peer'), path.join(scratch, 'peer'));
fs.writeFileSync(
  path.join(scratch, 'Dockerfile'),
  `FROM scratch
COPY --from=${images.ours} /usr/bin /usr/bin
COPY --from=${images.ours} /usr/lib/binfmt/probes /probes
COPY peer *.conf /
ENTRYPOINT ["/peer", "/probes"]
`,
);
execute('docker', 'buildx', 'build', '--quiet', '--load', '--tag', images.peer, scratch);

const { model = 'an unknown processor' } = os.cpus()[0] ?? {};
const engine = execute('docker', 'version', '--format', '{{.Server.Version}}').toString().trim();
console.log(`${os.availableParallelism()} processors (${model}), Linux ${os.release()}, Docker Engine ${engine}`);
console.log(
  `Medians of ${runs} runs: ratio (this image / the other one)\n\n${HEADER.replace('CPU time', 'CPU time of docker run itself')}`,
);
const slowly = slow ? ['--volume', `${scratch}:${scratch}:ro`, '--env', `QEMU_BINARY_PATH=${directory}`] : [];
const call = (image: string, ...args: string[]) => ['docker', 'run', '--privileged', '--rm', ...slowly, image, ...args];
for (const count of slow ? [SLOW_COUNT] : [1, 3, 9, emulated.length]) {
  const some = emulated.slice(0, count);
  const install = ['--uninstall', 'qemu-*', '--install', some.map(({ name }) => name).join(',')];
  const lines = some.map((architecture) => `${emulatorName(architecture)}.conf`);
  const peerInstall = ['--uninstall', '--install', ...lines];
  time(call(images.ours, ...install));
  const timed = timeInTurn(
    {
      status: call(images.ours),
      peerStatus: call(images.peer),
      install: call(images.ours, ...install),
      peerInstall: call(images.peer, ...peerInstall),
    },
    runs,
  );
  const what = count === 1 ? '1 emulator' : `${count} emulators`;
  console.log(compare(`status, ${what}`, timed, 'status', 'peerStatus'));
  console.log(compare(`removal and installation, ${what}`, timed, 'install', 'peerInstall'));
}

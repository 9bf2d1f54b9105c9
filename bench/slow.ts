/** Stand-ins for emulators on a slow machine, so that what is started twice shows on a fast one too: `--slow`. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseElf } from '../src/core/binfmt/elf.js';
import { type Architecture, emulatorName, PROBE_SUCCESS } from '../src/core/platform/architectures.js';

/** The tables with slow emulators have as many. */
export const SLOW_COUNT = 9;

/** A fixed amount of work, about as long as an emulator starts on a slow machine; then it ends as a test program does. */
const source = 'int main(void) { for (volatile int i = 0; i < 50000000; i++) {} return STATUS; }';

/** Makes them in `dir`, with a manifest, as in the image. Returns their directory. */
export function slowEmulators(architectures: readonly Architecture[], dir: string): string {
  const bin = path.join(dir, 'bin');
  fs.mkdirSync(bin);
  const emulators = architectures.map((architecture) => {
    const file = path.join(bin, emulatorName(architecture));
    const status = architecture.levels ? Object.keys(architecture.levels)[0] : PROBE_SUCCESS;
    const options = ['-static', '-Wl,--build-id', `-DSTATUS=${status}`, '-x', 'c', '-o', file, '-'];
    execFileSync(process.env['CC'] ?? 'cc', options, { input: source });
    const bytes = fs.readFileSync(file);
    return { version: '0', size: bytes.length, buildId: parseElf(bytes)?.buildId };
  });
  fs.mkdirSync(path.join(dir, 'share/binfmt'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'share/binfmt/manifest.json'), JSON.stringify({ emulators }));
  return bin;
}

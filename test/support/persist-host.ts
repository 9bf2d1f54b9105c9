/** A host whose files `--persist` writes: what the tests do with it, and what is then on it. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { addOpenrcService, debianRoot } from './debian-root.js';
import { clearEntries } from './kernel.js';
import { guest } from './machine.js';
import { binfmt, type Ended, must, OLDER_EMULATORS } from './program.js';
import { scratch } from './scratch.js';

export const { name, platform, emulator: entry } = guest;
export const EMULATOR = `usr/local/lib/binfmt/${entry}`;
export const MANIFEST = 'usr/local/lib/binfmt/manifest.json';
export const CONFIGURATION = `etc/binfmt.d/${entry}.conf`;

export const older = { QEMU_BINARY_PATH: OLDER_EMULATORS };
export const hash = (file: string) => crypto.hash('sha256', fs.readFileSync(file));

/** Each test gets a fresh copy of one, and no entries. */
export function onHost(kind: Parameters<typeof debianRoot>[0] = 'debian-root') {
  let root: string;
  const persist = (args: readonly string[], env: NodeJS.ProcessEnv = {}, format = '--persist'): Ended =>
    binfmt([...args, format, '--host', root], env);
  const install = (list = name, env: NodeJS.ProcessEnv = {}) => persist(['--install', list], env);
  const uninstall = (list = name) => persist(['--uninstall', list]);
  const at = (file: string) => path.join(root, file);
  const read = (file: string) => fs.readFileSync(at(file), 'utf8');
  /** All files that this program may write. */
  const written = () =>
    ['usr/local/lib', 'etc/binfmt.d', 'var/lib/binfmts', 'etc/runlevels/boot'].flatMap((directory) =>
      fs.existsSync(at(directory))
        ? fs
            .readdirSync(at(directory), { recursive: true, encoding: 'utf8' })
            .map((each) => `${directory}/${each}`)
            .filter((each) => !fs.lstatSync(at(each)).isDirectory())
        : [],
    );
  /** What a call has done that is killed when it has removed these files. */
  const removeAsKilled = (...removed: readonly string[]) => {
    const { files } = JSON.parse(read(MANIFEST)) as { files: Record<string, string> };
    for (const file of removed) {
      fs.rmSync(at(file));
      delete files[file];
    }
    fs.writeFileSync(at(MANIFEST), JSON.stringify({ files }));
  };
  const isEmulator = (file: string, directory: string) => hash(at(file)) === hash(path.join(directory, entry));

  let prepared: string;
  before(function () {
    this.timeout(120_000);
    prepared = debianRoot(kind);
    if (kind === 'openrc-root') addOpenrcService(prepared);
  });
  beforeEach(() => {
    clearEntries();
    root = path.join(scratch(), 'root');
    must('cp', ['--archive', prepared, root]);
  });
  after(clearEntries);
  return {
    get root() {
      return root;
    },
    ...{ persist, install, uninstall, at, read, written, removeAsKilled, isEmulator },
  };
}

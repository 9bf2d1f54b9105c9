/** A host whose files `--persist` writes: what the tests do with it, and what is then on it. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { registrationOf } from '../../src/core/binfmt/entry.js';
import { filesOfEntry } from '../../src/core/persist/entry-files.js';
import type { PersistFormat } from '../../src/core/persist/formats.js';
import { addOpenrcService, debianRoot, emptyRoot } from './debian-root.js';
import { clearEntries } from './kernel.js';
import { guest, guest2 } from './machine.js';
import { binfmt, type Ended, must, OLDER_EMULATORS } from './program.js';
import { scratch } from './scratch.js';

export const { name, platform, emulator: entry } = guest;
export const EMULATOR = `usr/local/lib/binfmt/${entry}`;
export const CONFIGURATION = `etc/binfmt.d/${entry}.conf`;
export const EMULATOR2 = `usr/local/lib/binfmt/${guest2.emulator}`;
export const CONFIGURATION2 = `etc/binfmt.d/${guest2.emulator}.conf`;
export const MANIFEST = 'usr/local/lib/binfmt/manifest.json';
/** Two platforms, as a LIST. */
export const both = `${name},${guest2.name}`;

export const older = { QEMU_BINARY_PATH: OLDER_EMULATORS };
/** Of files with millions of bytes, which Chai would compare one by one. */
const sameContents = (one: string, other: string) => fs.readFileSync(one).equals(fs.readFileSync(other));

/** What a host reads at boot to register an entry with this interpreter. */
export function configurationOf(format: PersistFormat, interpreter: string): string {
  const registration = registrationOf(guest.architecture, { name: entry, interpreter, flags: 'POCF' });
  const [, configuration] = filesOfEntry(format, registration, '');
  return configuration && 'text' in configuration ? configuration.text : '';
}

/**
 * Each test gets a fresh host, and no entries. `kind`: with Debian's own programs, for tests that start them. Otherwise
 * the host has only the file by which binfmt recognises systemd. The files in its /usr are hard links, which are
 * cheap: tests may remove and replace them, and never write into them.
 */
export function onHost(kind?: 'debian-root' | 'openrc-root') {
  let root: string;
  const persist = (args: readonly string[], env: NodeJS.ProcessEnv = {}, format = '--persist'): Ended =>
    binfmt([...args, format, '--host', root], env);
  const install = (list = name, env: NodeJS.ProcessEnv = {}) => persist(['--install', list], env);
  const uninstall = (list = name) => persist(['--uninstall', list]);
  const at = (file: string) => path.join(root, file);
  const read = (file: string) => fs.readFileSync(at(file), 'utf8');
  const write = (file: string, text: string) => {
    fs.mkdirSync(path.dirname(at(file)), { recursive: true });
    fs.writeFileSync(at(file), text);
  };
  /** All files that binfmt may write. */
  const written = () =>
    ['usr/local/lib', 'etc/binfmt.d', 'var/lib/binfmts', 'etc/runlevels/boot'].flatMap((directory) =>
      fs.existsSync(at(directory))
        ? fs
            .readdirSync(at(directory), { recursive: true, encoding: 'utf8' })
            .map((each) => `${directory}/${each}`)
            .filter((each) => !fs.lstatSync(at(each)).isDirectory())
        : [],
    );
  /** What the distribution or the administrator has: another emulator, and its configuration. */
  const writeTheirs = (file: string, text = configurationOf('systemd', '/usr/bin/theirs')) => {
    fs.copyFileSync(path.join(OLDER_EMULATORS, entry), at('usr/bin/theirs'));
    write(file, text);
  };
  /** As a call leaves it that is killed: it lists what is not removed yet. */
  const writeManifest = (files: Record<string, string>) => write(MANIFEST, JSON.stringify({ files }));
  const isEmulator = (file: string, directory: string) =>
    sameContents(at(file), path.join(directory, path.basename(file)));

  let prepared: string;
  const linked = () => must('find', [path.join(prepared, 'usr'), '-type', 'f', '-printf', '%p %m %s %T@\n']);
  let untouched: string;
  before(function () {
    this.timeout(120_000);
    prepared = kind ? debianRoot(kind) : emptyRoot();
    if (kind === 'openrc-root') addOpenrcService(prepared);
    if (!kind) {
      fs.mkdirSync(path.join(prepared, 'usr/lib/systemd'), { recursive: true });
      fs.writeFileSync(path.join(prepared, 'usr/lib/systemd/systemd-binfmt'), '');
    }
    untouched = linked();
  });
  beforeEach(() => {
    clearEntries();
    root = path.join(scratch(), 'root');
    fs.mkdirSync(root);
    const rest = fs.readdirSync(prepared).filter((each) => each !== 'usr');
    must('cp', ['--archive', ...rest.map((each) => path.join(prepared, each)), root]);
    must('cp', ['--archive', '--link', path.join(prepared, 'usr'), root]);
  });
  after(() => {
    clearEntries();
    expect(linked(), 'files that all tests share, which none may change in place').to.equal(untouched);
  });
  return {
    get root() {
      return root;
    },
    ...{ persist, install, uninstall, at, read, write, written, writeTheirs, writeManifest, isEmulator },
  };
}

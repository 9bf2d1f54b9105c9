import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { exportedFiles } from '../../src/core/persist/entry-files.js';
import { long } from '../support/long.js';
import { guest, guest2, guest3, guest4, native, own } from '../support/machine.js';
import {
  binfmt,
  EMULATORS,
  type Ended,
  lastLine,
  must,
  OLDER_EMULATORS,
  PROGRAM,
  run,
  shell,
  shippedVersion,
} from '../support/program.js';
import { compile, dynamicEmulator } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const { name, emulator: entry } = guest;
const EMULATOR = `usr/local/lib/binfmt/${entry}`;
const CONFIGURATION = `etc/binfmt.d/${entry}.conf`;
const MANIFEST = 'usr/local/lib/binfmt/manifest.json';
const files = (dir: string) =>
  fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => fs.statSync(path.join(dir, name)).isFile())
    .sort();
const exported = (dir: string, ...words: string[]) => binfmt(['export', ...words, '--root', dir]);

describe('export --root', () => {
  it('writes its files and the next step, can be repeated, and overwrites a changed file only with --force', () => {
    const dir = path.join(scratch(), 'new/root');
    const ended = exported(dir, 'systemd', name);
    expect(ended).to.include({ exit: 0, stdout: '' });
    expect(ended.stderr).to.match(new RegExp(`^exporting: ${name} OK\nnext: `));
    expect(files(dir)).to.deep.equal([CONFIGURATION, MANIFEST, EMULATOR].sort());
    expect(must('cmp', [path.join(dir, EMULATOR), path.join(EMULATORS, entry)])).to.equal('');
    expect(fs.statSync(path.join(dir, EMULATOR)).mode & 0o7777).to.equal(0o755);

    expect(exported(dir, 'systemd', `${name},${guest2.name}`).exit).to.equal(0);
    const file = path.join(dir, CONFIGURATION);
    fs.writeFileSync(file, '# mine\n');
    const refused = exported(dir, 'systemd', `${name},${guest3.name}`);
    expect(refused.exit).to.equal(1);
    expect(lastLine(refused.stderr)).to.contain(`"${file}"`).and.contain('--force');
    expect(fs.readFileSync(file, 'utf8')).to.equal('# mine\n');
    expect(files(dir).join()).not.to.contain(guest3.emulator);
    expect(exported(dir, 'systemd', name, '--force').exit).to.equal(0);
    expect(fs.readFileSync(file, 'utf8')).to.match(new RegExp(`^:${entry}:M:`));
  });

  for (const [format, configuration] of [
    ['openrc', [CONFIGURATION]],
    ['debian', [`usr/share/binfmts/${entry}`]],
    ['nixos', []],
    ['none', []],
  ] as const) {
    it(`has these files for ${format}`, () => {
      const emulator = { architecture: guest.architecture, source: path.join(EMULATORS, entry), flags: 'POCF' };
      const paths = exportedFiles(format, [emulator]).map((file) => file.path);
      expect(paths).to.have.members([EMULATOR, ...configuration]);
    });
  }

  it('replaces the files of an older export', () => {
    const dir = scratch();
    const older = { QEMU_BINARY_PATH: OLDER_EMULATORS };
    expect(binfmt(['export', 'none', name, '--root', dir], older).exit).to.equal(0);
    expect(exported(dir, 'none', name).exit).to.equal(0);
    const replaced = must(path.join(dir, 'usr/local/lib/binfmt', entry), ['--version']);
    // Debian's own name follows after a blank; where there is none, the line ends.
    expect(replaced.split(/\s/)).to.include.members(['version', shippedVersion()]);
  });

  it('leaves out architectures that the machine runs natively', () => {
    const dir = scratch();
    const ended = exported(dir, 'systemd', [name, ...[...native.keys()].map((each) => each.name)].join());
    for (const each of native.keys()) {
      expect(ended.stderr).to.contain(`exporting: ${each.name} OK (this machine runs it natively, left out)`);
    }
    const configurations = files(dir).filter((file) => file.endsWith('.conf'));
    expect(configurations).to.deep.equal([`etc/binfmt.d/${entry}.conf`]);
  });

  it('says that there is nothing to export for what this machine runs natively', () => {
    expect(binfmt(['export', 'systemd', own.name])).to.deep.equal({
      exit: 1,
      stdout: '',
      stderr: [
        `exporting: ${own.name} OK (this machine runs it natively, left out)`,
        `binfmt: nothing to export: this machine runs ${own.name} without an emulator\n`,
      ].join('\n'),
    });
  });

  it('says that there is nothing to export if there are no emulators', () => {
    const directory = scratch();
    const ended = binfmt(['export', 'systemd', 'all'], { QEMU_BINARY_PATH: directory });
    expect(ended).to.include({ exit: 1, stdout: '' });
    expect(ended.stderr).to.match(
      /^binfmt: nothing to export: there is no qemu-\* emulator in \/.*; set QEMU_BINARY_PATH .*\n$/,
    );
    expect(ended.stderr).to.contain(directory);
  });

  it('writes nothing if a requested emulator is missing or unusable', () => {
    const dir = scratch();
    expect(exported(dir, 'systemd', `${name},mainframe`).exit).to.equal(1);
    const emulators = scratch();
    fs.copyFileSync(dynamicEmulator(), path.join(emulators, entry));
    const dynamic = binfmt(['export', 'systemd', name, '--root', dir], { QEMU_BINARY_PATH: emulators });
    expect(lastLine(dynamic.stderr)).to.contain('is dynamically linked');
    expect(files(dir)).to.deep.equal([]);
  });

  it('leaves nothing of its own if a directory is in the place of a file, even with --force', () => {
    const dir = scratch();
    fs.mkdirSync(path.join(dir, CONFIGURATION), { recursive: true });
    const ended = exported(dir, 'systemd', `${name},${guest2.name}`, '--force');
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.equal(`binfmt: cannot write to "${path.join(dir, 'etc/binfmt.d')}" (EISDIR)`);
    expect(files(dir)).to.deep.equal([]);
    expect(fs.readdirSync(path.join(dir, 'etc/binfmt.d'))).to.deep.equal([`${entry}.conf`]);
  });

  it('leaves nothing if a signal ends it before all files are complete', async () => {
    const env = { ...process.env, QEMU_BINARY_PATH: EMULATORS };
    const names = [guest, guest2, guest3, guest4].map((each) => each.name);
    let dir: string;
    do {
      dir = scratch();
      const directory = path.join(dir, path.dirname(EMULATOR));
      fs.mkdirSync(directory, { recursive: true });
      const watcher = fs.watch(directory, () => exporting.kill('SIGTERM'));
      const exporting = spawn(PROGRAM, ['export', 'systemd', ...names, '--root', dir], { env, stdio: 'ignore' });
      await once(exporting, 'exit');
      watcher.close();
      expect(files(dir).filter((file) => file.endsWith('.new'))).to.deep.equal([]);
      // The signal came too late if files have their names already.
    } while (fs.existsSync(path.join(dir, MANIFEST)));
    expect(files(dir)).to.deep.equal([]);
  });

  it('names the directory that it cannot write to', () => {
    const ended = exported('/proc/nonexistent', 'none', name);
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.equal(
      'binfmt: cannot write to "/proc/nonexistent" (ENOENT: a part of the path does not exist, or is a symbolic link out of the directory)',
    );
  });

  it('fails if the reader of the archive ends early', () => {
    const ended = shell(`set +o pipefail; { ${PROGRAM} export none ${name} || echo $? >&2; } | head -c 1 >/dev/null`, {
      QEMU_BINARY_PATH: EMULATORS,
    });
    expect(ended.stderr)
      .to.contain('was not read to its end\n')
      .and.match(/\n1\n$/);
  });
});

/** Runs a program for which openat2(2) fails: `program ERRNO COMMAND...`. */
const WITHOUT_OPENAT2 = `
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | atoi(argv[1])),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 125;
  execv(argv[2], argv + 2);
  return argc ? 126 : 0;
}`;

/** Exchanges two names for ever: \`program ONE OTHER\`. */
const EXCHANGE = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
int main(int argc, char **argv) {
  while (argc == 3 && renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) == 0) {}
  perror("renameat2");
  return 1;
}`;

/** From a link at `name` below the root directory of a tree to an absolute path outside of the tree. */
const relative = (name: string, outside: string) => `${'../'.repeat(name.split('/').length + 20)}${outside.slice(1)}`;

function link(dir: string, name: string, target: string): void {
  fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
  fs.symlinkSync(target, path.join(dir, name));
}

describe('export --root into a tree that others change', () => {
  let withoutOpenat2: string;
  let exchange: string;
  before(() => {
    withoutOpenat2 = compile(WITHOUT_OPENAT2);
    exchange = compile(EXCHANGE);
  });
  const exportTo = (dir: string) => exported(dir, 'systemd', name);
  const exportWithout = (errno: number, dir: string) =>
    run(withoutOpenat2, [String(errno), PROGRAM, 'export', 'systemd', name, '--root', dir], {
      QEMU_BINARY_PATH: EMULATORS,
    });

  it('writes into a tree without links if the kernel has no openat2, or an old seccomp profile forbids it', () => {
    const dir = path.join(scratch(), 'new/root');
    for (const errno of [os.constants.errno.ENOSYS, os.constants.errno.EPERM]) {
      expect(exportWithout(errno, dir)).to.include({ exit: 0 });
      expect(files(dir)).to.deep.equal([CONFIGURATION, MANIFEST, EMULATOR].sort());
    }
  });

  const kernels: readonly [string, (dir: string) => Ended, string, readonly string[]][] = [
    ['with openat2', (dir) => exportTo(dir), 'ENOENT', ['usr/local', 'usr/local/lib/binfmt', 'etc/binfmt.d']],
    [
      'without openat2',
      (dir) => exportWithout(os.constants.errno.ENOSYS, dir),
      'ELOOP',
      ['usr', 'usr/local', 'usr/local/lib', 'usr/local/lib/binfmt', 'etc/binfmt.d'],
    ],
  ];

  for (const [kernel, exporting, errno, levels] of kernels) {
    for (const [i, level] of levels.entries()) {
      const target = i % 2 ? 'an absolute link' : 'a relative link';
      it(`never follows ${target} at ${level} out of the tree, ${kernel}`, () => {
        const outside = scratch();
        const dir = scratch();
        link(dir, level, i % 2 ? outside : relative(level, outside));
        const ended = exporting(dir);
        expect(ended.exit).to.equal(1);
        expect(lastLine(ended.stderr)).to.match(
          new RegExp(`cannot write to "${dir}/${level}.*" \\(${errno}: .*a symbolic link.*\\)$`),
        );
        expect(fs.readdirSync(outside)).to.deep.equal([]);
      });
    }

    for (const level of ['usr/local', 'usr/local/lib/binfmt']) {
      it(`never writes outside while ${level} is exchanged with a link, ${kernel}`, async function () {
        this.timeout(120_000);
        const outside = scratch();
        const dir = scratch();
        fs.mkdirSync(path.join(dir, 'usr/local/lib/binfmt'), { recursive: true });
        const bait = `${level}-link`;
        link(dir, bait, relative(bait, outside));
        const exchanging = spawn(exchange, [path.join(dir, level), path.join(dir, bait)]);
        const ended = once(exchanging, 'exit');
        const exits = Array.from({ length: long ? 15 : 2 }, () => exporting(dir).exit);
        exchanging.kill();
        expect(await ended, 'the exchange, which never ends by itself').to.deep.equal([null, 'SIGTERM']);
        expect(exits.filter((exit) => exit !== 0 && exit !== 1)).to.deep.equal([]);
        expect(fs.readdirSync(outside)).to.deep.equal([]);
      });
    }
  }

  for (const target of ['/var/usrlocal', '../var/usrlocal', '../../../../var/usrlocal']) {
    it(`follows the link ${target} as it would lead if the tree were the root directory`, () => {
      const dir = scratch();
      fs.mkdirSync(path.join(dir, 'var/usrlocal'), { recursive: true });
      link(dir, 'usr/local', target);
      expect(exportTo(dir)).to.include({ exit: 0 });
      expect(fs.readdirSync(path.join(dir, 'var/usrlocal/lib/binfmt'))).to.include(entry);
    });
  }

  it('refuses links and a FIFO in the places of files, and replaces them with --force', () => {
    const dir = scratch();
    const outside = scratch();
    const [file, directory] = [path.join(outside, 'file'), path.join(outside, 'directory')];
    fs.writeFileSync(file, 'untouched');
    fs.mkdirSync(directory);
    link(dir, MANIFEST, file);
    link(dir, CONFIGURATION, directory);
    // Not even to a file with the very contents.
    link(dir, EMULATOR, path.join(EMULATORS, entry));
    const fifo = `etc/binfmt.d/${guest2.emulator}.conf`;
    must('mkfifo', [path.join(dir, fifo)]);
    const all = [MANIFEST, CONFIGURATION, EMULATOR, fifo];
    const refused = exported(dir, 'systemd', `${name},${guest2.name}`);
    expect(refused.exit).to.equal(1);
    for (const each of all) expect(lastLine(refused.stderr)).to.contain(`"${path.join(dir, each)}"`);
    expect(lastLine(refused.stderr)).to.contain('--force');
    expect(exported(dir, 'systemd', `${name},${guest2.name}`, '--force')).to.include({ exit: 0 });
    for (const each of all) expect(fs.lstatSync(path.join(dir, each)).isFile()).to.equal(true);
    expect(fs.readFileSync(file, 'utf8')).to.equal('untouched');
    expect(fs.readdirSync(directory)).to.deep.equal([]);
  });
});

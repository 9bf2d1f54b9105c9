/** Programs of every architecture that Debian has a compiler for. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { FULL_IMAGE, mustDocker, onCleanHost, privileged, programsImage, unpackImage } from '../support/docker.js';
import { guest, own } from '../support/machine.js';
import { EMULATORS, must, ROOT, run } from '../support/program.js';
import { scratch } from '../support/scratch.js';

/** What `uname -m` prints in each: QEMU's name of the machine. */
const machines: Readonly<Record<string, RegExp>> = {
  '386': /^i[3-6]86|x86_64$/,
  amd64: /^x86_64$/,
  alpha: /^alpha$/,
  arm: /^armv\d+l$/,
  arm64: /^aarch64$/,
  hppa: /^parisc$/,
  loong64: /^loongarch64$/,
  m68k: /^m68k$/,
  mips: /^mips$/,
  mips64: /^mips64$/,
  mips64le: /^mips64$/,
  mipsle: /^mips$/,
  ppc: /^ppc$/,
  ppc64: /^ppc64$/,
  ppc64le: /^ppc64le$/,
  riscv64: /^riscv64$/,
  s390x: /^s390x$/,
  sh4: /^sh4$/,
  sparc64: /^sparc64$/,
};

describe('static C programs', () => {
  onCleanHost();
  const dir = scratch();
  const directory = path.join(dir, 'files');
  let compiled: readonly string[];

  before(() => {
    unpackImage(programsImage(), `linux/${own.name}`, directory);
    // In the order of the shell.
    const names = fs.readdirSync(directory).sort();
    compiled = names.filter((name) => fs.existsSync(path.join(directory, name, 'hello')));
    expect(compiled).to.include(guest.name);
    expect(privileged(['--install', 'all'], FULL_IMAGE).exit).to.equal(0);
    // For everyone to read.
    fs.chmodSync(dir, 0o755);
    must('cp', ['-r', path.join(ROOT, 'dist'), EMULATORS, dir]);
  });

  /** What the program of each architecture prints, one after the other, in one container. */
  const all = (program: string, ...args: string[]) => {
    const script = 'program=$1; shift; for each in /programs/*/"$program"; do "$each" "$@" || echo "$each: $?"; done';
    const shell = ['sh', '-c', script, 'sh', program, ...args];
    return mustDocker('run', '--rm', '--volume', `${directory}:/programs:ro`, 'debian:trixie-slim', ...shell);
  };

  it('run in a container', () => {
    const lines = all('hello', 'a b').trimEnd().split('\n');
    expect(lines).to.have.length(compiled.length);
    lines.forEach((line, i) => {
      expect(line.split(' ')[0], line).to.match(machines[compiled[i] ?? ''] ?? /no machine is known/);
      expect(line).to.match(/ argv\[0\]=\/programs\/.*\/hello argv\[1\]=a b$/);
    });
  });

  it('open files with openat2, as tar of Ubuntu 26.04 does', () => {
    expect(all('openat2')).to.equal('');
  });

  it('jump to code on another page, and see each change of that page', () => {
    expect(all('jumps')).to.equal('');
  });

  it('run with binfmt run, without privileges', () => {
    const environment = { QEMU_BINARY_PATH: path.join(dir, 'bin') };
    const unprivileged = ['--reuid', '4321', '--regid', '4321', '--clear-groups', `${dir}/dist/binfmt`, 'run'];
    for (const name of compiled) {
      const program = path.join(directory, name, 'hello');
      const ended = run('setpriv', [...unprivileged, name, '--', program, 'world'], environment);
      expect(ended, name).to.include({ exit: 0, stderr: '' });
      expect(ended.stdout, name).to.contain('argv[1]=world');
    }
  });
});

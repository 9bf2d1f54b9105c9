import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  busyboxImage,
  docker,
  FULL_IMAGE,
  filesOfImage,
  mountOnHost,
  privileged,
  programsImage,
  uninstallAll,
} from '../support/docker.js';
import { guest } from '../support/machine.js';

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

const hello = `/${guest.name}/hello`;

describe('foreign containers', () => {
  let restore = () => {};
  let programs: string;
  let directory: string;
  let compiled: readonly string[];
  const install = (...options: string[]) =>
    expect(privileged(['--install', 'all', ...options], FULL_IMAGE).exit).to.equal(0);

  before(() => {
    programs = programsImage();
    directory = filesOfImage(programs);
    // In the order of the shell.
    const names = fs.readdirSync(directory).sort();
    compiled = names.filter((name) => fs.existsSync(path.join(directory, name, 'hello')));
    expect(compiled).to.include(guest.name);
    restore = mountOnHost();
    uninstallAll();
    install();
  });
  after(() => {
    uninstallAll();
    restore();
  });

  for (const [architecture, platform, machine] of [
    ['arm64', 'linux/arm64', 'aarch64'],
    ['armhf', 'linux/arm/v7', 'armv7l'],
    ['riscv64', 'linux/riscv64', 'riscv64'],
    ['ppc64el', 'linux/ppc64le', 'ppc64le'],
    ['s390x', 'linux/s390x', 's390x'],
    ['amd64', 'linux/amd64', 'x86_64'],
  ] as const) {
    it(`for ${platform} run busybox and a shell`, () => {
      const image = busyboxImage(architecture, platform);
      const { stdout, stderr } = docker(
        'run',
        '--rm',
        '--platform',
        platform,
        image,
        'sh',
        '-c',
        'uname -m; echo "$0"',
      );
      expect(stdout, stderr).to.match(new RegExp(`^${machine.replace('v7l', 'v\\dl')}\nsh\n$`));
    });
  }

  /** What the program of each architecture prints, one after the other, in one container. */
  const all = (program: string, ...args: string[]) => {
    const script = 'program=$1; shift; for each in /programs/*/"$program"; do "$each" "$@" || echo "$each: $?"; done';
    const shell = ['sh', '-c', script, 'sh', program, ...args];
    return docker('run', '--rm', '--volume', `${directory}:/programs:ro`, 'debian:trixie-slim', ...shell).stdout;
  };

  it('run static C programs of every architecture that Debian has a compiler for', () => {
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

  it('see argv[0] as they were called, except with --no-preserve-argv0', () => {
    const called = () => docker('run', '--rm', programs, '/exec', hello, 'my-name', 'x').stdout;
    expect(called()).to.contain('argv[0]=my-name argv[1]=x');
    install('--no-preserve-argv0');
    expect(called()).to.contain(`argv[0]=${hello} argv[1]=x`);
    install();
    expect(called()).to.contain('argv[0]=my-name argv[1]=x');
  });

  it('run setuid programs with their privileges, except with --no-credentials or no-new-privileges', () => {
    const setuid = (...options: string[]) =>
      docker('run', '--rm', '--user', '1000', ...options, programs, `${hello}-setuid`).stdout;
    expect(setuid()).to.contain('euid=0');
    expect(setuid('--security-opt', 'no-new-privileges')).to.contain('euid=1000');
    install('--no-credentials');
    expect(setuid()).to.contain('euid=1000');
    install();
    expect(setuid()).to.contain('euid=0');
  });
});

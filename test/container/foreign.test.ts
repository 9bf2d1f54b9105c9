import fs from 'node:fs';
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
import { skipBecause } from '../support/skip.js';

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
  let compiled: readonly string[];
  const install = (...options: string[]) =>
    expect(privileged(['--install', 'all', ...options], FULL_IMAGE).exit).to.equal(0);

  before(() => {
    programs = programsImage();
    compiled = fs.readdirSync(filesOfImage(programs));
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

  for (const [architecture, machine] of Object.entries(machines)) {
    it(`for ${architecture} run a static C program and need nothing else`, function () {
      if (!compiled.includes(architecture)) skipBecause(this, `Debian has no compiler for ${architecture} here`);
      const { stdout, stderr } = docker('run', '--rm', programs, `/${architecture}/hello`, 'a b');
      expect(stdout.split(' ')[0], stderr).to.match(machine);
      expect(stdout).to.contain(`argv[0]=/${architecture}/hello argv[1]=a b\n`);
    });
  }

  for (const architecture of Object.keys(machines)) {
    it(`for ${architecture} open files with openat2, as tar of Ubuntu 26.04 does`, function () {
      if (!compiled.includes(architecture)) skipBecause(this, `Debian has no compiler for ${architecture} here`);
      const ended = docker('run', '--rm', programs, `/${architecture}/openat2`);
      expect(ended).to.deep.include({ exit: 0, stdout: '' });
    });
  }

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

import { expect } from 'chai';
import { busyboxImage, docker, onCleanHost, privileged, programsImage } from '../support/docker.js';
import { guest } from '../support/machine.js';

const hello = `/${guest.name}/hello`;

describe('foreign containers', () => {
  onCleanHost();
  let programs: string;
  const install = (...options: string[]) => expect(privileged(['--install', 'all', ...options]).exit).to.equal(0);

  before(() => {
    programs = programsImage(guest.name);
    install();
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

  it('jump to code on another page, and see each change of that page', () => {
    expect(docker('run', '--rm', programs, `/${guest.name}/jumps`)).to.deep.equal({ exit: 0, stdout: '', stderr: '' });
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

import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { docker, IMAGE, mountOnHost, onCleanHost, privileged, uninstallAll } from '../support/docker.js';
import { entryNames, entryText } from '../support/kernel.js';
import { type Ended, lastLine, must, run, statusIn } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const imagePlatforms = [
  'arm64',
  'riscv64',
  'ppc64',
  'ppc64le',
  's390x',
  'mips64le',
  'mips64',
  'loong64',
  'arm/v7',
  'arm/v6',
];

describe('the callers of the image', () => {
  onCleanHost();
  beforeEach(() => uninstallAll());

  const good = (ended: Ended) => {
    expect(ended.exit, ended.stderr).to.equal(0);
    return statusIn(ended);
  };

  describe('people and scripts', () => {
    it('--install all', () => {
      const ended = privileged(['--install', 'all']);
      const { supported } = good(ended);
      const own = supported.indexOf('linux/arm64');
      const levels = ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3', 'linux/amd64/v4'];
      expect(supported.slice(0, own)).to.deep.equal(levels.slice(0, own));
      for (const platform of imagePlatforms) expect(supported).to.include(`linux/${platform}`);
      expect(ended.stderr).to.contain('installing: arm64 OK\n');
      expect(entryText('qemu-aarch64')).to.contain('interpreter /usr/bin/qemu-aarch64\nflags: POCF\n');
    });

    it('--install arm64,riscv64, and again: untouched, since it is this version', () => {
      expect(good(privileged(['--install', 'arm64,riscv64'])).emulators).to.deep.equal([
        'qemu-aarch64',
        'qemu-riscv64',
      ]);
      const again = privileged(['--install', 'arm64,riscv64']);
      good(again);
      expect(again.stderr).to.match(
        /^installing: arm64 OK \(already registered, QEMU 11\.\S+\)\ninstalling: riscv64 OK \(al/,
      );
    });

    it('--install linux/arm/v7', () => {
      expect(good(privileged(['--install', 'linux/arm/v7'])).supported).to.include('linux/arm/v7');
    });

    for (const list of ['qemu-aarch64', 'qemu-*', 'arm64,riscv64', 'all']) {
      it(`--uninstall ${list}`, () => {
        good(privileged(['-install', 'arm64']));
        const ended = privileged(['--uninstall', list]);
        expect(good(ended).emulators).to.deep.equal([]);
        expect(ended.stderr).to.contain('uninstalling: qemu-aarch64 OK\n');
      });
    }

    it('no arguments', () => {
      const ended = privileged([]);
      expect(good(ended).supported.slice(0, 1)).to.deep.equal(['linux/amd64']);
      expect(ended.stderr).to.equal('');
    });

    it('--version', () => {
      for (const dashes of ['-', '--']) {
        const { stdout, exit } = privileged([`${dashes}version`]);
        expect(stdout).to.match(/^binfmt\/\S+ qemu\/11\.\d+\.\d+ node\/24\.\d+\.\d+\n$/);
        expect(exit).to.equal(0);
      }
    });

    it('--uninstall X --install Y: status after both', () => {
      good(privileged(['--install', 'arm64']));
      const ended = privileged(['--uninstall', 'arm64', '--install', 's390x']);
      expect(good(ended).emulators).to.deep.equal(['qemu-s390x']);
      expect(ended.stderr).to.equal('uninstalling: qemu-aarch64 OK\ninstalling: s390x OK\n');
    });

    it('QEMU_BINARY_PATH, QEMU_BINARY_PREFIX, QEMU_PRESERVE_ARGV0, --mount', () => {
      const dir = scratch();
      const id = must('docker', ['create', IMAGE]).trim();
      must('docker', ['cp', `${id}:/usr/bin/qemu-s390x`, path.join(dir, 'x-qemu-s390x')]);
      must('docker', ['rm', id]);
      const env = ['-e', 'QEMU_BINARY_PATH=/e', '-e', 'QEMU_BINARY_PREFIX=x-', '-e', 'QEMU_PRESERVE_ARGV0=0'];
      const args = ['--privileged', '--rm', '-v', `${dir}:/e`, ...env, IMAGE, '--mount', '/tmp', '--install', 'all'];
      expect(good(docker('run', ...args)).emulators).to.deep.equal(['x-qemu-s390x']);
      expect(entryText('x-qemu-s390x')).to.contain('interpreter /e/x-qemu-s390x\nflags: OCF\n');
      good(privileged(['--uninstall', 'x-qemu-s390x']));
    });
  });

  it('docker/setup-qemu-action: its calls in its order, on a fresh machine', () => {
    expect(docker('image', 'inspect', IMAGE).exit).to.equal(0);
    const step = (...args: string[]) => {
      const ended = docker('run', '--rm', '--privileged', IMAGE, ...args);
      // A step fails only if the exit status is not 0 and stderr is not empty.
      expect(ended.exit, lastLine(ended.stderr)).to.equal(0);
      return ended.stdout;
    };
    step('--version');
    step('--uninstall', 'qemu-*');
    step('--install', 'arm64,arm');
    expect(JSON.parse(step()).supported).to.include.members(['linux/arm64', 'linux/arm/v7', 'linux/arm/v6']);
  });

  it("docker/setup-qemu-action: a failure's last line is the cause", () => {
    const ended = privileged(['--install', 'arm64,nonsense']);
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.contain('unknown platform: "nonsense"');
    statusIn(ended);
  });

  it("docker/buildx, kubernetes driver: its init container's arguments", () => {
    good(docker('run', '--rm', '--privileged', IMAGE, '--install', 'all'));
    expect(entryNames()).to.include('qemu-aarch64');
  });

  it('compose: command and privileged, as people have it', () => {
    const file = path.join(scratch(), 'compose.yaml');
    fs.writeFileSync(
      file,
      `services:\n  binfmt:\n    image: ${IMAGE}\n    privileged: true\n    command: --install all\n`,
    );
    const { exit, stdout, stderr } = run('docker', ['compose', '-f', file, 'up', '--exit-code-from', 'binfmt']);
    run('docker', ['compose', '-f', file, 'down']);
    expect(exit, stderr).to.equal(0);
    expect(stdout + stderr)
      .to.contain('installing: arm64 OK')
      .and.contain('"linux/s390x"');
  });
});

describe('without privileges', () => {
  it('the status still answers, from probes; one line says why the entries are unknown', () => {
    for (const options of [
      [],
      ['--read-only', '--cap-drop', 'ALL'],
      ['--user', '1000', '--cap-drop', 'ALL', '--read-only'],
    ]) {
      const ended = docker('run', '--rm', ...options, IMAGE);
      expect(ended.exit).to.equal(0);
      expect(statusIn(ended).supported).to.include.members(['linux/amd64', 'linux/386']);
      expect(ended.stderr).to.match(/^binfmt: entries cannot be read: .*EPERM.*\n$/);
    }
  });

  it('an installation fails with status 3, one line, and a valid status', () => {
    const ended = docker('run', '--rm', IMAGE, '--install', 'all');
    expect(ended.exit).to.equal(3);
    expect(ended.stderr).to.match(/^binfmt: cannot mount binfmt_misc .*EPERM.*--privileged.*\n$/);
    statusIn(ended);
  });

  it("the host's binfmt_misc as a bind mount is enough, without a capability", () => {
    const restore = mountOnHost();
    try {
      const least = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
      const bind = ['-v', '/proc/sys/fs/binfmt_misc:/binfmt_misc'];
      const ended = docker('run', '--rm', ...least, ...bind, IMAGE, '--install', 'arm64');
      expect(ended).to.include({ exit: 0, stderr: 'installing: arm64 OK\n' });
      expect(statusIn(ended).supported).to.include('linux/arm64');
      const removed = docker('run', '--rm', ...least, ...bind, IMAGE, '--uninstall', 'arm64');
      expect(removed).to.include({ exit: 0, stderr: 'uninstalling: qemu-aarch64 OK\n' });
      const readOnly = docker('run', '--rm', ...least, '-v', `${bind[1]}:ro`, IMAGE, '--install', 'arm64');
      expect(readOnly.exit).to.equal(3);
      expect(readOnly.stderr).to.match(
        /^binfmt: cannot write to \/binfmt_misc\/register: read-only file system \(EROFS\)/,
      );
    } finally {
      uninstallAll();
      restore();
    }
  });
});

describe('the image', () => {
  it('has no shell, and nothing on the standard paths that a foreign program could use', () => {
    const id = must('docker', ['create', IMAGE]).trim();
    const files = must('bash', ['-c', `docker export ${id} | tar t`]).split('\n');
    must('docker', ['rm', id]);
    expect(files.filter((name) => /(^|\/)(sh|bash|busybox|dash)$/.test(name))).to.deep.equal([]);
    expect(
      files.filter((name) => /^(usr\/)?lib(64|32)?\//.test(name) && !/^usr\/lib\/($|binfmt\/)/.test(name)),
    ).to.deep.equal([]);
    for (const name of ['qemu-user', 'libc6', 'libstdc++6', 'libgcc-s1', 'minimist']) {
      expect(files).to.include(`usr/share/doc/${name}/copyright`);
    }
  });

  it('has a manifest that names each emulator, its origin and its sum', () => {
    const id = must('docker', ['create', IMAGE]).trim();
    const dir = scratch();
    must('docker', ['cp', `${id}:/usr`, dir]);
    must('docker', ['rm', id]);
    const { emulators } = JSON.parse(fs.readFileSync(path.join(dir, 'usr/share/binfmt/manifest.json'), 'utf8'));
    const shipped = fs.readdirSync(path.join(dir, 'usr/bin')).filter((name) => name.startsWith('qemu-'));
    expect(emulators.map(({ name }: { name: string }) => name).sort()).to.deep.equal(shipped.sort());
    for (const { name, sha256, version, source } of emulators) {
      expect(must('sha256sum', [path.join(dir, 'usr/bin', name)])).to.contain(sha256);
      expect(version).to.match(/^11\./);
      expect(source).to.equal('qemu');
    }
  });

  it('has OCI labels', () => {
    const labels = JSON.parse(must('docker', ['image', 'inspect', '--format', '{{json .Config.Labels}}', IMAGE]));
    expect(labels).to.include({ 'org.opencontainers.image.title': 'binfmt' });
    expect(labels['org.opencontainers.image.revision']).to.match(/\S/);
  });
});

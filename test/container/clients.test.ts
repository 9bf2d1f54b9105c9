import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import type { EmulatorManifest } from '../../qemu/manifest.js';
import {
  buildImage,
  composeProject,
  docker,
  filesOfImage,
  IMAGE,
  LABEL,
  mountOnHost,
  mustDocker,
  onCleanHost,
  privileged,
  uninstallAll,
} from '../support/docker.js';
import { commandsInLine, expectWhole, pasted } from '../support/doctor.js';
import { entryNames, entryText, MOUNT } from '../support/kernel.js';
import { guest, guest2, guest3, nativePlatforms, ownPlatforms, variantGuest } from '../support/machine.js';
import { type Ended, lastLine, must, qemuVersion, ROOT, statusIn } from '../support/program.js';
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

const { name, platform, emulator: entry } = guest;
const emulatorsOfBoth = [guest.emulator, guest3.emulator].sort();

describe('the image, as its clients call it', () => {
  onCleanHost();
  beforeEach(() => uninstallAll());

  const good = (ended: Ended) => {
    expect(ended.exit, ended.stderr).to.equal(0);
    return statusIn(ended);
  };

  describe('by people and scripts', () => {
    it('--install all registers every emulator of the image', () => {
      const ended = privileged(['--install', 'all']);
      const { supported } = good(ended);
      expect(supported.slice(0, ownPlatforms.length)).to.deep.equal(ownPlatforms);
      expect(supported).to.include.members(nativePlatforms);
      expect(supported).to.include.members(imagePlatforms.map((each) => `linux/${each}`));
      expect(ended.stderr).to.contain(`installing: ${name} OK\n`);
      expect(entryText(entry)).to.contain(`interpreter /usr/bin/${entry}\nflags: POCF\n`);
    });

    it('--install of what is registered already changes nothing, and says so', () => {
      const list = `${name},${guest3.name}`;
      expect(good(privileged(['--install', list])).emulators).to.deep.equal(emulatorsOfBoth);
      const again = privileged(['--install', list]);
      good(again);
      const note = `OK (already registered, QEMU ${versionInImage()})\n`;
      expect(again.stderr).to.equal(`installing: ${name} ${note}installing: ${guest3.name} ${note}`);
    });

    const variant = `${variantGuest.platform}/v${variantGuest.higher}`;
    it(`--install ${variant} makes that variant run`, () => {
      expect(good(privileged(['--install', variant])).supported).to.include(variant);
    });

    for (const list of [entry, 'qemu-*', `${name},${guest3.name}`, 'all']) {
      it(`--uninstall ${list} removes the entry`, () => {
        good(privileged(['-install', name]));
        const ended = privileged(['--uninstall', list]);
        expect(good(ended).emulators).to.deep.equal([]);
        expect(ended.stderr).to.contain(`uninstalling: ${entry} OK\n`);
      });
    }

    it('no arguments print the status', () => {
      const ended = privileged([]);
      expect(good(ended).supported).to.deep.equal(nativePlatforms);
      expect(ended.stderr).to.equal('');
    });

    it('--version prints the versions of the files in the image, with one dash or two', () => {
      for (const dashes of ['-', '--']) {
        const { stdout, exit } = privileged([`${dashes}version`]);
        const [, qemu, node] = /^binfmt\/\S+ \(\S+\) qemu\/(\S+) node\/(\S+)\n$/.exec(stdout) ?? [];
        expect(qemu).to.equal(versionInImage());
        // Debian's package adds something to the version: 20.19.2+dfsg-1.
        expect(nodeInImage().split('+')[0]).to.equal(node);
        expect(exit).to.equal(0);
      }
    });

    it('--uninstall X --install Y prints the status after both', () => {
      good(privileged(['--install', name]));
      const ended = privileged(['--uninstall', name, '--install', guest2.name]);
      expect(good(ended).emulators).to.deep.equal([guest2.emulator]);
      expect(ended.stderr).to.equal(`uninstalling: ${entry} OK\ninstalling: ${guest2.name} OK\n`);
    });

    it('follows QEMU_BINARY_PATH, QEMU_BINARY_PREFIX, QEMU_PRESERVE_ARGV0 and --mount', () => {
      const dir = scratch();
      fs.copyFileSync(path.join(filesOfImage(IMAGE), 'usr/bin', entry), path.join(dir, `x-${entry}`));
      const env = ['-e', 'QEMU_BINARY_PATH=/e', '-e', 'QEMU_BINARY_PREFIX=x-', '-e', 'QEMU_PRESERVE_ARGV0=0'];
      const args = ['--privileged', '--rm', '-v', `${dir}:/e`, ...env, IMAGE, '--mount', '/tmp', '--install', 'all'];
      expect(good(docker('run', ...args)).emulators).to.deep.equal([`x-${entry}`]);
      expect(entryText(`x-${entry}`)).to.contain(`interpreter /e/x-${entry}\nflags: OCF\n`);
      good(privileged(['--uninstall', `x-${entry}`]));
    });
  });

  it('by docker/setup-qemu-action, in its order', () => {
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

  it('by docker/setup-qemu-action, which shows the last line of a failure: it names the cause', () => {
    const ended = privileged(['--install', `${name},nonsense`]);
    expect(ended.exit).to.equal(1);
    expect(lastLine(ended.stderr)).to.contain('unknown platform: "nonsense"');
    statusIn(ended);
  });

  it('by the init container of the kubernetes driver of docker/buildx', () => {
    good(docker('run', '--rm', '--privileged', IMAGE, '--install', 'all'));
    expect(entryNames()).to.include(entry);
  });

  it('by a Compose file with a command and privileges', () => {
    const file = path.join(scratch(), 'compose.yaml');
    fs.writeFileSync(
      file,
      `services:\n  binfmt:\n    image: ${IMAGE}\n    privileged: true\n    command: --install all\n`,
    );
    const compose = composeProject('binfmt-test-clients', file);
    const { exit, stdout, stderr } = compose('up', '--exit-code-from', 'binfmt');
    compose('down');
    expect(exit, stderr).to.equal(0);
    expect(stdout + stderr)
      .to.contain(`installing: ${name} OK`)
      .and.contain(`"${guest2.platform}"`);
  });
});

let found: { readonly qemu: string; readonly node: string } | undefined;

/** Read from the image's files, and not asked of the program that is tested. */
function versionsInImage() {
  if (found) return found;
  const dir = filesOfImage(IMAGE);
  const { packages } = JSON.parse(fs.readFileSync(path.join(dir, 'usr/share/binfmt/sbom.spdx.json'), 'utf8'));
  const node = packages.find((each: { name: string }) => ['node', 'nodejs'].includes(each.name));
  found = { qemu: qemuVersion(path.join(dir, 'usr/bin')), node: node.versionInfo };
  return found;
}
const versionInImage = () => versionsInImage().qemu;
const nodeInImage = () => versionsInImage().node;

describe('the image without privileges', () => {
  it('prints the status from probes, and one line that says why the entries are unknown', () => {
    for (const options of [
      [],
      ['--read-only', '--cap-drop', 'ALL'],
      ['--user', '1000', '--cap-drop', 'ALL', '--read-only'],
    ]) {
      const ended = docker('run', '--rm', ...options, IMAGE);
      expect(ended.exit).to.equal(0);
      expect(statusIn(ended).supported).to.deep.equal(nativePlatforms);
      expect(ended.stderr).to.match(/^binfmt: entries cannot be read: .*EPERM.*\n$/);
    }
  });

  it('cannot install: status 3, a valid status on standard output, and one line with cause and commands', () => {
    const ended = docker('run', '--rm', IMAGE, '--install', name);
    expect(ended.exit).to.equal(3);
    expect(ended.stderr).to.match(/^binfmt: cannot mount binfmt_misc .*EPERM.*\n$/);
    statusIn(ended);
    const commands = commandsInLine(ended.stderr);
    expect(commands).to.deep.equal([
      `docker run --privileged --rm ${IMAGE} --install ${name}`,
      `docker run -v ${MOUNT}:/binfmt_misc --rm ${IMAGE} --install ${name}`,
    ]);
    const restore = mountOnHost();
    try {
      for (const command of commands) {
        expectWhole(command);
        const installed = pasted(command);
        expect(installed, command).to.include({ exit: 0, stderr: `installing: ${name} OK\n` });
        expect(statusIn(installed).supported).to.include(platform);
        uninstallAll();
      }
    } finally {
      restore();
    }
  });

  it("installs without any capability through a bind mount of the host's binfmt_misc", () => {
    const restore = mountOnHost();
    try {
      const least = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
      const bind = ['-v', '/proc/sys/fs/binfmt_misc:/binfmt_misc'];
      const ended = docker('run', '--rm', ...least, ...bind, IMAGE, '--install', name);
      expect(ended).to.include({ exit: 0, stderr: `installing: ${name} OK\n` });
      expect(statusIn(ended).supported).to.include(platform);
      const removed = docker('run', '--rm', ...least, ...bind, IMAGE, '--uninstall', name);
      expect(removed).to.include({ exit: 0, stderr: `uninstalling: ${entry} OK\n` });
      const readOnly = docker('run', '--rm', ...least, '-v', `${bind[1]}:ro`, IMAGE, '--install', name);
      expect(readOnly.exit).to.equal(3);
      expect(readOnly.stderr).to.match(
        /^binfmt: cannot write to \/binfmt_misc\/register: read-only file system \(EROFS\); .*without :ro; or .*\n$/,
      );
      const [command = ''] = commandsInLine(readOnly.stderr);
      expectWhole(command);
      expect(pasted(command)).to.include({ exit: 0, stderr: `installing: ${name} OK\n` });
    } finally {
      uninstallAll();
      restore();
    }
  });
});

describe('the files of the image', () => {
  const manifestOf = (dir = filesOfImage(IMAGE)): EmulatorManifest =>
    JSON.parse(fs.readFileSync(path.join(dir, 'usr/share/binfmt/manifest.json'), 'utf8'));

  it('are no shell, and no library on a path where a foreign program would look', () => {
    const id = mustDocker('create', IMAGE).trim();
    const files = must('bash', ['-c', `docker export ${id} | tar t`]).split('\n');
    mustDocker('rm', id);
    expect(files.filter((name) => /(^|\/)(sh|bash|busybox|dash)$/.test(name))).to.deep.equal([]);
    expect(
      files.filter((name) => /^(usr\/)?lib(64|32)?\//.test(name) && !/^usr\/lib\/($|binfmt\/)/.test(name)),
    ).to.deep.equal([]);
    for (const name of [manifestOf().emulators[0]?.package, 'libc6', 'libstdc++6', 'libgcc-s1', 'minimist']) {
      expect(files).to.include(`usr/share/doc/${name}/copyright`);
    }
  });

  it('are listed in a manifest: each emulator with its origin and checksum', () => {
    const dir = filesOfImage(IMAGE);
    const { emulators } = manifestOf(dir);
    const shipped = fs.readdirSync(path.join(dir, 'usr/bin')).filter((name) => name.startsWith('qemu-'));
    expect(emulators.map(({ name }) => name).sort()).to.deep.equal(shipped.sort());
    for (const { name, sha256, version, source } of emulators) {
      expect(must('sha256sum', [path.join(dir, 'usr/bin', name)])).to.contain(sha256);
      expect(version).to.equal(versionInImage());
      expect(source).to.equal('qemu');
    }
  });

  it('are real files in /usr/bin, and the two directories work in another image', () => {
    const bin = path.join(filesOfImage(IMAGE), 'usr/bin');
    const links = fs.readdirSync(bin, { withFileTypes: true }).filter((each) => !each.isFile());
    expect(links).to.deep.equal([]);
    const dir = scratch();
    const copy = (...names: string[]) => names.map((each) => `COPY --from=${IMAGE} ${each} ${each}\n`).join('');
    const built = (lines: string) => {
      fs.writeFileSync(path.join(dir, 'Dockerfile'), `FROM scratch\n${lines}ENTRYPOINT ["/usr/bin/binfmt"]\n`);
      return docker('run', '--rm', '--label', LABEL, buildImage('binfmt-test-copied', dir));
    };
    try {
      expect(statusIn(built(copy('/usr/bin', '/usr/lib/binfmt'))).supported).to.deep.equal(nativePlatforms);
      expect(built(copy('/usr/bin'))).to.deep.include({ exit: 3 });
    } finally {
      docker('image', 'rm', 'binfmt-test-copied');
    }
  });

  it('come with OCI labels', () => {
    const labels = JSON.parse(must('docker', ['image', 'inspect', '--format', '{{json .Config.Labels}}', IMAGE]));
    expect(labels).to.include({ 'org.opencontainers.image.title': 'binfmt' });
    expect(labels['org.opencontainers.image.revision']).to.match(/\S/);
    const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    expect(labels['org.opencontainers.image.version']).to.equal(version);
  });
});

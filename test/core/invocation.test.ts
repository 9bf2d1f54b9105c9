import { expect } from 'chai';
import { userNamespaceProblem } from '../../src/core/doctor/mount-errors.js';
import { call, callAsService, callPrivileged, quoted } from '../../src/core/invocation.js';
import { oneLine } from '../../src/core/report/render.js';
import { asFile, asImage } from '../support/doctor.js';

describe('a command to call binfmt again', () => {
  it('names the image, with what docker run needs', () => {
    expect(callPrivileged(asImage, ['--install', 'all'], ['--pid=host'])).to.equal(
      'docker run --privileged --pid=host --rm binfmt --install all',
    );
    expect(call(asImage, ['export', 'none'])).to.equal('docker run --rm binfmt export none');
    expect(callAsService(asImage, ['--watch'])).to.equal(
      'docker run --detach --restart always --privileged binfmt --watch',
    );
  });

  it('chooses the platform if the image is for another one than the processor', () => {
    const foreign = { ...asImage, platform: 'linux/amd64' };
    expect(call(foreign, ['doctor'])).to.equal('docker run --platform linux/amd64 --rm binfmt doctor');
    expect(callAsService(foreign, ['--watch'])).to.contain('--platform linux/amd64 binfmt');
  });

  it("offers the host's user namespace and one of its own where it runs in another one", () => {
    expect(oneLine(userNamespaceProblem('/m'), { ...asImage, args: ['--install', 'all'] }))
      .to.contain('docker run --privileged --userns=host --rm binfmt --install all')
      .and.contain('docker run --privileged --rm binfmt --install all --allow-userns');
  });

  it('passes the variables on that the image was called with', () => {
    const image = { ...asImage, environment: ['QEMU_PRESERVE_ARGV0=0'] };
    expect(callPrivileged(image, ['--install', 'all'])).to.equal(
      'docker run --privileged --rm -e QEMU_PRESERVE_ARGV0=0 binfmt --install all',
    );
  });

  it('names the file, with the environment that sudo does not pass on', () => {
    const file = { ...asFile, name: '/a b/binfmt', environment: ['QEMU_BINARY_PATH=/q'] };
    expect(callPrivileged(file, ['doctor'])).to.equal("sudo QEMU_BINARY_PATH=/q '/a b/binfmt' doctor");
    expect(call(file, ['doctor'])).to.equal("QEMU_BINARY_PATH=/q '/a b/binfmt' doctor");
  });

  it('quotes a word for a shell only if it needs that', () => {
    expect(quoted("it's")).to.equal("'it'\\''s'");
    expect(quoted('qemu-*')).to.equal("'qemu-*'");
    expect(quoted('arm64,linux/arm/v7')).to.equal('arm64,linux/arm/v7');
    expect(quoted('')).to.equal("''");
    expect(quoted("a\nb'\\")).to.equal("$'a\\x0ab\\'\\\\'");
  });
});

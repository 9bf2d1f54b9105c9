import { expect } from 'chai';
import { readEnvironment } from '../../src/cli/environment.js';
import { describeUsageError } from '../../src/core/report/usage-text.js';

describe('the environment', () => {
  const environment = { QEMU_BINARY_PATH: 'some/dir', QEMU_BINARY_PREFIX: 'x-', BINFMT_IMAGE: '' };

  for (const [value, preserved] of [
    ['1', true],
    ['', true],
    ['0', false],
    ['false', false],
    ['NO', false],
    ['off', false],
  ] as const) {
    it(`reads QEMU_PRESERVE_ARGV0=${value} as ${preserved ? 'on' : 'off'}`, () => {
      expect(readEnvironment({ QEMU_PRESERVE_ARGV0: value }).preserveArgv0).to.equal(preserved);
    });
  }

  it('makes the directory of the emulators absolute', () => {
    expect(readEnvironment(environment).emulatorDirectory).to.deep.equal({
      path: `${process.cwd()}/some/dir`,
      prefix: 'x-',
    });
    expect(readEnvironment({}).emulatorDirectory).to.deep.equal({ path: '/usr/bin', prefix: '' });
  });

  it('calls the image by its name, and a file by its path with what it needs', () => {
    expect(readEnvironment({ BINFMT_IMAGE: 'binfmt' }).invocation(['doctor'])).to.deep.equal({
      ...{ kind: 'image', name: 'binfmt', environment: [], args: ['doctor'], debug: false, rootless: undefined },
    });
    expect(readEnvironment(environment).invocation([])).to.deep.include({
      kind: 'file',
      environment: [`QEMU_BINARY_PATH=${process.cwd()}/some/dir`, 'QEMU_BINARY_PREFIX=x-'],
    });
  });

  it('leaves out the directory that the image has set', () => {
    const variables = { BINFMT_IMAGE: 'binfmt', QEMU_BINARY_PATH: '/usr/bin' };
    expect(readEnvironment(variables).invocation([]).environment).to.deep.equal([]);
  });

  for (const [variable, value, message] of [
    ['QEMU_BINARY_PREFIX', 'a/b', 'QEMU_BINARY_PREFIX="a/b" must not contain a slash'],
    ['QEMU_BINARY_PATH', 'a\tb', 'QEMU_BINARY_PATH="a\\x09b" must not contain a tab or a line break'],
  ] as const) {
    it(`refuses ${variable}=${JSON.stringify(value)}`, () => {
      const { error } = readEnvironment({ [variable]: value });
      expect(error && describeUsageError(error)).to.contain(message);
    });
  }
});

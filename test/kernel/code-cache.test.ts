import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { CODE_CACHE, compilePart, PART } from '../../src/start/compile.js';
import { clearEntries } from '../support/kernel.js';
import { guest } from '../support/machine.js';
import { EMULATORS, ROOT, run, statusIn } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const built = path.join(ROOT, 'dist');
const files = fs.readdirSync(built).filter((name) => name.endsWith(PART) && name !== 'binfmt.cjs');
const parts = files.map((file) => path.basename(file, PART));
const cacheOf = (directory: string, part: string) => fs.readFileSync(path.join(directory, `${part}${CODE_CACHE}`));
const copied = () => {
  const copy = path.join(scratch(), 'dist');
  fs.cpSync(built, copy, { recursive: true });
  return copy;
};

describe('the parts of the program', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  it('are not read for a status, an installation, a removal, the version or the usage text, but for the main one', () => {
    const copy = copied();
    for (const file of files) if (file !== 'program.cjs') fs.rmSync(path.join(copy, file));
    const call = (...args: string[]) => run(path.join(copy, 'binfmt'), args, { QEMU_BINARY_PATH: EMULATORS });
    const installed = call('--install', guest.name);
    expect(installed.stderr).to.equal(`installing: ${guest.name} OK\n`);
    expect(statusIn(installed).supported).to.include(guest.platform);
    expect(statusIn(call())).to.deep.equal(statusIn(installed));
    expect(call('--uninstall', guest.name).stderr).to.equal(`uninstalling: ${guest.emulator} OK\n`);
    for (const option of ['--version', '--help']) expect(call(option)).to.include({ exit: 0, stderr: '' });
    expect(call('doctor').stderr).to.match(/^binfmt: unexpected error: /);
  });
});

describe('the code cache', () => {
  it('is taken by the Node.js that made it', () => {
    const rejected = parts.filter(
      (part) => compilePart(built, part, cacheOf(built, part)).cachedDataRejected !== false,
    );
    expect(rejected).to.deep.equal([]);
  });

  it('is the same each time', () => {
    const copy = copied();
    const writer = path.join(ROOT, 'build/write-code-cache.cjs');
    expect(run('node', ['--hash-seed=1', '--random-seed=1', writer, copy])).to.include({
      exit: 0,
      stdout: '',
      stderr: '',
    });
    for (const part of parts) expect(cacheOf(copy, part).equals(cacheOf(built, part)), part).to.equal(true);
  });

  for (const [title, change] of [
    ['is missing', (file: string) => fs.rmSync(file)],
    ['is empty', (file: string) => fs.truncateSync(file)],
    ['was cut off', (file: string) => fs.truncateSync(file, 10_000)],
    ['was made by another version of V8', (file: string) => fs.writeFileSync(file, Buffer.alloc(500_000, 7))],
  ] as const) {
    it(`is not needed: it ${title}`, () => {
      const copy = copied();
      change(path.join(copy, `program${CODE_CACHE}`));
      const ended = run(path.join(copy, 'binfmt'), ['--help']);
      expect(ended).to.include({ exit: 0, stderr: '' });
      expect(ended.stdout).to.match(/^Usage: binfmt /);
    });
  }
});

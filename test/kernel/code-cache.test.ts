import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { CODE_CACHE, compileProgram } from '../../src/start/compile.js';
import { ROOT, run } from '../support/program.js';
import { scratch } from '../support/scratch.js';

describe('the code cache', () => {
  const built = path.join(ROOT, 'dist');

  it('is taken by the Node.js that made it', () => {
    const script = compileProgram(built, fs.readFileSync(path.join(built, CODE_CACHE)));
    expect(script.cachedDataRejected).to.equal(false);
  });

  it('is the same each time', () => {
    const copy = path.join(scratch(), 'dist');
    fs.cpSync(built, copy, { recursive: true });
    const writer = path.join(ROOT, 'build/write-code-cache.cjs');
    run('node', ['--hash-seed=1', '--random-seed=1', writer, copy]);
    const [again, first] = [copy, built].map((dir) => fs.readFileSync(path.join(dir, CODE_CACHE)));
    expect(first && again?.equals(first)).to.equal(true);
  });

  for (const [title, change] of [
    ['is missing', (file: string) => fs.rmSync(file)],
    ['is empty', (file: string) => fs.truncateSync(file)],
    ['was cut off', (file: string) => fs.truncateSync(file, 10_000)],
    ['was made by another version of V8', (file: string) => fs.writeFileSync(file, Buffer.alloc(500_000, 7))],
  ] as const) {
    it(`is not needed: it ${title}`, () => {
      const copy = path.join(scratch(), 'dist');
      fs.cpSync(built, copy, { recursive: true });
      change(path.join(copy, CODE_CACHE));
      const ended = run(path.join(copy, 'binfmt'), ['--help']);
      expect(ended).to.include({ exit: 0, stderr: '' });
      expect(ended.stdout).to.match(/^Usage: binfmt /);
    });
  }
});

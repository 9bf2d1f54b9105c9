import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { architectures } from '../../src/core/platform/architectures.js';
import { ROOT, run } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const directory = path.join(ROOT, 'src/core/platform/probes');

describe('the sources of the probes', () => {
  it('give the machine code of the table, wherever Debian has an assembler', () => {
    const { exit, stdout, stderr } = run(path.join(directory, 'assemble'), []);
    const lines = stdout.trimEnd().split('\n');
    expect(lines, stderr).to.have.length(architectures.length);
    for (const [i, { name }] of architectures.entries()) {
      const inDebian = !/^ \* Package: none$/m.test(fs.readFileSync(path.join(directory, `${name}.S`), 'utf8'));
      const expected = inDebian ? `^${name}: same$` : `^${name}: (same|not compared: Debian has no assembler for it)`;
      expect(lines[i]).to.match(new RegExp(expected));
    }
    expect(exit).to.equal(0);
  }).timeout(300_000);
});

describe('src/core/platform/probes/assemble', () => {
  it('shows both codes and fails if a source gives other code than the table has', () => {
    // A copy of the sources, in which one instruction differs.
    const copy = scratch();
    fs.cpSync(path.join(ROOT, 'src/core'), path.join(copy, 'src/core'), { recursive: true });
    for (const name of ['build', 'node_modules', 'package.json', 'qemu']) {
      fs.symlinkSync(path.join(ROOT, name), path.join(copy, name));
    }
    const source = path.join(copy, 'src/core/platform/probes/arm64.S');
    fs.writeFileSync(source, fs.readFileSync(source, 'utf8').replace('#42', '#43'));
    const { exit, stdout, stderr } = run(path.join(copy, 'src/core/platform/probes/assemble'), ['arm64']);
    expect(stdout, stderr).to.equal(
      'arm64: differs: the source gives 60058052a80b8052010000d4, and the table has 40058052a80b8052010000d4\n',
    );
    expect(exit).to.equal(1);
  }).timeout(300_000);

  it('refuses the name of no architecture', () => {
    const { exit, stderr } = run(path.join(directory, 'assemble'), ['mainframe']);
    expect(stderr).to.equal('probes/assemble: unknown architecture "mainframe"\n');
    expect(exit).to.equal(1);
  });
});

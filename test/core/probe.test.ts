import { expect } from 'chai';
import { type Outcome, verdictOf } from '../../src/core/binfmt/probe.js';
import { describeVerdict } from '../../src/core/binfmt/verdict-text.js';
import { osNames } from '../../src/system/probing/launcher.js';
import { row } from '../support/architectures.js';

const verdict = (architecture: string, outcome: Partial<Outcome>) =>
  verdictOf(row(architecture), { kind: 'exit', number: 0, microseconds: 1, output: '', ...outcome }, osNames);

describe('the verdict about a probe', () => {
  it('is "runs" for the exit status of success, and for nothing else', () => {
    expect(verdict('arm64', { number: 42 })).to.deep.equal({ kind: 'runs' });
    for (let number = 0; number < 256; number++) {
      if (number !== 42) expect(verdict('arm64', { number }).kind, String(number)).to.equal('exit');
    }
  });

  it('has the variant if the architecture has variants', () => {
    expect(verdict('amd64', { number: 67 })).to.deep.equal({ kind: 'runs', level: 3 });
    expect(verdict('amd64', { number: 42 }).kind).to.equal('exit');
    expect(verdict('arm', { number: 72 })).to.deep.equal({ kind: 'runs', level: 8 });
  });

  for (const [outcome, text] of [
    [{ kind: 'exec', number: 8 }, /exec format error \(ENOEXEC\)/],
    [{ kind: 'exec', number: 2 }, /no such file or directory \(ENOENT\)/],
    [{ kind: 'exec', number: 13 }, /EACCES/],
    [{ kind: 'exec', number: 7 }, /E2BIG/],
    [{ kind: 'exit', number: 127, output: 'qemu: no\nmore' }, /status 127$/],
    [{ kind: 'signal', number: 11 }, /SIGSEGV/],
    [
      { kind: 'signal', number: 6, output: 'qemu: qemu_thread_create: Resource temporarily unavailable' },
      /lacks .*EAGAIN/,
    ],
    [{ kind: 'timeout', number: 0 }, /in time/],
    [{ kind: 'starved', number: 0 }, /lacks a resource at the moment \(processor time\)/],
  ] as const) {
    it(`about ${outcome.kind} ${outcome.number} says ${text}`, () => {
      const bad = verdict('arm64', outcome);
      expect(bad.kind !== 'runs' && describeVerdict(bad)).to.match(text);
    });
  }
});

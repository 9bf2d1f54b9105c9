import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { must, ROOT } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const SANITIZED = '-O1 -g -Wconversion -fsanitize=address,undefined -fno-sanitize-recover=all'.split(' ');

/** Numbers from 0 to 1, the same in each run (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Requests, and how many fields they take. */
const REQUESTS: readonly (readonly [string, number])[] = [
  ['mount', 2],
  ['umount', 1],
  ['bind', 2],
  ['label', 1],
  ['enter', 1],
  ['relabel', 3],
  ['unshare', 1],
  ['write', 2],
  ['write-existing', 2],
  ['write-existing', 3],
  ['become', 2],
  ['open-directory', 2],
  ['open-directory', 3],
  ['close-directory\t5', 0],
  ['lock-directory\t5', 0],
  ['run', 2],
  ['run', 5],
  ['inspect', 2],
  ['run-queued', 1],
  ['run-queued\t300', 0],
  ['nonsense', 1],
];

/**
 * Fields of requests. No name leads out of the scratch directory, and no number is that of a process, because the
 * requests must not change the machine.
 */
const FIELDS = [
  ...['-', '-', '-', '', ' ', '0', '-1', '99999999999999999999', '1e3', '0x10', '00', 'abc', '7f454c4600', '0g', 'fF'],
  ...['a', 'a/b', 'a/b/c', '..', './/', 'link', 'link/b', 'missing', '/proc/self/exe', 'tmpfs', 'create', 'user,'],
  ...['A=B', '%s%n', '\0', '\xff\xfe', 'x'.repeat(5000)],
];

describe('the launcher, compiled with sanitizers', () => {
  let dir: string;
  let launcher: string;
  before(function () {
    this.timeout(120_000);
    launcher = path.join(scratch(), 'launcher');
    must(path.join(ROOT, 'src/native/build'), [path.dirname(launcher), ...SANITIZED]);
  });
  beforeEach(() => {
    dir = scratch();
    fs.mkdirSync(path.join(dir, 'a/b'), { recursive: true });
    fs.symlinkSync('a', path.join(dir, 'link'));
  });
  /** Mounts are made in a namespace of their own. Leaks are not looked for, since that needs ptrace(2). */
  const answersTo = (requests: string): string[] => {
    const ended = spawnSync('unshare', ['--mount', launcher, '0', '0', '1'], {
      cwd: dir,
      env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' },
      input: Buffer.from(requests, 'latin1'),
      encoding: 'latin1',
      maxBuffer: 1 << 26,
    });
    expect(ended.stderr).to.equal('');
    expect(ended.status).to.equal(0);
    return ended.stdout.split('\n').slice(0, -1);
  };

  for (const [what, line] of [
    ['an empty line', ''],
    ['a tab', '\t'],
    ['an unknown request', 'nonsense\ta'],
    ['a name with a space', 'umount a'],
    ['run without a file', 'run\t-'],
    ['run with more variables than there is room for', `run\t-\t/a${'\tA=B'.repeat(13)}`],
    ['inspect without a file', 'inspect\t-'],
    ['a time limit that is no number', 'run-queued\tsoon'],
    ['a negative time limit', 'run-queued\t-1'],
    ['a time limit that overflows', `run-queued\t${'9'.repeat(40)}`],
    ['an odd number of hexadecimal digits', 'write\t-\tabc'],
    ['other letters than hexadecimal digits', 'write\t-\t0g'],
    ['spaces among hexadecimal digits', 'write\t-\t 1 2'],
    ['a command that does not end with a null byte', 'become\t-\t6c73'],
    ['a command without words', 'become\t-\t'],
    ['a null byte', 'umount\ta\0b'],
    ['a process that is no number', 'mount\ttmpfs\ta\tself'],
    ['a long line', 'x'.repeat(3_000_000)],
    ['a line of tabs', '\t'.repeat(100_000)],
  ] as const) {
    it(`answers "bad request" to ${what}, and goes on`, () => {
      expect(answersTo(`${line}\numount\ta\n`)).to.deep.equal(['bad request', 'errno\t22']);
    });
  }

  it('first answers the requests in a file, whose directory "@" stands for', () => {
    fs.writeFileSync(path.join(dir, 'requests'), 'umount\t@a\nrun\t@a\t/missing\nrun-queued\t100\n');
    const ended = spawnSync('unshare', ['--mount', launcher, '0', '0', '1', path.join(dir, 'requests')], {
      env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' },
      input: 'nonsense\n',
      encoding: 'utf8',
    });
    expect(ended.stderr).to.equal('');
    expect(ended.stdout).to.match(/^errno\t22\nexec\t2\t\d+\tunknown\t\t\t\t\nend\nbad request\n$/);
  });

  it('ignores a line without an end', () => {
    expect(answersTo('umount\ta\numount\ta')).to.have.length(1);
  });

  it('writes every byte, and as many as there are', () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i % 251) ^ (i >> 8)));
    expect(answersTo(`write\tfile\t${bytes.toString('hex')}\n`)).to.deep.equal(['ok']);
    expect(fs.readFileSync(path.join(dir, 'file')).equals(bytes)).to.equal(true);
  });

  it('closes no file but directories that it has opened', () => {
    expect(answersTo('close-directory\t0\nclose-directory\t1\numount\ta\n')).to.deep.equal([
      'errno\t9',
      'errno\t9',
      'errno\t22',
    ]);
  });

  for (let seed = 1; seed <= 8; seed++) {
    it(`survives 100 random requests (seed ${seed})`, () => {
      const random = randomNumbers(seed);
      const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T;
      const line = () => {
        const [name, fields] = pick(REQUESTS);
        const more = pick([0, 0, 0, 0, 0, 0, 0, -1, 1, 20]);
        return [name, ...Array.from({ length: Math.max(0, fields + more) }, () => pick(FIELDS))].join('\t');
      };
      const answers = answersTo(Array.from({ length: 100 }, () => `${line()}\n`).join(''));
      for (const answer of answers) {
        expect(answer).to.match(
          /^(ok|bad request|errno\t\d+|fd\t\d+(\t\d+)?|[a-z]+\t\d+\t\d+\t[a-z]+(\t[0-9a-f]*){2}\t[!-~]*\t[0-9a-f]*|label\t[!-~]*)$/,
        );
      }
      expect(answers.length).to.be.within(50, 100);
    });
  }
});

import { expect } from 'chai';
import fc from 'fast-check';
import { parseCommandLine } from '../../src/cli/parse.js';
import { beforeDashes, behindDashes, ofMultiarch } from '../../src/core/other-tools/other-tool-words.js';
import { describeUsageError } from '../../src/core/report/usage-text.js';
import { errorOf, parsed } from '../support/command-line.js';

describe('the command line of another tool', () => {
  it('is read as ours', () => {
    expect(parsed(['--reset', '-p', 'yes', '-c', 'no']).args).to.deep.include({
      ...{ uninstall: 'all', install: ['all'] },
      options: { credentials: false, preserveArgv0: true, force: false, keep: false },
    });
    expect(parsed(['-s', '--', '-p', 'aarch64 arm']).args).to.deep.include({ install: ['aarch64', 'arm'] });
  });

  it('does not count if the words mean something to binfmt', () => {
    for (const argv of [[], ['--help'], ['run', '--', '-r'], ['--install', '-s'], ['doctor']]) {
      const line = parseCommandLine(argv);
      expect(line.kind === 'run' && line.translation, argv.join(' ')).to.be.oneOf([undefined, false]);
    }
  });

  it('gives either an error or a call of binfmt, whatever its words are', () => {
    const theirs = [...ofMultiarch, ...beforeDashes, ...behindDashes].flatMap(({ words }) => words);
    const word = fc.constantFrom(
      ...theirs,
      '--',
      'yes',
      'no',
      'aarch64',
      'arm,arm64',
      '-static',
      '/x',
      '--x=yes',
      '-pno',
    );
    const call = fc.array(word, { maxLength: 6 });
    fc.assert(
      fc.property(call, (argv) => {
        const line = parseCommandLine(argv);
        if (line.kind !== 'run' || line.translation === undefined) return;
        expect(parsed(line.translation.words)).to.deep.equal({ command: '', args: line.args });
      }),
      { numRuns: 2000 },
    );
  });

  for (const [line, message] of [
    [
      '--reset --install arm64',
      '"--install" does not go with the other words, which are those of multiarch/qemu-user-static',
    ],
    ['--reset -p arm64', '"-p" of multiarch/qemu-user-static takes yes or no, not "arm64"'],
    ['-s -- -p mainframe', '"mainframe" is not an architecture'],
  ] as const) {
    it(`quotes what is wrong in "${line}"`, () => expect(errorOf(line.split(' '))).to.contain(message));
  }

  it('is refused if it names a directory of other emulators', () => {
    const line = parseCommandLine(['-s', '--', '-p']);
    const errorIn = (QEMU_BIN_DIR?: string) => line.kind === 'run' && line.translation?.errorIn({ QEMU_BIN_DIR });
    for (const directory of [undefined, '', '/usr/bin', '/qus/bin']) expect(errorIn(directory)).to.equal(undefined);
    const error = errorIn('/opt');
    expect(error && describeUsageError(error)).to.contain('"QEMU_BIN_DIR=/opt" of qus means other emulators');
  });
});

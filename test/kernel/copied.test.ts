/** The program as people copy it out of the image, into an image of their own. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { clearEntries, entryNames } from '../support/kernel.js';
import { guest, own } from '../support/machine.js';
import { EMULATORS, ROOT, run, statusIn } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const QEMU_BINARY_PATH = EMULATORS;

/** `usr/bin/binfmt` of a new directory, and if asked for, the other files where the image has them. */
function copied({ prefix = 'usr', files }: { readonly prefix?: string; readonly files: readonly string[] }): string {
  const root = path.join(scratch(), prefix);
  const program = path.join(root, 'bin/binfmt');
  fs.mkdirSync(path.dirname(program), { recursive: true });
  fs.copyFileSync(path.join(ROOT, 'dist/binfmt'), program);
  for (const name of files)
    fs.cpSync(path.join(ROOT, 'dist', name), path.join(root, 'lib/binfmt', name), { recursive: true });
  return program;
}

const others = fs.readdirSync(path.join(ROOT, 'dist')).filter((name) => name !== 'binfmt');

describe('the program, copied into another image', () => {
  beforeEach(clearEntries);
  after(clearEntries);

  for (const files of [[], ['binfmt.cjs'], others.filter((name) => name !== 'binfmt.cjs')]) {
    const title = files.length === 0 ? 'alone' : files.length === 1 ? 'with one other file' : 'with one file missing';
    it(`${title}: ends with status 3, the empty status, and one line that says what else to copy`, () => {
      const program = copied({ files });
      const ended = run(program, ['--install', 'all'], { QEMU_BINARY_PATH });
      expect(ended.exit).to.equal(3);
      expect(statusIn(ended)).to.deep.equal({ supported: [], emulators: [] });
      expect(ended.stderr).to.match(/^binfmt: .*\n$/);
      expect(ended.stderr)
        .to.contain('COPY --from=IMAGE /usr/bin /usr/bin and COPY --from=IMAGE /usr/lib/binfmt /usr/lib/binfmt;')
        .and.contain('COPY --from=IMAGE /usr/bin/qemu-* /usr/bin/\n');
      const version = run(program, ['--version']);
      expect(version).to.include({ exit: 3, stdout: '', stderr: ended.stderr });
    });
  }

  it('in another directory: finds /usr/lib/binfmt', () => {
    const program = copied({ prefix: 'opt', files: [] });
    const lib = path.dirname(path.dirname(copied({ files: others })));
    const script = `mount -t overlay -o lowerdir=${lib}/lib:/usr/lib none /usr/lib && exec ${program} --version`;
    expect(run('unshare', ['--mount', 'sh', '-c', script])).to.include({ exit: 0, stderr: '' });
  });

  for (const prefix of ['usr', 'usr/local']) {
    it(`with its files in /${prefix}/lib/binfmt: works, also through a link, and names itself in its advice`, () => {
      const program = copied({ prefix, files: others });
      const link = path.join(scratch(), 'link');
      fs.symlinkSync(program, link);
      const installed = run(link, ['--install', guest.name], { QEMU_BINARY_PATH });
      expect(installed).to.include({ exit: 0, stderr: `installing: ${guest.name} OK\n` });
      expect(statusIn(installed).supported).to.include.members([`linux/${own.name}`, guest.platform]);
      expect(entryNames()).to.deep.equal([guest.emulator]);
      const doctor = run(program, ['doctor', '--nonsense']);
      expect(doctor.stderr).to.contain(`For all options: ${program} doctor --help\n`);
    });
  }
});

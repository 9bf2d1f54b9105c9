/** docs/architecture.md is followed word by word, in a copy: an invented architecture, check and format, and a part that is taken off. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { architectures } from '../src/core/platform/architectures.js';
import { ROOT } from './support/program.js';
import { scratch } from './support/scratch.js';

const guide = fs.readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');

/** The code block of the guide whose first line names this file, or that stands below its name. */
function block(file: string): string {
  const blocks = [...guide.matchAll(/([^\n]*)\n\n```\w+\n([\s\S]*?)```/g)];
  const [, , code] =
    blocks.find(([, above = '', text = '']) => `${above}\n${text.split('\n')[0]}`.includes(file)) ?? [];
  if (code === undefined) throw new Error(`docs/architecture.md has no block for ${file}`);
  return code;
}

const withoutFirstLine = (code: string) => code.split('\n').slice(1).join('\n');

describe('docs/architecture.md', () => {
  let copy: string;
  const edit = (file: string, change: (text: string) => string) => {
    const before = fs.readFileSync(path.join(copy, file), 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`${file} is as before`);
    fs.writeFileSync(path.join(copy, file), after);
  };
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  };
  const evaluate = (script: string) => {
    fs.writeFileSync(path.join(copy, 'try.ts'), script);
    const { status, output } = run('--import=tsx', 'try.ts');
    if (status !== 0) throw new Error(output);
    return output.trim();
  };

  before(() => {
    copy = scratch();
    for (const name of ['src', 'test', 'docs', 'qemu', 'image', 'bench', 'tsconfig.json', 'package.json']) {
      fs.cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
    }
    for (const name of ['README.md', 'Dockerfile', 'docker-bake.hcl'])
      fs.copyFileSync(path.join(ROOT, name), path.join(copy, name));
    fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
    addArchitecture();
    addCheck();
    addFormat();
    takeOtherToolsOff();
  });

  const addArchitecture = () => {
    edit('src/core/platform/architectures.ts', (text) => {
      const row = withoutFirstLine(block('src/core/platform/architectures.ts'));
      // Behind the architectures that clients expect first, the table is sorted by name.
      return text.replace(/^ {2}\{\n {4}name: 'xtensa',/m, `${row}$&`);
    });
    fs.writeFileSync(path.join(copy, 'src/core/platform/probes/vax.S'), block('src/core/platform/probes/vax.S'));
  };
  const addCheck = () =>
    edit('src/core/doctor/checks/running-checks.ts', (text) =>
      text
        .replace(
          'export const runningChecks = [',
          `${withoutFirstLine(block('src/core/doctor/checks/running-checks.ts'))}\n$&`,
        )
        .replace('export const runningChecks = [', '$&\n  longName,'),
    );
  const addFormat = () =>
    edit('src/core/persist/formats.ts', (text) =>
      text.replace(/^ {2}nixos: /m, `${withoutFirstLine(block('src/core/persist/formats.ts'))}\n$&`),
    );
  const takeOtherToolsOff = () => {
    const part = 'core/other-tools/';
    fs.rmSync(path.join(copy, 'src', part), { recursive: true });
    edit('src/cli/translators.ts', (text) => text.replace(/^.*other-?tools.*\n/gim, ''));
    const tests = fs.readdirSync(path.join(copy, 'test'), { recursive: true, encoding: 'utf8' });
    for (const file of tests.filter((name) => name.endsWith('.test.ts')).map((name) => path.join(copy, 'test', name)))
      if (fs.readFileSync(file, 'utf8').includes(`'../../src/${part}`)) fs.rmSync(file);
  };

  it('needs no other change for an architecture, a check, a format, or a part that is taken off', () => {
    expect(run('node_modules/.bin/tsc').output).to.equal('');
    // A limit of time only ends what hangs.
    const mocha = ['node_modules/.bin/mocha', '--import=tsx', '--timeout=600000'];
    const tested = run(...mocha, 'test/c{li,ore}/*.test.ts', 'test/imports.test.ts');
    expect(tested.status, tested.output).to.equal(0);
    // The tests of formats test the new row too.
    expect(tested.output.match(/for emulators are/g)).to.have.length(2);
  }).timeout(1_200_000);

  it('shows how to add an architecture: a row and a source', () => {
    const script = `
      import { parsePlatform, formatPlatform } from './src/core/platform/platform.js';
      const parsed = parsePlatform('qemu-vax');
      console.log(parsed.kind === 'platform' && formatPlatform(parsed.platform));`;
    expect(evaluate(script)).to.equal('linux/vax');
  }).timeout(1_200_000);

  it('shows how to add a check: one object in one file', () => {
    const script = `
      import { diagnose } from './src/core/doctor/diagnose.js';
      import { checks } from './src/core/doctor/definitions.js';
      import { textOf } from './src/core/report/render.js';
      import { captured, entryFor, probeOf } from './test/support/doctor.js';
      import { row } from './test/support/architectures.js';
      const mips = row('mips64p32le');
      const found = diagnose(captured({ platforms: [mips], entries: [entryFor(mips)], probes: [[mips, probeOf({ kind: 'runs' })]] }));
      console.log(checks.some(({ id }) => id === 'long-name'), found.map((problem) => textOf(problem).title).join());`;
    expect(evaluate(script)).to.equal('true linux/mips64p32le: a long name');
  }).timeout(1_200_000);

  it('needs no other file for an architecture, because no other code names one', () => {
    const names = new Set(architectures.flatMap(({ name, target }) => [name, target, `qemu-${target}`]));
    const files = ['src', 'qemu', 'image'].flatMap((folder) =>
      fs
        .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .map((name) => path.join(folder, name)),
    );
    const naming = files
      .filter((file) => file.endsWith('.ts') && file !== 'src/core/platform/architectures.ts')
      // What was reported about one architecture; a new one needs no row.
      .filter((file) => !file.startsWith('src/core/doctor/known/'))
      .flatMap((file) => {
        const text = fs.readFileSync(path.join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
        const literals = [...text.matchAll(/'([^'\n]+)'/g)].map(([, literal = '']) => literal);
        return literals.filter((literal) => names.has(literal)).map((literal) => `${file}: ${literal}`);
      });
    expect(naming).to.deep.equal([]);
  });

  it('names only files and folders that exist', () => {
    const invented = ['src/core/platform/probes/vax.S', 'src/core/platform/probes/NAME.S'];
    const named = [...guide.matchAll(/\b(?:src|test|qemu|image|docs)\/[\w./-]*[\w]/g)].map(([name]) => name);
    for (const name of new Set(named.filter((each) => !invented.includes(each)))) {
      expect(fs.existsSync(path.join(ROOT, name)), name).to.equal(true);
    }
    const contributing = fs.readFileSync(path.join(ROOT, 'CONTRIBUTING.md'), 'utf8');
    const below = [...contributing.matchAll(/`((?:core|system|commands|cli)\/[\w/-]+\.ts)`/g)];
    expect(below).not.to.deep.equal([]);
    for (const [, name = ''] of below) {
      expect(fs.existsSync(path.join(ROOT, 'src', name)), name).to.equal(true);
    }
  });
});

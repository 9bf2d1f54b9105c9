import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { ROOT } from './support/program.js';

/** Imports point only downwards in this list. */
const layers = ['build.ts', 'start', 'main.ts', 'cli', 'commands', 'system', 'core'];
const source = path.join(ROOT, 'src');
const core = path.join(source, 'core');
/** The folders of the core, in the order in which they may import each other. */
const rooms = 'platform binfmt install persist namespaces report other-tools cluster doctor watch'.split(' ');
/** What every command uses, and what uses every command. */
const sharedByCommands = ['command.ts', 'shared-options.ts', 'node-options.ts'];
const listOfCommands = path.join(source, 'commands/index.ts');

const layerOf = (file: string) => layers.indexOf(path.relative(source, file).split('/')[0] ?? '');

/** Static and dynamic imports, and types that are imported inline. */
function importsIn(text: string): string[] {
  return [...text.matchAll(/(?:from |import\()\s*'(\.[^']+)\.js'/g)].map(([, file = '']) => file);
}

function importsOf(file: string): string[] {
  return importsIn(fs.readFileSync(file, 'utf8')).map((imported) => `${path.resolve(path.dirname(file), imported)}.ts`);
}

/** Asks for the processor's architecture, compares it, or says for itself which others it runs. */
function concludes(text: string): boolean {
  const asked = /\b(process|os)\b.*\barch\b|\barch\b.*\b(process|node:os)\b|\.machine\(\)|\bown(\.name)? *[!=]==/;
  const said = /'?\b(amd64'?[^\w\n]{1,4}'386|386'[^\w\n]{1,4}'amd64|arm64'?[^\w\n]{1,4}'arm|arm'[^\w\n]{1,4}'arm64)'/;
  return asked.test(text) || said.test(text);
}

describe('a test', () => {
  it('is seen to conclude', () => {
    for (const text of [
      'const { arch } = process;',
      "process['arch']",
      "import { arch } from 'node:os';",
      'os.machine()',
      "own.name === 'amd64'",
      "['386', 'amd64']",
      "{ amd64: '386' }",
      "name === 'arm64' ? 'arm' : '386'",
    ])
      expect(concludes(text), text).to.equal(true);
  });

  // One amd64 machine runs 386 programs, and the next one does not.
  it('asks test/support/machine.ts what this machine runs natively, and does not conclude it from its processor', () => {
    const directory = path.join(ROOT, 'test');
    const concluding = fs
      .readdirSync(directory, { recursive: true, encoding: 'utf8' })
      // Those of the core are about machines that they make up.
      .filter(
        (name) =>
          name.endsWith('.ts') &&
          !['support/machine.ts', 'imports.test.ts'].includes(name) &&
          !name.startsWith('core/'),
      )
      .filter((name) => concludes(fs.readFileSync(path.join(directory, name), 'utf8')));
    expect(concluding).to.deep.equal([]);
  });
});

describe('the layout', () => {
  const files = fs
    .readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(source, name));

  it('has files that import only what exists, from their own layer or from below', () => {
    for (const file of files) {
      expect(layerOf(file), file).to.be.at.least(0);
      for (const imported of importsOf(file)) {
        expect(files).to.include(imported);
        expect(layerOf(imported), `${file} imports ${imported}`).to.be.at.least(layerOf(file));
      }
    }
  });

  it('has files that open with a paragraph about their part', () => {
    for (const file of files) expect(fs.readFileSync(file, 'utf8'), file).to.match(/^\/\*\*/);
  });

  it('is read from dynamic imports too', () => {
    expect(importsIn("import { a } from './a.js'; await import('./b.js'); x: import('../c/d.js').E")).to.deep.equal([
      './a',
      './b',
      '../c/d',
    ]);
  });

  it('has commands that do not import each other', () => {
    const folder = path.dirname(listOfCommands);
    // One with much to do has a folder of its name.
    const commandOf = (file: string) => path.relative(folder, file).split('/')[0]?.replace(/\.ts$/, '');
    const ofCommands = files.filter((file) => file.startsWith(`${folder}/`) && file !== listOfCommands);
    for (const file of ofCommands) {
      const others = importsOf(file).filter(
        (imported) => imported.startsWith(`${folder}/`) && commandOf(imported) !== commandOf(file),
      );
      expect(others.filter((imported) => !sharedByCommands.includes(path.basename(imported)))).to.deep.equal([]);
    }
  });

  it('has every command in the list of commands', () => {
    const defining = files.filter((file) => fs.readFileSync(file, 'utf8').includes('= defineCommand('));
    expect(importsOf(listOfCommands)).to.include.members(defining);
    expect(defining).to.have.length(5);
  });

  it('has a core that touches no machine', () => {
    for (const file of files.filter((each) => layerOf(each) === layers.indexOf('core'))) {
      expect(fs.readFileSync(file, 'utf8'), file).not.to.match(/from 'node:|process\.|Date\.now/);
    }
  });

  it('has rooms in its core that import only those before them', () => {
    const roomOf = (file: string) => path.relative(core, file).split('/').slice(0, -1)[0];
    const inCore = files.filter((file) => file.startsWith(core));
    expect(inCore.filter((file) => roomOf(file) === undefined)).to.have.length.at.most(8);
    for (const file of inCore) {
      const before = [undefined, ...rooms.slice(0, rooms.indexOf(roomOf(file) ?? '') + 1)];
      expect(before, file).to.include.members(importsOf(file).map(roomOf));
    }
  });

  it('has no file that imports itself through others', () => {
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      expect(path, 'a circle').not.to.include(file);
      if (done.has(file)) return;
      for (const imported of importsOf(file)) visit(imported, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
  });
});

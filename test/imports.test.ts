import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { ROOT } from './support/program.js';

/** Imports point only downwards in this list. */
const layers = ['main.ts', 'cli.ts', 'options.ts', 'commands', 'system', 'core'];
const source = path.join(ROOT, 'src');

const layerOf = (file: string) => layers.indexOf(path.relative(source, file).split('/')[0] ?? '');

function importsOf(file: string): string[] {
  const text = fs.readFileSync(file, 'utf8');
  // `import … from '…'`, and the dynamic `import('…')`.
  return [...text.matchAll(/(?:from |import\()'(\.[^']+)\.js'/g)].map(
    (found) => `${path.resolve(path.dirname(file), found[1] ?? '')}.ts`,
  );
}

describe('the layout', () => {
  const files = fs
    .readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(source, name));

  for (const file of files) {
    const name = path.relative(source, file);
    it(`${name} imports only from below, and what exists`, () => {
      expect(layerOf(file), name).to.be.at.least(0);
      for (const imported of importsOf(file)) {
        expect(files).to.include(imported);
        expect(layerOf(imported), imported).to.be.at.least(layerOf(file));
      }
    });
    it(`${name} opens with a paragraph about its part`, () => {
      expect(fs.readFileSync(file, 'utf8')).to.match(/^\/\*\*/);
    });
  }

  it('commands do not import each other', () => {
    for (const file of files.filter((each) => layerOf(each) === layers.indexOf('commands'))) {
      const others = importsOf(file).filter((each) => path.dirname(each) === path.dirname(file));
      expect(others.filter((each) => !each.endsWith('/report.ts'))).to.deep.equal([]);
    }
  });

  it('core touches no machine', () => {
    for (const file of files.filter((each) => layerOf(each) === layers.indexOf('core'))) {
      expect(fs.readFileSync(file, 'utf8')).not.to.match(/from 'node:|process\.|Date\.now/);
    }
  });
});

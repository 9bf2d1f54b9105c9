/** Every sentence that the program prints stands in src/core/messages, or in a command's own description of itself. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { usage } from '../src/cli/usage.js';
import { commands } from '../src/commands/index.js';
import { ROOT } from './support/program.js';

const source = path.join(ROOT, 'src');
const MESSAGES = /^core\/(messages|doctor\/known)\//;

/** Comments, and literals of strings and templates: quotation marks in comments are none. */
const TOKEN = /\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`/g;

/** The literals with three words or more, one after the other. What is put into a template does not count. */
function sentencesIn(text: string): string[] {
  const literals = [...text.matchAll(TOKEN)].map(([token]) => token).filter((token) => /^['"`]/.test(token));
  return literals
    .map((literal) =>
      literal
        .slice(1, -1)
        .replace(/\$\{[^}]*\}?/g, '…')
        .replace(/\\(['"`])/g, '$1'),
    )
    .filter((literal) => /[A-Za-z']+,? [A-Za-z']+,? [A-Za-z']+/.test(literal));
}

/** What may stand elsewhere, and why. */
const elsewhere: Readonly<Record<string, readonly string[]>> = {
  // Only a defect of this program causes these; a user sees them in an unexpected error.
  'core/host/tar.ts': ['… is too long for a tar header'],
  'core/problem.ts': ['there is no problem "…"'],
  // The build says it.
  'start/write-code-cache.ts': ['the status ended with …'],
  'system/probing/launcher.ts': [
    '… has a tab or a line break where none may be',
    'the launcher has no standard streams for a command',
    'the launcher ended',
  ],
  // The function in which a module of Node.js runs.
  'build.ts': ['(function (exports, require, module) {'],
  'system/binfmt/persistence.ts': ['binfmt_misc could not be mounted again at … (…)'],
  // What an option takes stands with the option, as its description does.
  'commands/registrations.ts': [
    'the name of an entry',
    'a list, such as --install arm64,riscv64',
    'a list, such as --uninstall arm64,riscv64',
  ],
  'commands/doctor.ts': ['a whole number', 'the name of a check (doctor --list-checks)'],
  'commands/mount-options.ts': ['[HOST:]PORT or unix:PATH'],
};

describe('the sentences of the program', () => {
  const files = fs
    .readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name, sentences: sentencesIn(fs.readFileSync(path.join(source, name), 'utf8')) }));

  it('are found in strings and templates, and not in comments', () => {
    const text = [
      "const one = 'one two three'; // 'not this one here'",
      "/* nor 'that one over there' */ const two = `$" + '{one} is a template`;',
      "const three = \"it isn't this long\"; const word = 'one two';",
    ].join('\n');
    expect(sentencesIn(text)).to.deep.equal(['one two three', '… is a template', "it isn't this long"]);
  });

  it('stand in one place', () => {
    const inMessages = files.filter(({ name }) => MESSAGES.test(name));
    expect(inMessages.flatMap(({ sentences }) => sentences)).to.have.length.above(150);
  });

  const described = usage(commands).replace(/\s+/g, ' ');
  for (const { name, sentences } of files.filter((file) => !MESSAGES.test(file.name))) {
    it(`are not in ${name}`, () => {
      const inHelp = (sentence: string) => described.includes(sentence.replace(/\\n|\s+/g, ' ').replace(/….*/s, ''));
      const allowed = (sentence: string) =>
        elsewhere[name]?.includes(sentence) || (name.startsWith('commands/') && inHelp(sentence));
      // The descriptions of metrics are no sentences for people who call the program.
      const found = name === 'core/watch/metrics.ts' ? [] : sentences;
      expect(found.filter((sentence) => !allowed(sentence))).to.deep.equal([]);
    });
  }

  it('stand elsewhere only as they are listed here', () => {
    for (const [name, listed] of Object.entries(elsewhere)) {
      expect(files.find((file) => file.name === name)?.sentences, name).to.include.members([...listed]);
    }
  });
});

/** What README.md and docs/ say about the program, compared with the program. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { withTables } from '../docs/generate.js';
import { translate } from '../src/cli/translators.js';
import { commands } from '../src/commands/index.js';
import { exportFormatNames, nextStep } from '../src/core/persist/formats.js';
import { ROOT } from './support/program.js';

const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'bench/README.md',
  'test/README.md',
  ...fs
    .readdirSync(path.join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((name) => ({
  name,
  text: fs.readFileSync(path.join(ROOT, name), 'utf8'),
}));

const read = (file: string) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const scripts: Readonly<Record<string, string>> = JSON.parse(read('package.json')).scripts;
const targets = [...read('docker-bake.hcl').matchAll(/^target "([\w-]+)"/gm)].map(([, name]) => name);
const kinds = [...read('test/run').matchAll(/^(?:quick|rest|named)=\((.*)\)$/gm)].flatMap(([, list = '']) =>
  list.split(' '),
);
const ownOptions = commands.flatMap(({ options }) => [...Object.keys(options), 'help'].map((option) => `--${option}`));
/** Of `docker run`, of the campaign (test/campaign), and of the tools on docs/migrating.md. */
const othersOptions = [
  ...'--privileged --pid --cap-add --security-opt --restart --containers --long --only --seed --stop --load --slow --cascade'.split(
    ' ',
  ),
  '--with-registry-auth',
  ...'--reset --persistent --credential --preserve-argv0 --ignore-family --qemu-path --qemu-suffix --path --suffix'.split(
    ' ',
  ),
  ...'--debian --systemd --exportdir --list --static --targets --exit --interactive --clear --test'.split(' '),
];

/** Cells of the table on a page that begins with this header. */
function table(page: string, header: string): string[][] {
  const [, after = ''] = (pages.find(({ name }) => name === page)?.text ?? '').split(`${header}\n`);
  const rows = (after.split('\n\n')[0] ?? '').trim().split('\n').slice(1);
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe('the version of package.json', () => {
  const { version } = JSON.parse(read('package.json'));

  it('is the first in CHANGELOG.md', () => {
    expect(/^## (.*)$/m.exec(read('CHANGELOG.md'))?.[1]).to.equal(version);
  });

  it('is what a release builds, and what a cluster pulls', () => {
    expect(/variable "VERSION" +\{ default = "(.*)" \}/.exec(read('docker-bake.hcl'))?.[1]).to.equal(version);
    for (const file of ['base/daemonset.yaml', 'binfmt.yaml', 'kustomization.yaml']) {
      const [, tag] = /^ +(?:image: binfmt:|newTag: )(.*)$/m.exec(read(`deploy/kubernetes/${file}`)) ?? [];
      expect(tag, file).to.equal(version);
    }
  });
});

describe('docs/persistence.md', () => {
  it('says the same next step for an export as the program', () => {
    const header = '| format | files, apart from the emulators in `/usr/local/lib/binfmt` | next step on the host |';
    const rows = table('docs/persistence.md', header);
    for (const format of exportFormatNames) {
      const row = rows.find(([cell = '']) => cell.includes(`\`${format}\``));
      expect(row, format).not.to.equal(undefined);
      const command = /^`(.*)`$/.exec(row?.[2] ?? '')?.[1];
      if (command && format !== 'debian') expect(nextStep(format, [])).to.equal(command);
    }
  });
});

for (const { name, text } of pages) {
  describe(name, () => {
    it('has tables that are up to date (npm run docs)', () => expect(text).to.equal(withTables(text)));

    it('names only options and commands that exist', () => {
      // Lines that call binfmt; other programs have options of their own.
      const calls = [...text.matchAll(/(?:docker run[^\n`]* |dist\/)binfmt((?: [^\n`|>;]+)?)/g)].map(
        ([, words = '']) => words,
      );
      for (const words of calls) {
        if (translate(words.trim().split(' '))) continue;
        const own = words.split(' -- ')[0] ?? '';
        const command =
          commands.find((each) => each.name !== '' && own.trim().split(' ')[0] === each.name) ?? commands[0];
        const options = [...Object.keys(command.options), 'help'];
        for (const [, option = ''] of own.matchAll(/ --([a-z0-9-]+)/g)) expect(options, words).to.include(option);
      }
    });

    it('names only files that exist', () => {
      const named = [...text.matchAll(/`((?:src|test|qemu|image|bench|deploy|docs|\.ci|\.github)\/[\w./-]*\w)`/g)];
      const missing = named
        .map(([, file = '']) => file)
        .filter((file) => !/NAME|vax/.test(file) && !fs.existsSync(path.join(ROOT, file)));
      expect(missing).to.deep.equal([]);
    });

    it('names only scripts, kinds of tests and targets that exist', () => {
      const unknown = (pattern: RegExp, known: readonly (string | undefined)[]) =>
        [...text.matchAll(pattern)]
          .flatMap(([, list = '']) => list.trim().split(' '))
          .filter((word) => word !== '' && !known.includes(word));
      expect(unknown(/npm run ([a-z]+(?::[a-z]+)*)/g, Object.keys(scripts))).to.deep.equal([]);
      expect(unknown(/npm (?:test|run test:all) --((?: [a-z]+)+)/g, kinds)).to.deep.equal([]);
      expect(unknown(/docker buildx bake(?: --[\w=-]+)*((?: [a-z][a-z-]*)*)/g, targets)).to.deep.equal([]);
    });

    it('names only options that binfmt has, or another one', () => {
      const named = [...text.matchAll(/`(--[a-z0-9-]+)[^`]*`/g)].map(([, option = '']) => option);
      expect(named.filter((option) => !ownOptions.includes(option) && !othersOptions.includes(option))).to.deep.equal(
        [],
      );
    });

    it('has links that lead somewhere', () => {
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [file = '', anchor] = target.split('#');
        const page = file === '' ? name : path.join(path.dirname(name), file);
        expect(fs.existsSync(path.join(ROOT, page)), target).to.equal(true);
        if (anchor === undefined) continue;
        const linked = fs.readFileSync(path.join(ROOT, page), 'utf8');
        const ids = [...linked.matchAll(/<a id="([\w-]+)">/g)].map(([, id]) => id);
        const headings = [...linked.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
          heading
            .toLowerCase()
            .replace(/[^\w\- ]/g, '')
            .replaceAll(' ', '-'),
        );
        expect([...ids, ...headings], target).to.include(anchor);
      }
    });
  });
}

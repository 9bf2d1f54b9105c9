import { expect } from 'chai';
import { usage } from '../../src/cli/usage.js';
import { commands } from '../../src/commands/index.js';

describe('the usage text', () => {
  it('has a section for every command, with its options and an example', () => {
    const text = usage(commands);
    for (const { name, summary, options, example } of commands) {
      expect(text).to.contain(`binfmt ${name}`.trim()).and.contain(summary).and.contain(`Example: ${example}\n`);
      for (const option of Object.keys(options)) expect(text).to.match(new RegExp(`^  --${option}[ []`, 'm'));
    }
    expect(text).to.match(/^ {2}--help +\S/m);
  });

  it('of one command has only that command', () => {
    const doctor = commands.find(({ name }) => name === 'doctor');
    const text = usage(doctor ? [doctor] : []);
    expect(text).to.contain('--list-checks').and.not.contain('--uninstall');
  });

  it('has examples that the parser accepts', async () => {
    const { parseCommandLine } = await import('../../src/cli/parse.js');
    for (const { name, example } of commands) {
      const [, ...argv] = example.replace(/ \|.*/, '').split(' ');
      const line = parseCommandLine(argv);
      expect(line.kind === 'run' && line.command.name, example).to.equal(name);
    }
  });

  it('fits into 120 columns', () => {
    expect(
      usage(commands)
        .split('\n')
        .filter((line) => line.length > 120),
    ).to.deep.equal([]);
  });
});

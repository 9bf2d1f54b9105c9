import { expect } from 'chai';
import { type Manage, parseCommand } from '../src/cli.js';
import { commands, usage } from '../src/options.js';

function manage(argv: string[], environment: NodeJS.ProcessEnv = {}): Manage {
  const command = parseCommand(argv, environment);
  if (command.kind !== 'manage') throw new Error(JSON.stringify(command));
  return command;
}

describe('the command line', () => {
  it('without arguments asks for the status', () => {
    expect(manage([])).to.deep.include({ install: undefined, uninstall: undefined, mount: undefined });
    expect(manage([]).options).to.deep.equal({ credentials: true, preserveArgv0: true, force: false, keep: false });
  });

  for (const argv of [
    ['--install', 'arm64,riscv64'],
    ['-install', 'arm64,riscv64'],
    ['--install=arm64,riscv64'],
    ['-install=arm64,riscv64'],
    ['--install', 'arm64', '--install', 'riscv64'],
    ['--install', ' arm64 , riscv64,'],
  ]) {
    it(`${argv.join(' ')} is a list`, () => expect(manage(argv).install).to.deep.equal(['arm64', 'riscv64']));
  }

  it('takes both in one call, and every option', () => {
    const all = [
      '--uninstall',
      'qemu-*',
      '--install',
      'all',
      '--force',
      '--keep',
      '--no-credentials',
      '--no-preserve-argv0',
    ];
    expect(manage([...all, '--mount', '/m'])).to.deep.equal({
      kind: 'manage',
      uninstall: ['qemu-*'],
      install: ['all'],
      mount: '/m',
      allowUserNamespace: false,
      watch: undefined,
      options: { credentials: false, preserveArgv0: false, force: true, keep: true },
    });
  });

  it('takes what belongs to --watch, in seconds', () => {
    const argv = '--install all --watch --interval 5 --backoff 0 --log-format json --listen 9090 --on-exit uninstall';
    expect(manage(argv.split(' ')).watch).to.deep.equal({
      interval: 5000,
      backoff: 0,
      logFormat: 'json',
      listen: { kind: 'tcp', host: '127.0.0.1', port: 9090 },
      uninstallOnExit: true,
    });
    expect(manage(['--install', 'all', '--watch']).watch).to.include({
      interval: 60_000,
      backoff: 300_000,
      logFormat: 'text',
    });
  });

  it('has a health check', () => {
    expect(parseCommand(['healthcheck'], {})).to.deep.equal({ kind: 'healthcheck', address: undefined, strict: false });
    expect(parseCommand(['healthcheck', '--strict', '--listen', 'unix:/s'], {})).to.deep.equal({
      kind: 'healthcheck',
      address: { kind: 'unix', path: '/s' },
      strict: true,
    });
  });

  it('has a doctor, of platforms with commas or spaces', () => {
    expect(parseCommand(['doctor'], {})).to.deep.equal({
      kind: 'doctor',
      words: [],
      mount: undefined,
      allowUserNamespace: false,
      json: false,
      verbose: false,
      repeat: 1,
      checks: undefined,
      listChecks: false,
    });
    const argv =
      'doctor arm64,386 riscv64 --json --verbose --repeat 20 --check vanishing --check no-entry,native --mount /m'.split(
        ' ',
      );
    expect(parseCommand(argv, {})).to.deep.include({
      words: ['arm64', '386', 'riscv64'],
      json: true,
      repeat: 20,
      checks: ['vanishing', 'no-entry', 'native'],
      mount: '/m',
    });
  });

  for (const [line, platforms, command] of [
    ['run ls', [], ['ls']],
    ['run -- ls -l', [], ['ls', '-l']],
    ['run arm64 -- ls', ['arm64'], ['ls']],
    ['run arm64,linux/arm/v7 ls --install', ['arm64', 'linux/arm/v7'], ['ls', '--install']],
    ['run arm64', [], ['arm64']],
    ['run arm64x ls', [], ['arm64x', 'ls']],
    ['run all -- ls -- x', ['all'], ['ls', '--', 'x']],
    ['run git log -- -file', [], ['git', 'log', '--', '-file']],
    ['run -- arm64 ls', [], ['arm64', 'ls']],
  ] as const) {
    it(`${line}: platforms ${platforms.join() || '-'}, command ${command.join(' ')}`, () => {
      expect(parseCommand(line.split(' '), {})).to.deep.equal({ kind: 'run', root: undefined, platforms, command });
    });
  }

  it('run has its own options in front, and leaves those of the command alone', () => {
    for (const root of [['--root', '/r'], ['--root=/r'], ['-root', '/r']]) {
      expect(parseCommand(['run', ...root, 'arm64', '--', 'a', '--root', 'b'], {})).to.deep.equal({
        ...{ kind: 'run', root: '/r', platforms: ['arm64'], command: ['a', '--root', 'b'] },
      });
    }
  });

  it('export takes a format and platforms', () => {
    expect(parseCommand('export systemd arm64,386 s390x --root /r --force'.split(' '), {})).to.deep.equal({
      ...{ kind: 'export', format: 'systemd', words: ['arm64', '386', 's390x'], root: '/r', force: true },
    });
    expect(parseCommand(['export', 'none'], {})).to.deep.include({ words: ['all'], root: undefined, force: false });
  });

  for (const [value, preserved] of [
    ['1', true],
    ['', true],
    ['0', false],
    ['false', false],
  ] as const) {
    it(`QEMU_PRESERVE_ARGV0=${value}: ${preserved}`, () => {
      expect(manage([], { QEMU_PRESERVE_ARGV0: value }).options.preserveArgv0).to.equal(preserved);
    });
  }

  for (const [argv, quoted] of [
    [['--instal', 'arm64'], '"--instal"'],
    [['-x'], '"-x"'],
    [['--no-install'], '"--no-install"'],
    [['--force=no'], '--force takes no value, not "no"'],
    [['--keep=false'], '--keep takes no value'],
    [['--__proto__=x'], '"--__proto__=x"'],
    [['--no-force'], '"--no-force"'],
    [['arm64'], '"arm64"'],
    [['--install', 'arm64', 'riscv64'], '--install arm64,riscv64'],
    [['--install'], '--install takes a list'],
    [['--install', ''], '--install takes a list'],
    [['--install', ','], '--install takes a list'],
    [['--install', '--force'], '--install takes a list'],
    [['--uninstall'], '--uninstall takes a list'],
    [['--mount'], '--mount takes a directory'],
    [['--version', 'x'], '"x"'],
    [['healthcheck', 'x'], '"x"'],
    [['--watch'], '--watch goes with --install LIST'],
    [['--install', 'all', '--interval', '5'], '--interval goes with --watch'],
    [['--install', 'all', '--json'], '"--json"; it belongs to: binfmt doctor'],
    [['--mount', '/m', 'doctor'], 'unexpected "doctor"'],
    [['doctor', '--install', 'all'], '"--install"; it belongs to: binfmt'],
    [['run', '--nonsense', 'ls'], '"--nonsense"'],
    [['run', 'mainframe', '--', 'ls'], '"mainframe"'],
    [['export'], 'not ""'],
    [['export', 'tarball'], 'systemd, openrc, debian, nixos, none, not "tarball"'],
    [['export', 'none', '--force'], '--force goes with --root DIR'],
    [['doctor', '--repeat', '0'], 'not "0"'],
    [['doctor', '--repeat', '1.5'], 'a whole number, from 1 to 10000, not "1.5"'],
    [['doctor', '--repeat'], 'not ""'],
    [['doctor', '--check', 'colour'], 'a name of --list-checks, not "colour"'],
    [['--install', 'all', '--watch', '--interval', 'x'], 'not "x"'],
    [['--install', 'all', '--watch', '--interval', '0'], 'not "0"'],
    [['--install', 'all', '--watch', '--backoff', ''], 'not ""'],
    [['--install', 'all', '--watch', '--log-format', 'xml'], 'text or json, not "xml"'],
    [['--install', 'all', '--watch', '--listen', 'x:y'], 'not "x:y"'],
    [['--install', 'all', '--watch', '--on-exit', 'x'], 'keep or uninstall, not "x"'],
  ] as const) {
    it(`${argv.join(' ')} is wrong, and quoted`, () => {
      const command = parseCommand(argv, {});
      expect(command.kind === 'usage-error' && command.cause).to.contain(quoted);
    });
  }

  it('refuses a prefix with a slash', () => {
    expect(parseCommand([], { QEMU_BINARY_PREFIX: 'a/b' })).to.have.property('kind', 'usage-error');
  });

  it('has help and version, with one dash or two', () => {
    for (const argv of [['--help'], ['-h'], ['-help']]) expect(parseCommand(argv, {}).kind).to.equal('help');
    for (const argv of [['--version'], ['-version']]) expect(parseCommand(argv, {})).to.deep.equal({ kind: 'version' });
  });

  for (const [name, line] of [
    ['', []],
    ['doctor', ['doctor']],
    ['run', ['run', 'true']],
    ['export', ['export', 'none']],
    ['healthcheck', ['healthcheck']],
  ] as const) {
    it(`${name || 'no command'} is a command of its own, and has a usage text of its own`, () => {
      expect(parseCommand(line, {}).kind).to.equal(name || 'manage');
      const help = parseCommand([...(name ? [name] : []), '--help'], {});
      const text = help.kind === 'help' ? usage(help.of) : '';
      expect(text).to.match(new RegExp(`^Usage: binfmt ${name}`));
      for (const { name: other } of commands.filter((each) => each.name !== '' && each.name !== name)) {
        expect(text.includes(`binfmt ${other} `), other).to.equal(name === '');
      }
    });
  }

  it('has no other command', () => {
    expect(commands.map(({ name }) => name)).to.have.members(['', 'doctor', 'run', 'export', 'healthcheck']);
  });

  it('has every option that the usage text speaks of, also in its sentences', () => {
    const options = new Set(commands.flatMap((command) => command.options.map(({ name }) => name)));
    const spoken = [...usage().matchAll(/--([a-z][a-z0-9-]*)/g)].map(([, name]) => name ?? '');
    expect(spoken.filter((name) => !options.has(name) && name !== 'help')).to.deep.equal([]);
  });
});

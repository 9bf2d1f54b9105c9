import { expect } from 'chai';
import { parseCommandLine } from '../../src/cli/parse.js';
import { commands } from '../../src/commands/index.js';
import { exportFormatNames, persistFormatNames } from '../../src/core/persist/formats.js';
import { listed } from '../../src/core/text.js';
import { errorOf, parsed } from '../support/command-line.js';

const argsOf = (line: string) => parsed(line.split(' ').filter((word) => word !== '')).args;

describe('the command line without a command', () => {
  it('asks for the status if it is empty', () => {
    expect(parsed([])).to.deep.equal({
      command: '',
      args: {
        version: false,
        install: undefined,
        after: undefined,
        uninstall: undefined,
        options: { credentials: true, preserveArgv0: true, force: false, keep: false },
        mount: { dir: undefined, allowUserNamespace: false, rootless: undefined },
        watch: undefined,
        persist: undefined,
      },
    });
  });

  for (const [line, persist] of [
    ['--install arm64 --persist', { format: 'any', root: undefined }],
    ['--persist --uninstall arm64', { format: 'any', root: undefined }],
    ['--install arm64 --persist=openrc --host /host', { format: 'openrc', root: '/host' }],
    ['-persist -install arm64', { format: 'any', root: undefined }],
  ] as const) {
    it(`takes --persist from ${line}`, () => expect(argsOf(line)['persist']).to.deep.equal(persist));
  }

  for (const argv of [
    ['--install', 'arm64,riscv64'],
    ['-install', 'arm64,riscv64'],
    ['--install=arm64,riscv64'],
    ['-install=arm64,riscv64'],
    ['--install', 'arm64', '--install', 'riscv64'],
    ['--install', ' arm64 , riscv64,'],
  ]) {
    it(`takes a list from ${argv.join(' ')}`, () => {
      expect(parsed(argv).args['install']).to.deep.equal(['arm64', 'riscv64']);
    });
  }

  it('takes --after only with --install, and without what contradicts it', () => {
    expect(argsOf('--install amd64 --after rosetta')).to.deep.include({ install: ['amd64'], after: 'rosetta' });
    expect(errorOf(['--after', 'rosetta'])).to.equal('--after needs --install LIST');
    for (const option of ['watch', 'force', 'keep', 'persist', 'rootless']) {
      expect(errorOf(['--install', 'all', '--after', 'a', `--${option}`])).to.equal(
        `--after and --${option} cannot be used together`,
      );
    }
  });

  it('keeps the text of --uninstall whole, because an entry may have a comma in its name', () => {
    expect(parsed(['--uninstall', 'a,b', '--uninstall', 'c d']).args['uninstall']).to.equal('a,b,c d');
  });

  it('takes --uninstall and --install in one call, with every option', () => {
    const line =
      '--uninstall qemu-* --install all --force --keep --no-credentials --no-preserve-argv0 --mount /m --allow-userns';
    expect(argsOf(line)).to.deep.include({
      uninstall: 'qemu-*',
      install: ['all'],
      options: { credentials: false, preserveArgv0: false, force: true, keep: true },
      mount: { dir: '/m', allowUserNamespace: true, rootless: undefined },
    });
  });

  it('takes back an option with its positive form', () => {
    expect(argsOf('--install all --no-credentials --credentials')['options']).to.include({ credentials: true });
  });

  it('reads the options of --watch in seconds', () => {
    const line = '--install all --watch --interval 5 --backoff 0 --log-format json --listen 9090 --on-exit uninstall';
    expect(argsOf(line)['watch']).to.deep.equal({
      interval: 5000,
      backoff: 0,
      logFormat: 'json',
      listen: { kind: 'tcp', host: '127.0.0.1', port: 9090 },
      uninstallOnExit: true,
      node: undefined,
    });
    expect(argsOf('--install all --watch')['watch']).to.deep.equal({
      ...{ interval: 60_000, backoff: 300_000, logFormat: 'text', listen: undefined, uninstallOnExit: false },
      node: undefined,
    });
  });

  it('reads what --watch is to do with a Kubernetes node', () => {
    const nodeOf = (line: string) => (argsOf(`--install all --watch ${line}`)['watch'] as { node: unknown }).node;
    expect(nodeOf('--node n1')).to.deep.equal({ node: 'n1', prefix: 'binfmt', taint: undefined });
    expect(nodeOf('--node n1 --node-prefix example.com --remove-taint example.com/starting')).to.deep.equal({
      ...{ node: 'n1', prefix: 'example.com', taint: 'example.com/starting' },
    });
  });

  it('has a version, with one dash or two', () => {
    for (const word of ['--version', '-version']) expect(parsed([word]).args['version']).to.equal(true);
  });
});

describe('a message to explain', () => {
  for (const message of [
    '-bash: ./x: cannot execute binary file: Exec format error',
    '- exec format error',
    '--> STEP 2: exec format error',
    '-1 error',
    '#7 0.1 one line\n#7 0.2 another\tone\n',
    '-x: first\n-y: second',
    '-x=1: foo',
  ]) {
    it(`may be ${JSON.stringify(message)}`, () => {
      expect(parsed(['doctor', '--explain', message, '--json']).args).to.include({ message, json: true });
      expect(parsed(['doctor', `--explain=${message}`]).args).to.include({ message });
    });
  }

  it('may come from standard input', () => {
    expect(parsed(['doctor', '--explain', '-']).args).to.include({ message: '-' });
  });
});

describe('--rootless', () => {
  for (const [line, engine] of [
    ['--rootless', 'any'],
    ['-rootless', 'any'],
    ['--rootless=podman', 'podman'],
    ['--rootless=docker --install arm64', 'docker'],
    ['--rootless --install arm64', 'any'],
    ['doctor --rootless arm64', 'any'],
  ] as const) {
    it(`is ${engine} in "${line}"`, () => {
      expect(argsOf(line)).to.have.nested.property('mount.rootless', engine);
    });
  }

  it('excludes --mount and --allow-userns', () => {
    expect(errorOf(['--rootless', '--mount', '/m'])).to.equal('--rootless and --mount cannot be used together');
    expect(errorOf(['doctor', '--rootless', '--allow-userns'])).to.equal(
      '--rootless and --allow-userns cannot be used together',
    );
  });

  it('takes no value without "="', () => {
    expect(argsOf('doctor --rootless arm64')).to.deep.include({ words: ['arm64'] });
  });
});

describe('the command doctor', () => {
  it('is about every platform by default', () => {
    expect(parsed(['doctor'])).to.deep.equal({
      command: 'doctor',
      args: {
        ...{ words: [], json: false, verbose: false, repeat: 1, only: undefined, listChecks: false },
        message: undefined,
        mount: { dir: undefined, allowUserNamespace: false, rootless: undefined },
      },
    });
  });

  it('takes platforms with commas or spaces, and options anywhere', () => {
    const line =
      'doctor arm64,386 riscv64 --json --verbose --repeat 20 --check vanishing --check no-entry,native --mount /m';
    expect(argsOf(line)).to.deep.include({
      words: ['arm64', '386', 'riscv64'],
      json: true,
      repeat: 20,
      only: ['vanishing', 'no-entry', 'native'],
      mount: { dir: '/m', allowUserNamespace: false, rootless: undefined },
    });
  });
});

describe('the command run', () => {
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
    it(`reads "${line}" as the command ${command.join(' ')} with ${platforms.join() || 'every platform'}`, () => {
      expect(argsOf(line)).to.deep.equal({ root: undefined, platforms, command });
    });
  }

  it('takes its own options before the command, and leaves those of the command alone', () => {
    for (const root of ['--root /r', '--root=/r', '-root /r']) {
      expect(argsOf(`run ${root} arm64 -- a --root b`)).to.deep.equal({
        ...{ root: '/r', platforms: ['arm64'], command: ['a', '--root', 'b'] },
      });
    }
  });
});

describe('the command export', () => {
  it('takes a format and platforms', () => {
    expect(argsOf('export systemd arm64,386 s390x --root /r --force')).to.deep.equal({
      ...{ format: 'systemd', words: ['arm64', '386', 's390x'], root: '/r', force: true },
    });
    expect(argsOf('export none')).to.deep.include({ words: ['all'], root: undefined, force: false });
  });
});

describe('the command healthcheck', () => {
  it('asks at the default address if none is named', () => {
    expect(parsed(['healthcheck'])).to.deep.equal({
      command: 'healthcheck',
      args: { address: undefined, strict: false },
    });
    expect(argsOf('healthcheck --strict --listen unix:/s')).to.deep.equal({
      ...{ address: { kind: 'unix', path: '/s' }, strict: true },
    });
  });
});

describe('--help', () => {
  it('prints the usage of every command, or of one', () => {
    for (const argv of [['--help'], ['-h'], ['-help']]) {
      const line = parseCommandLine(argv);
      expect(line.kind === 'help' && line.of).to.equal(commands);
    }
    for (const command of commands.filter(({ name }) => name !== '')) {
      const line = parseCommandLine([command.name, '--help']);
      expect(line.kind === 'help' && line.of).to.deep.equal([command]);
    }
  });
});

describe('a wrong command line', () => {
  for (const [line, message] of [
    ['--instal arm64', 'unknown option "--instal"; did you mean --install?'],
    ['--unisntall arm64', 'unknown option "--unisntall"; did you mean --uninstall?'],
    ['-x', 'unknown option "-x"'],
    ['--no-install', 'unknown option "--no-install"'],
    ['--__proto__=x', 'unknown option "--__proto__=x"'],
    ['--constructor', 'unknown option "--constructor"'],
    ['--no-force', 'unknown option "--no-force"'],
    ['--force=no', '--force takes no value, but you gave "no"'],
    ['--keep=false', '--keep takes no value, but you gave "false"'],
    ['install arm64', 'unexpected argument "install"; did you mean --install arm64?'],
    ['install arm64 riscv64', 'unexpected argument "install"; did you mean --install arm64,riscv64?'],
    ['doctr', 'unexpected argument "doctr"; did you mean doctor?'],
    ['arm64', 'unexpected argument "arm64"'],
    ['--install arm64 riscv64', 'unexpected argument "riscv64"; did you mean --install arm64,riscv64?'],
    ['--install', '--install takes a list, such as --install arm64,riscv64'],
    ['--install ,', '--install takes a list'],
    ['--install --force', '--install takes a list'],
    ['--uninstall', '--uninstall takes a list'],
    ['--mount', '--mount takes a directory'],
    ['--version x', 'unexpected argument "x"'],
    ['install mainframe', 'unexpected argument "install"'],
    ['--uninstall qemu-arm qemu-x', 'unexpected argument "qemu-x"; did you mean --uninstall qemu-arm,qemu-x?'],
    ['--install all mainframe', 'unexpected argument "mainframe"'],
    [
      '--install all 2',
      'unexpected argument "2"; if you typed "2&>", the shell took the 2 for an argument; type "2>" or "&>"',
    ],
    ['doctor --explain -x', 'unknown option "-x"'],
    ['healthcheck x', 'unexpected argument "x"'],
    ['--watch', '--watch needs --install LIST'],
    ['--persist', '--persist needs --install LIST or --uninstall LIST'],
    ['--install all --host /', '--host needs --persist'],
    ['--install all --persist --watch', '--persist and --watch cannot be used together'],
    ['--install all --persist --keep', '--persist and --keep cannot be used together'],
    ['--install all --persist --rootless', '--persist and --rootless cannot be used together'],
    ['--install all --persist=sysv', `--persist takes ${listed(persistFormatNames, 'or')}, not "sysv"`],
    ['--install all --interval 5', '--interval needs --watch'],
    ['--install all --listen 80', '--listen needs --watch'],
    ['--install all --node n', '--node needs --watch'],
    ['--install all --watch --node-prefix p', '--node-prefix needs --node'],
    ['--install all --watch --remove-taint k', '--remove-taint needs --node'],
    ['--install all --watch --node $(NODE_NAME)', '--node takes the name of a node, in lower case, not "$(NODE_NAME)"'],
    [
      '--install all --watch --node n --node-prefix A.b',
      '--node-prefix takes a DNS name in lower case, such as example.com, not "A.b"',
    ],
    [
      '--install all --watch --node n --remove-taint k=v:NoSchedule',
      'without value and effect, such as example.com/starting, not "k=v:NoSchedule"',
    ],
    ['--install all --json', 'unknown option "--json" (use it with "binfmt doctor")'],
    ['--mount /m doctor', '"doctor" has to be the first word: binfmt doctor ...'],
    ['-- --install arm64', 'unknown option "--"'],
    ['--', 'unknown option "--"'],
    ['-instal arm64', 'unknown option "-instal"; did you mean --install?'],
    ['export systemd ', 'unexpected argument ""'],
    ['doctor --install all', 'unknown option "--install" (use it with "binfmt")'],
    ['doctor --verbos', 'unknown option "--verbos"; did you mean --verbose?'],
    ['run --nonsense ls', 'unknown option "--nonsense"'],
    ['run mainframe -- ls', '"mainframe" is not an architecture'],
    ['run', 'run: missing COMMAND'],
    ['run --root', '--root takes a directory'],
    ['export', `export: missing FORMAT (one of ${exportFormatNames.join(', ')})`],
    [
      'export systmd',
      `export: unknown format "systmd" (one of ${exportFormatNames.join(', ')}); did you mean systemd?`,
    ],
    ['export none --force', '--force needs --root DIR'],
    ['doctor --repeat 0', '--repeat takes a whole number from 1 to 10000, not "0"'],
    ['doctor --repeat 1.5', 'not "1.5"'],
    ['doctor --repeat', '--repeat takes a whole number from 1 to 10000'],
    ['doctor --check', '--check takes the name of a check'],
    ['--install all --watch --interval x', '--interval takes seconds from 0.1 to 86400, not "x"'],
    ['--install all --watch --interval 0', 'not "0"'],
    ['--install all --watch --log-format xml', '--log-format takes text or json, not "xml"'],
    ['--install all --watch --listen x:y', '--listen takes [HOST:]PORT or unix:PATH, not "x:y"'],
    ['--install all --watch --on-exit x', '--on-exit takes keep or uninstall, not "x"'],
  ] as const) {
    it(`quotes what is wrong in "${line}"`, () => expect(errorOf(line.split(' '))).to.contain(message));
  }

  it('has no suggestion that would fail', () => {
    for (const line of [
      ...['install', 'uninstall', 'install mainframe', '--install all mainframe', '--install all 2'],
      ...['--uninstall arm64 x', '--uninstall arm64 '],
    ])
      expect(errorOf(line.split(' '))).not.to.contain('did you mean');
  });

  it('is refused if a value is empty', () => {
    for (const argv of [
      ['--install', ''],
      ['--mount', ''],
      ['--mount', '/a\tb'],
      ['--install', 'all', '--watch', '--backoff', ''],
    ]) {
      expect(errorOf(argv)).to.contain(' takes ');
    }
  });

  it('is quoted without control characters, and cut at about 80 characters', () => {
    expect(errorOf(['\x1b[31marm64'])).to.contain('"\\x1b[31marm64"');
    expect(errorOf([`--${'x'.repeat(5000)}`]).length).to.be.below(120);
  });
});

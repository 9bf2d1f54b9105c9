/** `binfmt [--uninstall LIST] [--install LIST [--watch]]`: removes and registers, then prints the status. */
import { persistFormatNames } from '../core/persist/formats.js';
import type { UsageError } from '../core/report/usage-text.js';
import { listed } from '../core/text.js';
import {
  choice,
  defineCommand,
  flag,
  number,
  optionalChoice,
  splitList,
  text,
  texts,
  type ValuesOf,
} from './command.js';
import { nodeOptions, readNodeOptions } from './node-options.js';
import type { Arguments, Service } from './registrations/arguments.js';
import { change } from './registrations/change.js';
import { version } from './registrations/report-version.js';
import { listenOption, mountOptions, readMountOptions } from './shared-options.js';

const SECONDS_IN_A_DAY = 86_400;

/** Options that mean something only together with --watch. */
const watchOptions = {
  interval: number('SECONDS', 'with --watch: seconds between full checks (default: 60)', {
    ...{ unit: 'seconds', least: 0.1, most: SECONDS_IN_A_DAY },
  }),
  backoff: number('SECONDS', 'with --watch: the longest wait between two tries (default: 300)', {
    ...{ unit: 'seconds', least: 0, most: SECONDS_IN_A_DAY },
  }),
  'log-format': choice('FORMAT', 'with --watch: text or json (default: text)', ['text', 'json']),
  'on-exit': choice('ACTION', 'with --watch: keep or uninstall what was registered (default: keep)', [
    'keep',
    'uninstall',
  ]),
  listen: listenOption('with --watch: also serve its status at'),
  ...nodeOptions,
} as const;

const options = {
  install: texts(
    'LIST',
    'register emulators: all, or names such as arm64,riscv64,linux/arm/v7',
    'a list, such as --install arm64,riscv64',
  ),
  uninstall: texts(
    'LIST',
    "remove entries: all, names, patterns such as 'qemu-*', architectures",
    'a list, such as --uninstall arm64,riscv64',
  ),
  after: text('NAME', 'with --install: the entry NAME (box64, Rosetta ...) keeps precedence', 'the name of an entry'),
  force: flag('take precedence over working entries of other names; with --persist, replace changed files'),
  keep: flag('keep a working entry even if its QEMU is older or its flags differ'),
  'no-credentials': flag('without flag C: setuid programs do not get their privileges'),
  'no-preserve-argv0': flag('without flag P: programs see their path as argv[0]'),
  persist: optionalChoice(
    'FORMAT',
    `copy the emulators to the host, for every boot (${listed(persistFormatNames, 'or')})`,
    persistFormatNames,
  ),
  host: text(
    'DIR',
    "with --persist: the host's root directory (default: that of process 1, with --pid=host)",
    'a directory',
  ),
  ...mountOptions,
  watch: flag('with --install: keep running, and restore entries that are removed or stop working'),
  ...watchOptions,
  version: flag('print the versions of binfmt, QEMU and Node.js'),
} as const;

type OptionName = keyof typeof options;
type Rules = Partial<Record<OptionName, readonly OptionName[]>>;

/** What an option needs: one of these. */
const needed: Rules = {
  after: ['install'],
  watch: ['install'],
  ...(Object.fromEntries(Object.keys(watchOptions).map((option) => [option, ['watch']])) as Rules),
  persist: ['install', 'uninstall'],
  host: ['persist'],
};

const excluded: Rules = {
  after: ['watch', 'force', 'keep', 'persist', 'rootless'],
  persist: ['watch', 'keep', 'rootless', 'allow-userns'],
  // It says what the whole node runs.
  node: ['rootless'],
};

function checkTogether(values: ValuesOf<typeof options>, report: (error: UsageError) => void): void {
  const isSet = (option: OptionName) => values[option] !== undefined && values[option] !== false;
  const rulesOf = (rules: Rules) =>
    (Object.entries(rules) as [OptionName, readonly OptionName[]][]).filter(([option]) => isSet(option));
  for (const [option, others] of rulesOf(needed)) {
    const other = others.map((each) => (each.endsWith('install') ? `${each} LIST` : each));
    if (!others.some(isSet)) report({ kind: 'needs-option', option, other });
  }
  for (const [option, others] of rulesOf(excluded)) {
    for (const other of others.filter(isSet)) report({ kind: 'excludes', option, other });
  }
}

export const defaultCommand = defineCommand({
  name: '',
  synopsis: '[OPTION]...',
  summary: 'Register or remove emulators, then print the supported platforms as JSON.',
  example: 'binfmt --install arm64,riscv64',
  words: 'none',
  options,
  parse(values, given, report): Arguments {
    checkTogether(values, report);
    const { install, uninstall, watch, persist: format, host } = values;
    const service: Service = {
      interval: 1000 * (values.interval ?? 60),
      backoff: 1000 * (values.backoff ?? 300),
      logFormat: values['log-format'] ?? 'text',
      uninstallOnExit: values['on-exit'] === 'uninstall',
      listen: values.listen,
      node: readNodeOptions(values, given, report),
    };
    return {
      version: values.version,
      install: install && splitList(install),
      after: values.after,
      uninstall: uninstall?.join(','),
      options: {
        credentials: !values['no-credentials'],
        preserveArgv0: !values['no-preserve-argv0'],
        force: values.force,
        keep: values.keep,
      },
      mount: readMountOptions(values, report),
      watch: watch ? service : undefined,
      persist: format && { format, root: host },
    };
  },
  async run(given, context) {
    if (given.version) return version(context);
    const { options } = given;
    const args = { ...given, options: { ...options, preserveArgv0: options.preserveArgv0 && context.preserveArgv0 } };
    if (!args.watch) return change(args, context);
    return (await import('./registrations/watch.js')).watch(args, args.watch, context);
  },
});

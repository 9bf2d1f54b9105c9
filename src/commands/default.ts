/** `binfmt [--uninstall LIST] [--install LIST [--watch]]`: removes and registers, then prints the status. */
import { architectures } from '../core/architectures.js';
import type { NodeOptions } from '../core/cluster.js';
import { logFormats } from '../core/events.js';
import { noEmulators } from '../core/messages/emulator-problems.js';
import { engineWithoutEntries } from '../core/messages/rootless-problems.js';
import type { Note } from '../core/note.js';
import { persistFormatNames } from '../core/persist-formats.js';
import type { InstallOptions } from '../core/plan.js';
import { formatPlatform } from '../core/platform.js';
import { isProblem, type Problem, problemOf } from '../core/problem.js';
import { planRemoval, splitRemovals } from '../core/removal.js';
import { reportBatch, reportProblem } from '../core/render.js';
import type { Item, Line, Report } from '../core/report-lines.js';
import { architecturesOf, parseSelection, selectPlatforms } from '../core/selection.js';
import type { Emulator, Snapshot } from '../core/snapshot.js';
import { formatStatus, statusOf } from '../core/status.js';
import { readEntries, unregister } from '../system/binfmt/entries.js';
import { closeBinfmt } from '../system/binfmt/mount.js';
import { type Installation, installPlatforms } from '../system/change/install.js';
import { installBehind } from '../system/change/install-behind.js';
import { removeLeftovers } from '../system/change/leftovers.js';
import { persistPlatforms, type TargetHost } from '../system/change/persist.js';
import { engineEnds } from '../system/change/rootless.js';
import { takeBack } from '../system/change/take-back.js';
import { formatOf, type HostOptions, lockHost, openHost, otherProcessor } from '../system/change/target-host.js';
import { findCluster } from '../system/cluster/find-cluster.js';
import { findEmulator, readVersions } from '../system/host/emulators.js';
import { type OpenOptions, openSystem, type Setup, type System } from '../system/system.js';
import { askVersions, takeSnapshot } from '../system/take-snapshot.js';
import { runService, type ServiceOptions } from '../system/watch/service.js';
import {
  type Context,
  choice,
  defineCommand,
  flag,
  number,
  optionalChoice,
  splitList,
  text,
  texts,
} from './command.js';
import { listenOption, mountOptions, readMountOptions, refusal } from './mount-options.js';
import { nodeOptions, readNodeOptions } from './node-options.js';

const SECONDS_IN_A_DAY = 86_400;

/** Options that mean something only together with --watch. */
const watchOptions = {
  interval: number('SECONDS', 'with --watch: seconds between full checks (default: 60)', {
    ...{ unit: 'seconds', least: 0.1, most: SECONDS_IN_A_DAY },
  }),
  backoff: number('SECONDS', 'with --watch: the longest wait between two tries (default: 300)', {
    ...{ unit: 'seconds', least: 0, most: SECONDS_IN_A_DAY },
  }),
  'log-format': choice('FORMAT', 'with --watch: text or json (default: text)', logFormats),
  'on-exit': choice('ACTION', 'with --watch: keep or uninstall what was registered (default: keep)', [
    'keep',
    'uninstall',
  ]),
  listen: listenOption('with --watch: where it also answers'),
  ...nodeOptions,
} as const;

type Service = Omit<ServiceOptions, 'words' | 'options' | 'node'> & { readonly node?: NodeOptions };

interface Arguments {
  readonly version: boolean;
  /** What was given, unsplit: the name of an entry may have a comma in it. */
  readonly uninstall?: string;
  readonly install?: readonly string[];
  /** The entry that stays in front. */
  readonly after?: string;
  readonly options: InstallOptions;
  readonly mount: Omit<OpenOptions, 'toChange'>;
  /** Stay, and keep working what was installed. */
  readonly watch?: Service;
  /** On the host too, so that it has the emulators at every boot. */
  readonly persist?: HostOptions;
}

export const defaultCommand = defineCommand({
  name: '',
  synopsis: '[OPTION]...',
  summary: 'Register or remove emulators, then print the supported platforms as JSON.',
  example: 'binfmt --install arm64,riscv64',
  words: 'none',
  options: {
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
    after: text('NAME', 'with --install: keep the entry NAME (box64, Rosetta ...) in front', 'the name of an entry'),
    force: flag('register in front of a working entry of another name'),
    keep: flag('keep a working entry even if its QEMU is older or its flags differ'),
    'no-credentials': flag('without flag C: setuid programs do not get their privileges'),
    'no-preserve-argv0': flag('without flag P: programs see their path as argv[0]'),
    persist: optionalChoice(
      'FORMAT',
      'copy them to the host, for every boot: systemd, openrc or binfmt-support (default: found)',
      persistFormatNames,
    ),
    host: text('DIR', "with --persist: the host's root directory (default: found, with --pid=host)", 'a directory'),
    ...mountOptions,
    watch: flag('with --install: keep running, and restore entries that are removed or stop working'),
    ...watchOptions,
    version: flag('print the versions of this program, QEMU and Node.js'),
  },
  parse(values, given, report): Arguments {
    const { install, uninstall, watch } = values;
    if (values.after !== undefined) {
      if (install === undefined) report({ kind: 'needs-option', option: 'after', other: 'install LIST' });
      for (const other of ['watch', 'force', 'keep', 'persist', 'rootless'] as const) {
        if (values[other] !== undefined && values[other] !== false)
          report({ kind: 'excludes', option: 'after', other });
      }
    }
    if (watch && install === undefined) report({ kind: 'needs-option', option: 'watch', other: 'install LIST' });
    for (const option of Object.keys(watchOptions)) {
      if (!watch && given.valuesOf(option)) report({ kind: 'needs-option', option, other: 'watch' });
    }
    const { persist: format, host } = values;
    if (format !== undefined && install === undefined && uninstall === undefined) {
      report({ kind: 'needs-option', option: 'persist', other: 'install LIST' });
    }
    for (const other of ['watch', 'keep', 'rootless', 'allow-userns'] as const) {
      if (format !== undefined && values[other]) report({ kind: 'excludes', option: 'persist', other });
    }
    // It says what the whole node runs.
    if (values.node !== undefined && values.rootless !== undefined) {
      report({ kind: 'excludes', option: 'node', other: 'rootless' });
    }
    if (host !== undefined && format === undefined) report({ kind: 'needs-option', option: 'host', other: 'persist' });
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
    return args.watch ? watch(args, args.watch, context) : change(args, context);
  },
});

async function version({ build, setup }: Context): Promise<Report> {
  const first = firstEmulator(setup);
  const [qemu = 'none'] = first?.version ? [first.version] : await askVersions(first ? [first.path] : [], setup);
  const { version, revision, node } = build;
  return { stdout: `binfmt/${version} (${revision}) qemu/${qemu} node/${node}\n`, lines: [], exit: 0 };
}

/** All have the same version. */
function firstEmulator({ emulatorDirectory, host }: Setup): Emulator | undefined {
  const versions = readVersions(emulatorDirectory.path);
  for (const architecture of architectures) {
    const emulator = findEmulator(architecture, emulatorDirectory, host, versions);
    if (emulator) return emulator;
  }
  return undefined;
}

/** Uninstalls, then installs, then reports the status. */
async function change(args: Arguments, context: Context): Promise<Report> {
  const toChange = args.install !== undefined || args.uninstall !== undefined;
  const open = (change: boolean) => openSystem(context.setup, { ...args.mount, toChange: change });
  let system = await open(toChange && args.mount.rootless === undefined);
  const refused = refusal(system.binfmt, args.mount);
  if (refused) return refused;
  if (toChange) await removeLeftovers(system);
  const changes = await (args.persist ? changeHost(args, args.persist, system, context) : changeEntries(args, system));
  const { removed } = changes;
  let { installed } = changes;
  if (args.install && installed?.withoutEntries) {
    // Only now it gets a binfmt_misc of its own, which hides the host's entries.
    system = await open(true);
    installed = await install(args.install, args, system);
  }
  const now = await status(system, installed?.after);
  if (!installed?.registered) await closeBinfmt(system.binfmt, system.launcher);
  const steps = [removed, installed?.report].filter((report) => report !== undefined);
  // A step that failed because of binfmt_misc has already said why the entries cannot be read.
  const unread = steps.some(({ exit }) => exit === 3) ? [] : now.lines;
  const said = new Map([...unread, ...steps.flatMap((step) => step.lines)].map((line) => [JSON.stringify(line), line]));
  const lines = [...said.values()];
  const exit = Math.max(0, ...steps.map((step) => step.exit)) as Report['exit'];
  // Some callers show only the last line.
  return { stdout: now.stdout, lines: [...lines.filter((line) => !isFailure(line)), ...lines.filter(isFailure)], exit };
}

interface Changes {
  readonly removed?: Report;
  readonly installed?: InstallReport;
}

async function changeEntries(args: Arguments, system: System): Promise<Changes> {
  const removed = args.uninstall === undefined ? undefined : uninstall(args.uninstall, system);
  // What ran before says nothing any more.
  if (removed) await system.prober.forget();
  return { removed, installed: args.install && (await install(args.install, args, system)) };
}

/** The same with the files of the host. */
async function changeHost(args: Arguments, options: HostOptions, system: System, context: Context): Promise<Changes> {
  const opened = openHost(options, system);
  if (opened.kind === 'unreachable') return { removed: reportProblem(opened.problem) };
  const { tree } = opened;
  try {
    const found = otherProcessor(system) ?? (await formatOf(tree, options));
    const busy = await lockHost(tree, args.install !== undefined && !('id' in found));
    if (busy) return { removed: reportProblem(busy) };
    const files = await context.loadHostFiles();
    const items = args.uninstall === undefined ? [] : await takeBack(args.uninstall, { tree, files }, system);
    const removed = reportBatch('uninstalling', items);
    if (args.install === undefined) return { removed };
    if ('id' in found) return { removed: joined(removed, reportProblem(found)) };
    const host = { ...found, tree, files, chosen: options.format !== 'any' };
    return { removed, installed: await install(args.install, args, system, host) };
  } finally {
    await tree.close();
  }
}

function joined(one: Report, other: Report): Report {
  return { lines: [...one.lines, ...other.lines], exit: Math.max(one.exit, other.exit) as Report['exit'] };
}

const isFailure = ({ kind }: Line) => kind === 'failed' || kind === 'problem';

/** Works without privileges too, because it believes the probes. `latest`: a picture that is still true. */
async function status(system: System, latest?: Snapshot): Promise<Report> {
  const complete = architectures.every((architecture) => latest?.probes.has(architecture));
  const snapshot =
    complete && latest ? latest : await takeSnapshot(system, { probes: architectures, known: latest?.probes });
  const { binfmt } = snapshot;
  const lines: Line[] =
    binfmt.kind === 'unavailable' && !isProblem(engineWithoutEntries, binfmt.problem)
      ? [{ kind: 'note', note: { kind: 'entries-unreadable', problem: binfmt.problem } }]
      : [];
  return { stdout: formatStatus(statusOf(snapshot)), lines, exit: 0 };
}

function uninstall(list: string, { binfmt, emulatorDirectory }: System): Report {
  if (binfmt.kind !== 'writable') {
    const nothing = isProblem(engineWithoutEntries, binfmt.problem);
    const item = nothing ? { note: { kind: 'not-registered' } as const } : { problem: binfmt.problem };
    return reportBatch('uninstalling', [{ subject: list, ...item }]);
  }
  const items = splitRemovals(list, readEntries(binfmt)).flatMap((word): Item[] => {
    const removal = planRemoval(word, readEntries(binfmt), emulatorDirectory.prefix);
    if (removal.kind === 'unknown') return [{ subject: word, problem: removal.problem }];
    if (removal.names.length === 0) return [{ subject: word, note: { kind: 'not-registered' } }];
    return removal.names.map((subject) => ({ subject, problem: unregister(binfmt.dir, subject) }));
  });
  return reportBatch('uninstalling', items);
}

interface InstallReport {
  readonly report: Report;
  readonly after: Snapshot;
  /** Something was registered, and needs its mount. */
  readonly registered: boolean;
  /** Something was not registered only because the rootless engine has no entries of its own. */
  readonly withoutEntries: boolean;
}

/** `host`: on this host too. */
async function install(
  words: readonly string[],
  { options, after: front }: Pick<Arguments, 'options' | 'after'>,
  system: System,
  host?: TargetHost,
): Promise<InstallReport> {
  const selection = parseSelection(words);
  const before = await takeSnapshot(system, { probes: architecturesOf(selection, architectures), emulators: true });
  const platforms = selectPlatforms(selection, before);
  const request = { platforms, options, before, lasting: 'yes' } as const;
  const done: Installation & { readonly problem?: Problem; readonly persisted?: Report } =
    host === undefined
      ? await (front === undefined ? installPlatforms(request, system) : installBehind(front, request, system))
      : await persistPlatforms(request, host, system);
  const { results, after, problem, persisted } = done;
  const items: Item[] = [
    ...selection.unknown.map((problem) => ({ subject: problem.subject, problem })),
    ...(selection.all && before.emulators.size === 0 ? [noEmulatorsItem(system)] : []),
    ...(problem ? [{ subject: front ?? '', problem }] : []),
    ...results.map(({ platform, problem, note, registered }) => ({
      subject: platform.architecture.name,
      problem,
      note: registered === undefined ? note : noteOn(note, system),
    })),
  ];
  const report = reportBatch('installing', items);
  return {
    report: persisted ? joined(report, persisted) : report,
    after,
    registered: results.some(({ registered }) => registered !== undefined),
    withoutEntries: results.some(({ problem }) => problem && isProblem(engineWithoutEntries, problem)),
  };
}

/** If this program is emulated itself, its emulator finds other emulators by their paths, in this container only. */
function noteOn(note: Note | undefined, { host }: System): Note | undefined {
  if (!host.emulatedOn) return note;
  return { kind: 'this-container-only', platform: formatPlatform({ architecture: host.emulatedOn }), note };
}

function noEmulatorsItem({ emulatorDirectory: { path, prefix } }: System): Item {
  const problem = problemOf(noEmulators, path, { directory: path, prefix }, [
    { do: 'consider', what: 'set-emulator-directory' },
  ]);
  return { subject: 'all', problem };
}

/** Installs and stays until a signal comes. */
async function watch(args: Arguments, service: Service, context: Context): Promise<Report> {
  const found = service.node && findCluster(context.cluster);
  if (found?.kind === 'none') return reportProblem(found.problem);
  const open = () => openSystem(context.setup, { ...args.mount, toChange: true });
  const system = await open();
  const refused = refusal(system.binfmt, args.mount);
  if (refused) return refused;
  await removeLeftovers(system);
  if (args.uninstall !== undefined) {
    const { lines } = uninstall(args.uninstall, system);
    if (lines.length > 0) context.print(lines);
  }
  const node = found && service.node && { ...service.node, ...found.cluster };
  const options = { ...service, node, words: args.install ?? [], options: args.options };
  return runService(options, open, engineEnds(system.binfmt), context);
}

/** Wires the parts together and dispatches; the only place that prints and exits. */
import fs from 'node:fs';
import path from 'node:path';
import tty from 'node:tty';
import { type Doctor, type Export, type Manage, type Place, parseCommand, type Watch } from './cli.js';
import { doctor, listChecks } from './commands/doctor.js';
import { exportFiles } from './commands/export.js';
import { install } from './commands/install.js';
import type { Report } from './commands/report.js';
import { run } from './commands/run.js';
import { status } from './commands/status.js';
import { uninstall } from './commands/uninstall.js';
import { version } from './commands/version.js';
import { formatEvent } from './core/events.js';
import type { ExitStatus } from './core/failure.js';
import type { Program } from './core/program.js';
import { EMPTY_STATUS, formatStatus } from './core/status.js';
import { usage } from './options.js';
import type { EmulatorFolder } from './system/emulators.js';
import { connectLauncher, type Launcher } from './system/launcher.js';
import { lookAtMachine } from './system/machine.js';
import { closeRegistry, openRegistry } from './system/mounting.js';
import { removeDirectories } from './system/probe-places.js';
import { createProber } from './system/prober.js';
import type { System } from './system/snapshot.js';

/** Replaced by the build (see package.json, script "build:program"). */
declare const REVISION: string;

const environment = process.env;
const folder: EmulatorFolder = {
  dir: path.resolve(environment['QEMU_BINARY_PATH'] || '/usr/bin'),
  prefix: environment['QEMU_BINARY_PREFIX'] ?? '',
};

/** An image is called by its name; elsewhere it is the file beside the one that runs. */
const program: Program = environment['BINFMT_IMAGE']
  ? { kind: 'image', name: environment['BINFMT_IMAGE'] }
  : {
      kind: 'file',
      name: path.join(path.dirname(process.argv[1] ?? ''), 'binfmt'),
      environment: environment['QEMU_BINARY_PATH'] ? [`QEMU_BINARY_PATH=${folder.dir}`] : [],
    };

async function main(argv: readonly string[]): Promise<ExitStatus> {
  const command = parseCommand(argv, environment);
  if (command.kind === 'help') return print({ stdout: usage(command.of), lines: [], exit: 0 });
  if (command.kind === 'usage-error')
    return print({ lines: [usage([command.of]), `binfmt: ${command.cause}`], exit: 2 });
  const ends = environment['BINFMT_LAUNCHER'];
  if (ends === undefined) return print({ lines: ['binfmt: start the program "binfmt" beside this file'], exit: 1 });
  try {
    const launcher = connectLauncher(ends);
    switch (command.kind) {
      case 'version':
        return print(await version(REVISION, folder, launcher));
      case 'healthcheck': {
        const { healthcheck } = await loadHealthcheck();
        return print(await healthcheck(command));
      }
      case 'doctor':
        return print(command.listChecks ? listChecks(command.json) : await consult(command, launcher));
      case 'export':
        return print(await exportAll(command, launcher));
      case 'run':
        return print(await run(command, lookOutside(launcher)));
      case 'manage':
        return command.watch ? await stay(command, command.watch, launcher) : print(await manage(command, launcher));
    }
  } catch (error) {
    // A defect, or a machine in a state that nobody thought of: what is known is still valid JSON.
    removeDirectories();
    const cause = error instanceof Error ? error.message : String(error);
    return print({
      stdout: command.kind === 'manage' ? formatStatus(EMPTY_STATUS) : '',
      lines: [`binfmt: ${cause}`],
      exit: 1,
    });
  }
}

/** A bundle of its own beside this one: its library for HTTP is larger than everything else together. */
function loadHealthcheck(): Promise<typeof import('./commands/healthcheck.js')> {
  return import(path.join(path.dirname(process.argv[1] ?? ''), 'healthcheck.cjs'));
}

/** Everything but binfmt_misc itself. */
function lookOutside(launcher: Launcher): Omit<System, 'registry'> {
  const machine = lookAtMachine();
  return { machine, launcher, prober: createProber(launcher, machine.own), folder, program };
}

async function openSystem(place: Place, launcher: Launcher, toChange: boolean): Promise<System> {
  const { mount, allowUserNamespace } = place;
  const registry = await openRegistry({ dir: mount && path.resolve(mount), allowUserNamespace, toChange }, launcher);
  return { ...lookOutside(launcher), registry };
}

/** Installs and stays, until a signal comes. */
async function stay(command: Manage, { logFormat, ...options }: Watch, launcher: Launcher): Promise<ExitStatus> {
  const { watch } = await import('./commands/watch.js');
  if (command.uninstall) uninstall(command.uninstall, await openSystem(command, launcher, true));
  let check = () => {};
  process.removeAllListeners('SIGHUP').on('SIGHUP', () => check());
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.removeAllListeners(signal).once(signal, () => resolve(signal));
    }
  });
  const args = { words: command.install ?? [], options: command.options, ...options };
  await watch(args, () => openSystem(command, launcher, true), {
    revision: REVISION,
    emit: (event) => write(2, `${formatEvent(event, new Date().toISOString(), logFormat)}\n`),
    print: (stdout) => write(1, stdout),
    untilStopped: (checkNow) => {
      check = checkNow;
      return stopped;
    },
  });
  removeDirectories();
  launcher.close();
  return 0;
}

/** Uninstalls, then installs, then tells the status, as far as each was asked for. */
async function manage(command: Manage, launcher: Launcher): Promise<Report> {
  const system = await openSystem(command, launcher, (command.install ?? command.uninstall) !== undefined);
  const { registry } = system;
  const removed = command.uninstall && uninstall(command.uninstall, system);
  const installed = command.install && (await install({ words: command.install, options: command.options }, system));
  const now = await status(system, installed?.probes);
  if (!installed?.registered) await closeRegistry(registry, launcher);
  const steps = [removed, installed].filter((report) => report !== undefined);
  // What the status could not read, a failed step has told already.
  const told = steps.some(({ exit }) => exit === 3) ? [] : now.lines;
  return {
    stdout: now.stdout ?? formatStatus(EMPTY_STATUS),
    lines: [...told, ...new Set(steps.flatMap(({ lines }) => lines))],
    exit: steps.reduce<ExitStatus>((worst, { exit }) => Math.max(exit, worst) as ExitStatus, 0),
  };
}

async function consult(command: Doctor, launcher: Launcher): Promise<Report> {
  const system = await openSystem(command, launcher, false);
  try {
    return await doctor(command, system);
  } finally {
    await closeRegistry(system.registry, launcher);
  }
}

async function exportAll(command: Export, launcher: Launcher): Promise<Report> {
  if (command.root === undefined && tty.isatty(1)) {
    return { lines: ['binfmt: standard output is a terminal; to unpack it: … | sudo tar -x -C /'], exit: 2 };
  }
  // No entry of binfmt_misc matters for what is written.
  const registry = {
    kind: 'closed',
    failure: { code: 'binfmt-missing', subject: '', cause: 'not looked for' },
  } as const;
  const system = { ...lookOutside(launcher), registry };
  return exportFiles(command, system, (bytes) => write(1, bytes) === undefined);
}

/** A result that cannot be written is a failure. */
function print({ stdout = '', lines, exit }: Report): ExitStatus {
  write(2, lines.map((line) => `${line}\n`).join(''));
  const refused = write(1, stdout);
  const unwritten = refused === 'EPIPE' ? undefined : refused; // a reader that has seen enough
  if (unwritten) write(2, `binfmt: cannot write to standard output: ${unwritten}\n`);
  return exit || (unwritten ? 1 : 0);
}

/**
 * To the file descriptor itself: loading Node's streams for it takes longer than everything else here.
 * Returns the errno's name if not all could be written.
 */
function write(fd: number, text: string | Uint8Array): string | undefined {
  let rest: Uint8Array = typeof text === 'string' ? Buffer.from(text) : text;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') continue; // a pipe that somebody made non-blocking, and that is full
      return code;
    }
  }
  return undefined;
}

// Dies of the signal itself: leaving in any other way waits for the launcher's answer.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
  process.once(signal, () => {
    removeDirectories();
    process.kill(process.pid, signal);
  });
}

// Exits at once: Node's own tidying up takes several milliseconds, and nothing is left to be done.
main(process.argv.slice(2)).then((exit) => process.exit(exit));

/** Wires the parts together and dispatches; the only place that prints and exits. */
import fs from 'node:fs';
import path from 'node:path';
import { type Manage, parseCommand, usage } from './cli.js';
import { install } from './commands/install.js';
import type { Report } from './commands/report.js';
import { status } from './commands/status.js';
import { uninstall } from './commands/uninstall.js';
import { version } from './commands/version.js';
import type { ExitStatus } from './core/failure.js';
import { EMPTY_STATUS, formatStatus } from './core/status.js';
import { closeRegistry, openRegistry } from './system/binfmt-fs.js';
import type { EmulatorFolder } from './system/emulators.js';
import { type Launcher, startLauncher } from './system/launcher.js';
import { lookAtMachine } from './system/machine.js';
import { createProber } from './system/prober.js';

const environment = process.env;
const folder: EmulatorFolder = {
  dir: environment['QEMU_BINARY_PATH'] || '/usr/bin',
  prefix: environment['QEMU_BINARY_PREFIX'] ?? '',
};

/** The launcher lies beside the bundle, whatever link it was called through. */
function launcherBeside(program: string): string {
  return path.join(path.dirname(fs.realpathSync(program)), 'launcher');
}

async function main(argv: readonly string[]): Promise<ExitStatus> {
  const command = parseCommand(argv, environment);
  if (command.kind === 'help') return print({ stdout: usage(), lines: [], exit: 0 });
  if (command.kind === 'usage-error') return print({ lines: [usage(), `binfmt: ${command.cause}`], exit: 2 });

  const launcher = startLauncher(launcherBeside(process.argv[1] ?? ''));
  try {
    if (command.kind === 'version') return print(await version(folder, launcher));
    return print(await manage(command, launcher));
  } catch (error) {
    // A defect, or a machine in a state that nobody thought of: what is known is still valid JSON.
    const cause = error instanceof Error ? error.message : String(error);
    return print({ stdout: formatStatus(EMPTY_STATUS), lines: [`binfmt: ${cause}`], exit: 1 });
  } finally {
    launcher.close();
  }
}

/** Uninstalls, then installs, then tells the status, as far as each was asked for. */
async function manage(command: Manage, launcher: Launcher): Promise<Report> {
  const machine = lookAtMachine();
  const registry = await openRegistry(command.mount && path.resolve(command.mount), launcher);
  const system = { machine, launcher, prober: createProber(launcher, machine.own), folder, registry };

  const removed = command.uninstall && uninstall(command.uninstall, system);
  const installed = command.install && (await install(command.install, command.options, system));
  const now = await status(system, installed?.probes);
  if (!installed) await closeRegistry(registry, launcher);
  const steps = [removed, installed].filter((report) => report !== undefined);
  // What the status could not read, a failed step has told already.
  const told = steps.some(({ exit }) => exit === 3) ? [] : now.lines;
  return {
    stdout: now.stdout ?? formatStatus(EMPTY_STATUS),
    lines: [...told, ...new Set(steps.flatMap(({ lines }) => lines))],
    exit: steps.reduce<ExitStatus>((worst, { exit }) => Math.max(exit, worst) as ExitStatus, 0),
  };
}

function print({ stdout = '', lines, exit }: Report): ExitStatus {
  process.stderr.write(lines.map((line) => `${line}\n`).join(''));
  process.stdout.write(stdout);
  return exit;
}

main(process.argv.slice(2)).then((exit) => {
  process.exitCode = exit;
});

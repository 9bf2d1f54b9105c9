/** Wires the parts together. The only file that prints, exits, and handles signals. */
import fs from 'node:fs';
import { type Environment, readEnvironment } from './cli/environment.js';
import { type CommandLine, parseCommandLine } from './cli/parse.js';
import { usage } from './cli/usage.js';
import type { Command, Context } from './commands/command.js';
import { defaultCommand } from './commands/registrations.js';
import { call, type Invocation } from './core/invocation.js';
import { formatPlatform } from './core/platform/platform.js';
import { type ExitStatus, problemOf } from './core/problem.js';
import { outputFailed, startedAlone, unexpectedProblem } from './core/report/program-problems.js';
import { renderLine, reportProblem } from './core/report/render.js';
import type { Line, Report } from './core/report/report-lines.js';
import { NO_STATUS } from './core/report/status.js';
import { describeUsageError, seeHelp, type UsageError } from './core/report/usage-text.js';
import { undoAll } from './system/cleanup.js';
import { pause } from './system/host/files.js';
import { lookAtHost } from './system/host/host.js';
import { answered, connectLauncher } from './system/probing/launcher.js';

/** Set by the build (src/build.ts). */
declare const VERSION: string;
declare const REVISION: string;

async function main(argv: readonly string[]): Promise<ExitStatus> {
  const environment = readEnvironment(process.env);
  const line = parseCommandLine(argv);
  if (line.kind === 'help') return print({ stdout: usage(line.of), lines: [], exit: 0 }, environment.invocation(argv));
  if (line.kind === 'usage-error') return refuse(line.of, line.error, environment.invocation(argv));
  const { translation } = line;
  const error = environment.error ?? translation?.errorIn(process.env);
  if (error) return refuse(line.command, error, environment.invocation(argv));
  if (translation) {
    const lines = translation.describe(argv, environment.invocation(translation.words));
    write(2, lines.map((each) => `binfmt: ${each}\n`).join(''));
  }
  return start(line, translation?.words ?? argv, environment);
}

function refuse({ name }: Command, error: UsageError, invocation: Invocation): ExitStatus {
  const help = call(invocation, [...(name ? [name] : []), '--help']);
  write(2, `${seeHelp(help)}\nbinfmt: ${describeUsageError(error)}\n`);
  return 2;
}

async function start(
  { command, run }: Extract<CommandLine, { kind: 'run' }>,
  argv: readonly string[],
  environment: Environment,
): Promise<ExitStatus> {
  const pipes = process.env['BINFMT_LAUNCHER'];
  if (pipes === undefined) {
    return print(reportProblem(problemOf(startedAlone, 'binfmt', {})), environment.invocation(argv));
  }
  const host = lookAtHost();
  const platform = host.emulatedOn && formatPlatform({ architecture: host.emulatedOn });
  const invocation: Invocation = { ...environment.invocation(argv), platform };
  // All probes run already (src/native/main.c), unless this call does not need them.
  const launcher = connectLauncher(pipes, process.env['BINFMT_PROBES'] === 'started');
  const { emulatorDirectory, preserveArgv0, cluster } = environment;
  const context: Context = {
    build: { version: VERSION, revision: REVISION, node: process.versions.node },
    setup: { host, launcher, emulatorDirectory, invocation },
    preserveArgv0,
    cluster,
    write,
    print: (lines) => printLines(lines, invocation),
    // Loaded here, because it loads Node's network too.
    isTerminal: async (fd) => (await import('node:tty')).isatty(fd),
    untilStopped,
  };
  try {
    const report = await run(context);
    return report.usageError ? refuse(command, report.usageError, invocation) : print(report, invocation);
  } catch (error) {
    // A defect, or a machine in a state that was not foreseen. The status is valid JSON even now.
    const report = reportProblem(unexpectedProblem(error));
    return print(isDefault(command) ? { ...report, stdout: NO_STATUS } : report, invocation);
  } finally {
    undoAll();
  }
}

const isDefault = (command: Command) => command === defaultCommand;

const endingSignals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;
type EndingSignal = (typeof endingSignals)[number];

/** Ends by the same signal: process.exit() would wait for the pending read from the launcher. */
function endBy(signal: EndingSignal): void {
  undoAll();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

let onSignal: (signal: EndingSignal) => void = endBy;

/** From now on SIGTERM and SIGINT do not end the process, but resolve this. SIGHUP calls `check`. */
function untilStopped(check: () => void): Promise<string> {
  watching = true;
  return new Promise((resolve) => {
    onSignal = (signal) => {
      if (signal === 'SIGHUP') check();
      else if (signal === 'SIGQUIT') endBy(signal);
      else resolve(signal);
    };
  });
}

/** A result that cannot be written is a failure. */
function print({ stdout = '', lines, exit }: Report, invocation: Invocation): ExitStatus {
  printLines(lines, invocation);
  const errno = write(1, stdout);
  // EPIPE: a reader that has seen enough, such as head(1).
  if (errno === undefined || errno === 'EPIPE') return exit;
  printLines(reportProblem(problemOf(outputFailed, 'binfmt', { errno })).lines, invocation);
  return exit || 1;
}

function printLines(lines: readonly Line[], invocation: Invocation): void {
  write(2, lines.map((line) => `${renderLine(line, invocation)}\n`).join(''));
}

/**
 * Writes to the file descriptor itself, because loading Node's streams takes longer than everything else here. Returns
 * the errno's name if not everything could be written.
 */
function write(fd: 1 | 2, text: string | Uint8Array): string | undefined {
  if (fd === 1) tellLauncher();
  let rest: Uint8Array = typeof text === 'string' ? Buffer.from(text) : text;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A full pipe that another process has made non-blocking. A watcher must not wait for a log that is not read.
      if (code !== 'EAGAIN' || ((fd === 2 || watching) && ++pauses > MOST_PAUSES)) return code;
      pause(PAUSE);
    }
  }
  pauses = 0;
  return undefined;
}

const PAUSE = 10; // milliseconds
/** How often in a row it may wait for a reader. */
const MOST_PAUSES = 100;
let pauses = 0;
let watching = false;

let told = false;

/** If binfmt ends before it has told its launcher that it answers, the launcher answers in its place. */
function tellLauncher(): void {
  const pipes = process.env['BINFMT_LAUNCHER'];
  if (!told && pipes !== undefined) answered(pipes);
  told = true;
}

// These listeners stay: a signal that arrives while one listener takes the place of another is lost.
for (const signal of endingSignals) process.on(signal, () => onSignal(signal));

// Exits at once: Node's own clean-up takes several milliseconds, and nothing is left to do.
main(process.argv.slice(2)).then((exit) => {
  tellLauncher();
  process.exit(exit);
});

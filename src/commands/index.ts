/** Every command. The first one is meant if the command line names none. */
import type { Command } from './command.js';
import { doctorCommand } from './doctor.js';
import { exportCommand } from './export.js';
import { healthcheckCommand } from './healthcheck.js';
import { defaultCommand } from './registrations.js';
import { runCommand } from './run.js';

export const commands: readonly [Command, ...Command[]] = [
  defaultCommand,
  doctorCommand,
  runCommand,
  exportCommand,
  healthcheckCommand,
];

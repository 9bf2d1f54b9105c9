/** The machine as src/system sees it, for tests that call src/system themselves: with a real launcher, in the private binfmt_misc. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { lookAtHost } from '../../src/system/host/host.js';
import { connectLauncher } from '../../src/system/probing/launcher.js';
import { openMachine, type System } from '../../src/system/system.js';
import { MOUNT } from './kernel.js';
import { EMULATORS, must, PROGRAM, ROOT } from './program.js';
import { scratch } from './scratch.js';

/** Calls `use` with the machine, and ends the launcher afterwards. */
export async function withSystem<Result>(use: (system: System) => Promise<Result>): Promise<Result> {
  const [requests = '', answers = ''] = ['requests', 'answers'].map((name) => path.join(scratch(), name));
  must('mkfifo', [requests, answers]);
  // To open one end only would wait for the other end.
  const to = fs.openSync(requests, 'r+');
  const input = fs.openSync(requests, 'r');
  const output = fs.openSync(answers, 'r+');
  const from = fs.openSync(answers, 'r');
  spawn(path.join(ROOT, 'dist/launcher'), { stdio: [input, output, 'inherit'] });
  for (const fd of [input, output]) fs.closeSync(fd);
  const launcher = connectLauncher(`${from},${to}`);
  const machine = openMachine({
    host: lookAtHost(),
    launcher,
    emulatorDirectory: { path: EMULATORS, prefix: '' },
    invocation: { kind: 'file', name: PROGRAM, environment: [], args: [] },
  });
  // It looks for its test programs beside itself.
  const [, runner = ''] = process.argv;
  process.argv[1] = PROGRAM;
  try {
    return await use({ ...machine, binfmt: { kind: 'writable', dir: MOUNT, mountedHere: false } });
  } finally {
    process.argv[1] = runner;
    launcher.close();
    fs.closeSync(from);
  }
}

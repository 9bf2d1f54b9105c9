/**
 * Where probes run: an empty directory that holds nothing but their executables, as their root directory if chroot is
 * allowed; otherwise memory.
 */
import fs from 'node:fs';
import path from 'node:path';
import { probeExecutable } from '../../core/binfmt/probe-executable.js';
import type { Architecture } from '../../core/platform/architectures.js';
import { undoAtEnd } from '../cleanup.js';
import { besideProgram, errnoOf, pause } from '../host/files.js';
import { PROBES } from './first-probes.js';
import type { Executable, Execution, Launcher } from './launcher.js';

/** How the names of these directories begin. */
export const PROBE_DIRECTORY = 'binfmt-probe-';

/** `parent`: the directory that it is made in; undefined: in memory. */
export interface ProbeDirectory {
  readonly parent?: string;
  readonly chroot: boolean;
}

/** A program of an architecture, with its whole environment. */
export interface ProbeRequest {
  readonly architecture: Architecture;
  readonly environment?: readonly string[];
  /** Instead of the architecture's probe. */
  readonly program?: Uint8Array;
}

/** What the launcher gets for some requests, and the directory of the files; no directory: in memory. */
export interface Prepared {
  readonly executions: readonly Execution[];
  readonly files: readonly Executable[];
  readonly directory?: string;
}

/** Prepares the executables and removes them after `use`. Undefined: the directory cannot be used at all. */
export async function withExecutables<T>(
  { parent, chroot }: ProbeDirectory,
  requests: readonly ProbeRequest[],
  launcher: Launcher,
  use: (prepared: Prepared) => Promise<T>,
): Promise<T | undefined> {
  if (parent === undefined) return use({ executions: await executionsInMemory(requests, launcher), files: [] });
  // The launcher's protocol has no way to write these characters.
  if (/[\t\n]/.test(parent)) return undefined;
  let directory: string;
  try {
    directory = fs.mkdtempSync(path.join(parent, PROBE_DIRECTORY));
  } catch {
    return undefined;
  }
  const undone = undoAtEnd(() => remove(directory));
  const names = requests.map(({ architecture, program }, i) =>
    program ? `${architecture.name}-${i}` : architecture.name,
  );
  // Several requests may share one probe.
  const programs = new Map(requests.map((request, i) => [names[i] ?? '', bytesOf(request)]));
  const files = [...programs].map(([name, bytes]) => ({ file: path.join(directory, name), bytes }));
  const executions = requests.map(({ environment }, i): Execution => {
    if (!chroot) return { file: path.join(directory, names[i] ?? ''), environment };
    return { root: directory, file: `/${names[i]}`, environment };
  });
  try {
    return await use({ executions, files, directory });
  } finally {
    remove(directory);
    undone();
  }
}

function bytesOf({ architecture, program }: ProbeRequest): Uint8Array {
  return program ?? readProbe(architecture);
}

const probes = new Map<Architecture, Uint8Array>();

/** The probe that the build made for an architecture, which the launcher runs while Node.js starts; a new one if it is gone. */
export function readProbe(architecture: Architecture): Uint8Array {
  const probe = probes.get(architecture) ?? readOrMake(architecture);
  probes.set(architecture, probe);
  return probe;
}

function readOrMake(architecture: Architecture): Uint8Array {
  try {
    return fs.readFileSync(besideProgram(PROBES, architecture.name));
  } catch {
    return probeExecutable(architecture);
  }
}

/** An executable deeper in a probe directory; the directories on the way are made. */
export function executableBelow(directory: string, file: string, bytes: Uint8Array): Executable {
  const below = path.join(directory, file);
  fs.mkdirSync(path.dirname(below), { recursive: true });
  return { file: below, bytes };
}

/** When a signal ends binfmt, the launcher may still be writing the files of the last request. */
function remove(directory: string): void {
  for (let tries = 200; tries > 0; tries--) {
    try {
      fs.rmSync(directory, { recursive: true, force: true });
      return;
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY') throw error;
      pause(5);
    }
  }
}

/** The paths of the probes that each launcher holds in memory, for as long as it lives. */
const inMemory = new WeakMap<Launcher, Map<Architecture, string>>();

async function executionsInMemory(requests: readonly ProbeRequest[], launcher: Launcher): Promise<Execution[]> {
  const paths = inMemory.get(launcher) ?? new Map<Architecture, string>();
  inMemory.set(launcher, paths);
  const executions: Execution[] = [];
  for (const request of requests) {
    const { architecture, environment, program } = request;
    const known = program ? undefined : paths.get(architecture);
    const file = known ?? (await launcher.holdInMemory(bytesOf(request)));
    if (!program) paths.set(architecture, file);
    executions.push({ file, environment });
  }
  return executions;
}

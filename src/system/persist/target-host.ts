/** Finds the host whose files are to be written: its root directory, and how it registers entries at boot. */
import fs from 'node:fs';
import path from 'node:path';
import type { Advice } from '../../core/advice.js';
import { notADirectory } from '../../core/install/request-problems.js';
import type { HostFile } from '../../core/persist/entry-files.js';
import {
  bootOf,
  chooseFormat,
  EMULATOR_DIRECTORY,
  type FoundFormat,
  type PersistFormat,
  persistFormatNames,
} from '../../core/persist/formats.js';
import { hostBusy, hostKindUnknown, hostOtherProcessor, hostUnreachable } from '../../core/persist/persist-problems.js';
import { formatPlatform } from '../../core/platform/platform.js';
import { type Problem, problemOf } from '../../core/problem.js';
import { isDirectory } from '../host/files.js';
import { type HostTree, openHostTree } from '../host/host-tree.js';
import { processesInOtherNamespaces, userId } from '../host/namespaces.js';
import type { Machine } from '../system.js';

export interface HostOptions {
  /** `any`: whichever is found. */
  readonly format: PersistFormat | 'any';
  /** The host's root directory; undefined: binfmt finds it. */
  readonly root?: string;
}

export type OpenedHost =
  | { readonly kind: 'opened'; readonly tree: HostTree }
  | { readonly kind: 'unreachable'; readonly problem: Problem };

export function openHost({ root }: HostOptions, { launcher, invocation }: Machine): OpenedHost {
  if (root !== undefined && !isDirectory(root)) {
    return { kind: 'unreachable', problem: problemOf(notADirectory, root, { path: root }) };
  }
  const found = root ?? (invocation.kind === 'file' ? '/' : rootOfHost());
  if (found === undefined) {
    const advice = [withHostFiles(), { do: 'call-again', with: 'host-root' }] as const;
    return { kind: 'unreachable', problem: problemOf(hostUnreachable, 'machine', {}, advice) };
  }
  return { kind: 'opened', tree: openHostTree(path.resolve(found), launcher) };
}

/** Against other calls, until this one ends. `toInstall`: something will be written. Resolves to why that cannot be had. */
export async function lockHost(tree: HostTree, toInstall: boolean): Promise<Problem | undefined> {
  if ((await tree.lock(path.dirname(EMULATOR_DIRECTORY), toInstall)) === 'locked') return undefined;
  return problemOf(hostBusy, 'machine', {}, [{ do: 'consider', what: 'try-again-later' }]);
}

/** Why binfmt's emulators are of no use to the host. */
export function otherProcessor({ host: { own, emulatedOn } }: Machine): Problem | undefined {
  if (own === undefined || emulatedOn === undefined) return undefined;
  const [program, processor] = [own, emulatedOn].map((architecture) => formatPlatform({ architecture }));
  const facts = { program: program ?? '', processor: processor ?? '' };
  return problemOf(hostOtherProcessor, 'machine', facts, [withHostFiles()]);
}

/** Another user than root can read no process of the host, whatever the options are. */
export const withHostFiles = (): Advice => ({ do: 'call-again', with: userId() === 0 ? 'host-files' : 'root-user' });

/** The root directory of a process of the host (docker run --pid=host). It takes the right to trace that process. */
function rootOfHost(): string | undefined {
  return processesInOtherNamespaces()
    .map((pid) => `/proc/${pid}/root`)
    .find(isReadable);
}

function isReadable(directory: string): boolean {
  try {
    fs.readdirSync(directory);
    return true;
  } catch {
    return false;
  }
}

/** How the host registers entries at boot; or why that is not known. */
export async function formatOf(
  tree: HostTree,
  { format }: HostOptions,
): Promise<{ readonly format: PersistFormat; readonly enable?: HostFile } | Problem> {
  const chosen = format === 'any' ? chooseFormat(await formatsOn(tree)) : format;
  if (chosen === undefined) return problemOf(hostKindUnknown, 'machine', { root: tree.root });
  const { enabledBy } = bootOf(chosen);
  if (enabledBy === undefined || (await hasOneOf(tree, enabledBy.oneOf))) return { format: chosen };
  return { format: chosen, enable: enabledBy.link };
}

async function formatsOn(tree: HostTree): Promise<FoundFormat[]> {
  const found: FoundFormat[] = [];
  for (const format of persistFormatNames) {
    const { evidence, booted } = bootOf(format);
    if (!(await hasOneOf(tree, evidence))) continue;
    found.push({ format, booted: booted !== undefined && (await tree.has(booted)) });
  }
  return found;
}

async function hasOneOf(tree: HostTree, files: readonly string[]): Promise<boolean> {
  for (const file of files) if (await tree.has(file)) return true;
  return false;
}

/** What people have reported in public about emulators and hosts, as one table: docs/troubleshooting.md is made from it. */
import type { KnownProblem } from '../known-problem.js';
import { builds } from './builds.js';
import { crashes } from './crashes.js';
import { distribution } from './distribution.js';
import { engine } from './engine.js';
import { imageTools } from './image-tools.js';
import { registration } from './registration.js';
import { starts } from './starts.js';

/** The name of each group, and its rows: the commonest first. */
export const knownGroups: Readonly<Record<string, readonly KnownProblem[]>> = {
  'Programs and containers do not start': starts,
  'Builds and commands fail, or are slow': [...builds, ...imageTools, ...distribution],
  'Programs and emulators crash': crashes,
  'Emulators cannot be registered, or are gone': registration,
  'The engine, the shell and the machine': engine,
};

export const knownProblems = Object.values(knownGroups).flat();

/** The address of a source: `docker/buildx#395` is a thread of GitHub. */
export function addressOf(source: string): string {
  const [, repository, number] = /^([\w.-]+\/[\w.-]+)#(\d+)$/.exec(source) ?? [];
  return repository === undefined ? source : `https://github.com/${repository}/issues/${number}`;
}

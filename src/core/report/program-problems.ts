/** Problems of binfmt itself: its watcher, its output, and everything that was not expected. */
import { type ProblemDefinition, problemOf } from '../problem.js';

export const noWatcher: ProblemDefinition = {
  id: 'no-watcher',
  title: () => 'no watcher is running',
  cause: () => 'no watcher is running here',
};

export const watcherSilent: ProblemDefinition<{ address: string; errno: string }> = {
  id: 'watcher-silent',
  title: ({ address }) => `the watcher at ${address} does not answer`,
  cause: ({ address, errno }) => `the watcher at ${address} does not answer (${errno})`,
};

export const cannotListen: ProblemDefinition<{ address?: string; errno: string }> = {
  id: 'cannot-listen',
  title: () => 'the watcher cannot listen',
  cause: ({ address, errno }) =>
    address === undefined
      ? `cannot listen at any default address (${errno}): the health check cannot reach this watcher`
      : `cannot listen at ${address} (${errno})`,
};

export const startedAlone: ProblemDefinition = {
  id: 'started-alone',
  title: () => 'this file cannot be started by itself',
  cause: () => 'this file cannot be started by itself; start the program "binfmt" beside it',
};

export const unexpected: ProblemDefinition<{ message: string; stack?: readonly string[] }> = {
  id: 'unexpected',
  title: () => 'unexpected error',
  cause: ({ message }) => `unexpected error: ${message}`,
};

export const outputFailed: ProblemDefinition<{ errno: string }> = {
  id: 'output-failed',
  title: () => 'standard output could not be written',
  cause: ({ errno }) => `cannot write to standard output: ${errno}`,
};

/** What stopped the program without anybody having expected it. */
export function unexpectedProblem(error: unknown) {
  const facts =
    error instanceof Error ? { message: error.message, stack: framesOf(error) } : { message: String(error) };
  return problemOf(unexpected, 'binfmt', facts, [{ do: 'consider', what: 'show-stack' }]);
}

/** Where it happened. Of a file only its name: the directory may be private. */
function framesOf({ stack = '' }: Error): string[] {
  const frames = stack.split('\n').filter((line) => /^ +at /.test(line));
  return frames.map((line) => line.replace(/(\(|at (?:async )?)(?:file:\/\/)?\/.*\//, '$1').trim());
}

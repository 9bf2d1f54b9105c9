/** A container with a fresh checkout that stands for a user's machine. Its Docker Engine is that of the tests. */
import path from 'node:path';
import { expect } from 'chai';
import { docker, mustDocker } from '../support/docker.js';
import { own } from '../support/machine.js';
import { type Ended, must, ROOT } from '../support/program.js';
import { scratch } from '../support/scratch.js';
import type { Job } from '../support/workflow.js';

const RUNNER = 'binfmt-test-runner';

/** What the workflows set, with fewer tests and hosts, and without emulators from source. */
const WORKFLOW = { CI: 'true', KINDS: 'static', HOSTS: own.name, EMULATORS: 'debian', GITHUB_OUTPUT: '/tmp/output' };

/** Builds its image. */
export function buildRunner(): void {
  const file = path.join(import.meta.dirname, 'runner.Dockerfile');
  must('docker', ['buildx', 'build', '--quiet', '--load', '--file', file, '--tag', RUNNER, import.meta.dirname]);
}

export function startRunner(environment: Readonly<Record<string, string>>): void {
  stopRunner();
  const checkout = path.join(scratch(), 'checkout');
  must('git', ['clone', '--quiet', ROOT, checkout]);
  const volumes = ['--volume', '/var/run/docker.sock:/var/run/docker.sock', '--volume', `${checkout}:/checkout`];
  const variables = Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const options = ['--privileged', '--network', 'host', ...volumes, ...variables, '--workdir', '/checkout'];
  mustDocker('run', '--detach', '--name', RUNNER, ...options, RUNNER, 'sleep', 'infinity');
}

export function stopRunner(): void {
  docker('rm', '--force', RUNNER);
}

/** Runs a script of bash in it, which ends with the first command that fails if `strict`. */
export function inRunner(script: string, { strict, user = 'root' }: { strict: boolean; user?: string }): Ended {
  return docker('exec', '--user', user, RUNNER, 'bash', ...(strict ? ['-eo', 'pipefail'] : []), '-c', script);
}

/** Does what a workflow's job does in a new machine, and returns what it says with GITHUB_OUTPUT. */
export function runJob({ commands }: Job, image: string): Record<string, string> {
  startRunner({ ...WORKFLOW, IMAGE: image });
  try {
    for (const command of commands) {
      const { exit, stdout, stderr } = inRunner(command, { strict: true });
      expect(exit, `${command}\n${stdout}${stderr}`).to.equal(0);
    }
    const said = inRunner('cat "$GITHUB_OUTPUT"', { strict: false }).stdout;
    return Object.fromEntries([...said.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  } finally {
    stopRunner();
  }
}
